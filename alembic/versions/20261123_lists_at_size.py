"""A version's verbatims in order by their index alone, its urgent ones, and its topics: lists answer at any size."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_verbatims_app_id_version", table_name="verbatims")
    op.create_index(
        "ix_verbatims_app_id_version",
        "verbatims",
        ["app_id", "version", sa.text("written_at DESC"), sa.text("id DESC")],
    )
    op.create_index(
        "ix_verbatims_urgent_version",
        "verbatims",
        ["app_id", "version", sa.text("written_at DESC"), sa.text("id DESC")],
        postgresql_where=sa.text("urgent"),
    )
    op.create_index("ix_daily_topics_app_id_version_topic", "daily_topics", ["app_id", "version", "topic"])


def downgrade() -> None:
    op.drop_index("ix_daily_topics_app_id_version_topic", table_name="daily_topics")
    op.drop_index("ix_verbatims_urgent_version", table_name="verbatims")
    op.drop_index("ix_verbatims_app_id_version", table_name="verbatims")
    op.create_index("ix_verbatims_app_id_version", "verbatims", ["app_id", "version", sa.text("written_at DESC")])
