"""Crashes of a day, and those of its issues, by indexes alone: neither walks through tens of thousands of rows."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_daily_crashes_totals",
        "daily_crashes",
        ["app_id", "source_id", "day"],
        postgresql_include=["version", "kind", "events"],
        postgresql_where=sa.text("issue_id = 0"),
    )
    op.create_index(
        "ix_daily_crashes_top",
        "daily_crashes",
        ["app_id", "source_id", "day"],
        postgresql_include=["issue_id", "events", "users", "users_rounded"],
        postgresql_where=sa.text("version = '' AND issue_id <> 0"),
    )


def downgrade() -> None:
    for name in ("top", "totals"):
        op.drop_index(f"ix_daily_crashes_{name}", table_name="daily_crashes")
