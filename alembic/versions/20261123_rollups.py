"""Topics by week, for long spans; verbatims by the source that brought them first. Both filled from what is there."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "weekly_topics",
        sa.Column("app_id", sa.BigInteger(), nullable=False),
        sa.Column("week", sa.Date(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("negative", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], name=op.f("fk_weekly_topics_app_id_apps"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("app_id", "week", "channel", "version", "topic", name=op.f("pk_weekly_topics")),
    )
    op.create_table(
        "daily_sources",
        sa.Column("app_id", sa.BigInteger(), nullable=False),
        sa.Column("source_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], name=op.f("fk_daily_sources_app_id_apps"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("app_id", "source_id", "day", name=op.f("pk_daily_sources")),
    )
    op.execute(
        "INSERT INTO weekly_topics (app_id, week, channel, version, topic, n, negative)"
        " SELECT app_id, date_trunc('week', day)::date AS week, channel, version, topic, sum(n), sum(negative)"
        " FROM daily_topics GROUP BY app_id, week, channel, version, topic"
    )
    op.execute(
        "INSERT INTO daily_sources (app_id, source_id, day, n)"
        " SELECT app_id, source_id, day, count(*) FROM verbatims GROUP BY app_id, source_id, day"
    )


def downgrade() -> None:
    op.drop_table("daily_sources")
    op.drop_table("weekly_topics")
