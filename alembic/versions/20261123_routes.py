"""Routes to destinations, and deliveries that quiet hours do not hold, or did."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "routes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("destination_id", sa.BigInteger(), nullable=False),
        sa.Column("app_id", sa.BigInteger(), nullable=True),
        sa.Column("rules", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("floor", sa.Text(), server_default="alert", nullable=False),
        sa.Column("manner", sa.Text(), server_default="now", nullable=False),
        sa.Column("wakes", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["destination_id"],
            ["destinations.id"],
            name=op.f("fk_routes_destination_id_destinations"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], name=op.f("fk_routes_app_id_apps"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_routes")),
    )
    op.create_index(op.f("ix_routes_destination_id"), "routes", ["destination_id"])
    for name in ("wakes", "held"):
        op.add_column("deliveries", sa.Column(name, sa.Boolean(), server_default="false", nullable=False))


def downgrade() -> None:
    for name in ("held", "wakes"):
        op.drop_column("deliveries", name)
    op.drop_table("routes")
