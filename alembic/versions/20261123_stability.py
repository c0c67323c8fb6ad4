"""Crash issues, daily crashes and daily sessions, and how many figures a run read."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "crash_issues",
        sa.Column("app_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("source_id", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), server_default="", nullable=False),
        sa.Column("subtitle", sa.Text(), server_default="", nullable=False),
        sa.Column("first_version", sa.Text(), server_default="", nullable=False),
        sa.Column("last_version", sa.Text(), server_default="", nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.Text(), server_default="", nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], name=op.f("fk_crash_issues_app_id_apps"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["source_id"], ["sources.id"], name=op.f("fk_crash_issues_source_id_sources"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("app_id", "id", name=op.f("pk_crash_issues")),
        sa.UniqueConstraint(
            "app_id", "source_id", "external_id", name=op.f("uq_crash_issues_app_id_source_id_external_id")
        ),
    )
    op.create_index("ix_crash_issues_app_id_first_seen_at", "crash_issues", ["app_id", "first_seen_at"], unique=False)
    op.create_table(
        "daily_crashes",
        sa.Column("app_id", sa.BigInteger(), nullable=False),
        sa.Column("source_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("issue_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("events", sa.BigInteger(), nullable=False),
        sa.Column("users", sa.BigInteger(), nullable=True),
        sa.Column("users_rounded", sa.Boolean(), server_default="false", nullable=False),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], name=op.f("fk_daily_crashes_app_id_apps"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["source_id"], ["sources.id"], name=op.f("fk_daily_crashes_source_id_sources"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint(
            "app_id", "source_id", "day", "version", "issue_id", "kind", name=op.f("pk_daily_crashes")
        ),
    )
    op.create_index("ix_daily_crashes_app_id_day", "daily_crashes", ["app_id", "day"], unique=False)
    op.create_table(
        "daily_sessions",
        sa.Column("app_id", sa.BigInteger(), nullable=False),
        sa.Column("source_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("sessions", sa.BigInteger(), nullable=True),
        sa.Column("users", sa.BigInteger(), nullable=True),
        sa.Column("users_rounded", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("crashed_sessions", sa.BigInteger(), nullable=True),
        sa.Column("crashed_users", sa.BigInteger(), nullable=True),
        sa.Column("crash_free_sessions", sa.Double(), nullable=True),
        sa.Column("crash_free_users", sa.Double(), nullable=True),
        sa.Column("anr_free_users", sa.Double(), nullable=True),
        sa.Column("withheld", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("zone", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["app_id"], ["apps.id"], name=op.f("fk_daily_sessions_app_id_apps"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["source_id"], ["sources.id"], name=op.f("fk_daily_sessions_source_id_sources"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("app_id", "source_id", "day", "version", name=op.f("pk_daily_sessions")),
    )
    op.create_index("ix_daily_sessions_app_id_day", "daily_sessions", ["app_id", "day"], unique=False)
    op.add_column("runs", sa.Column("figures", sa.Integer(), server_default="0", nullable=False))


def downgrade() -> None:

    op.drop_column("runs", "figures")
    op.drop_index("ix_daily_sessions_app_id_day", table_name="daily_sessions")
    op.drop_table("daily_sessions")
    op.drop_index("ix_daily_crashes_app_id_day", table_name="daily_crashes")
    op.drop_table("daily_crashes")
    op.drop_index("ix_crash_issues_app_id_first_seen_at", table_name="crash_issues")
    op.drop_table("crash_issues")
