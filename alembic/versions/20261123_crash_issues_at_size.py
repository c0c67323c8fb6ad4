"""The days of one crash issue by an index: issues that are told by version only are found among tens of thousands."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_daily_crashes_issue",
        "daily_crashes",
        ["app_id", "issue_id", "day"],
        postgresql_where=sa.text("issue_id <> 0"),
    )


def downgrade() -> None:
    op.drop_index("ix_daily_crashes_issue", table_name="daily_crashes")
