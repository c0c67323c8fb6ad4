"""Releases in one line: staged share, who told of them, and the version of each build."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("releases", sa.Column("rollout", sa.Double(), nullable=True))
    op.add_column("releases", sa.Column("rollout_state", sa.Text(), nullable=True))
    op.add_column("releases", sa.Column("rollout_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("releases", sa.Column("seen_by", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False))
    op.create_table(
        "release_builds",
        sa.Column("app_id", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("build", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["app_id"], ["apps.id"], name=op.f("fk_release_builds_app_id_apps"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("app_id", "channel", "build", name=op.f("pk_release_builds")),
    )


def downgrade() -> None:
    op.drop_table("release_builds")
    for name in ("seen_by", "rollout_at", "rollout_state", "rollout"):
        op.drop_column("releases", name)
