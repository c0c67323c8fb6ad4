"""Irritants with their days, verbatims and life; corrections; the installation's own topics."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "taxonomy_edits",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("yaml", sa.Text(), nullable=False),
        sa.Column("edited_by", sa.Text(), nullable=False),
        sa.Column("edited_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_taxonomy_edits")),
    )
    op.create_table(
        "irritants",
        sa.Column("app_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("keys", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("standing", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("name_fr", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("given_name", sa.Text(), server_default="", nullable=False),
        sa.Column("named_by", sa.Text(), server_default="", nullable=False),
        sa.Column("summary", sa.Text(), server_default="", nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("state_since", sa.Date(), nullable=False),
        sa.Column("began_day", sa.Date(), nullable=False),
        sa.Column("noticed_day", sa.Date(), nullable=False),
        sa.Column("ended_day", sa.Date(), nullable=True),
        sa.Column("began_version", sa.Text(), server_default="", nullable=False),
        sa.Column("fixed_version", sa.Text(), server_default="", nullable=False),
        sa.Column("fix_announced", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("channels", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("score", sa.Double(), server_default="0", nullable=False),
        sa.Column("share_before", sa.Double(), server_default="0", nullable=False),
        sa.Column("share_peak", sa.Double(), server_default="0", nullable=False),
        sa.Column("people", sa.Integer(), server_default="0", nullable=False),
        sa.Column("unknown", sa.Integer(), server_default="0", nullable=False),
        sa.Column("phrases", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("merged_into", sa.BigInteger(), nullable=True),
        sa.Column("merged_by", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], name=op.f("fk_irritants_app_id_apps"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("app_id", "id", name=op.f("pk_irritants")),
    )
    op.create_index("ix_irritants_app_id_key", "irritants", ["app_id", "key"], unique=False)
    op.create_index("ix_irritants_app_id_state", "irritants", ["app_id", "state"], unique=False)
    op.create_table(
        "corrections",
        sa.Column("app_id", sa.BigInteger(), nullable=False),
        sa.Column("verbatim_id", sa.BigInteger(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=True),
        sa.Column("intents", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("topics", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("corrected_by", sa.Text(), nullable=False),
        sa.Column("corrected_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["app_id", "verbatim_id"],
            ["verbatims.app_id", "verbatims.id"],
            name=op.f("fk_corrections_app_id_verbatims"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("app_id", "verbatim_id", name=op.f("pk_corrections")),
    )
    op.create_table(
        "irritant_days",
        sa.Column("app_id", sa.BigInteger(), nullable=False),
        sa.Column("irritant_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("rated", sa.Integer(), nullable=False),
        sa.Column("stars", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["app_id", "irritant_id"],
            ["irritants.app_id", "irritants.id"],
            name=op.f("fk_irritant_days_app_id_irritants"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("app_id", "irritant_id", "day", "channel", "version", name=op.f("pk_irritant_days")),
    )
    op.create_index("ix_irritant_days_app_id_day", "irritant_days", ["app_id", "day"], unique=False)
    op.create_table(
        "irritant_events",
        sa.Column("app_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("irritant_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), server_default="cocoon", nullable=False),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["app_id", "irritant_id"],
            ["irritants.app_id", "irritants.id"],
            name=op.f("fk_irritant_events_app_id_irritants"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("app_id", "id", name=op.f("pk_irritant_events")),
    )
    op.create_index("ix_irritant_events_app_id_irritant_id", "irritant_events", ["app_id", "irritant_id"], unique=False)
    op.create_table(
        "irritant_verbatims",
        sa.Column("app_id", sa.BigInteger(), nullable=False),
        sa.Column("irritant_id", sa.BigInteger(), nullable=False),
        sa.Column("verbatim_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(
            ["app_id", "irritant_id"],
            ["irritants.app_id", "irritants.id"],
            name=op.f("fk_irritant_verbatims_app_id_irritants"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["app_id", "verbatim_id"],
            ["verbatims.app_id", "verbatims.id"],
            name=op.f("fk_irritant_verbatims_app_id_verbatims"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("app_id", "irritant_id", "verbatim_id", name=op.f("pk_irritant_verbatims")),
    )


def downgrade() -> None:
    op.drop_table("irritant_verbatims")
    op.drop_index("ix_irritant_events_app_id_irritant_id", table_name="irritant_events")
    op.drop_table("irritant_events")
    op.drop_index("ix_irritant_days_app_id_day", table_name="irritant_days")
    op.drop_table("irritant_days")
    op.drop_table("corrections")
    op.drop_index("ix_irritants_app_id_state", table_name="irritants")
    op.drop_index("ix_irritants_app_id_key", table_name="irritants")
    op.drop_table("irritants")
    op.drop_table("taxonomy_edits")
