"""What a team chose about the rules, its noise budget, and its votes on incidents."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "rule_choices",
        sa.Column("app_id", sa.BigInteger(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("settings", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], name=op.f("fk_rule_choices_app_id_apps"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("app_id", "rule", name=op.f("pk_rule_choices")),
    )
    op.create_table(
        "noise_budgets",
        sa.Column("team", sa.Text(), server_default="", nullable=False),
        sa.Column("per_month", sa.Double(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("team", name=op.f("pk_noise_budgets")),
    )
    op.create_table(
        "incident_votes",
        sa.Column("app_id", sa.BigInteger(), nullable=False),
        sa.Column("incident_id", sa.Uuid(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("useful", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["app_id"], ["apps.id"], name=op.f("fk_incident_votes_app_id_apps"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["app_id", "incident_id"],
            ["incidents.app_id", "incidents.id"],
            name=op.f("fk_incident_votes_app_id_incidents"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("app_id", "incident_id", "actor", name=op.f("pk_incident_votes")),
    )


def downgrade() -> None:
    op.drop_table("incident_votes")
    op.drop_table("noise_budgets")
    op.drop_table("rule_choices")
