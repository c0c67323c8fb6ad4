"""Hours of the week as a rollup, a sample of people and the nameless by indexes: channels answer at any size."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "daily_hours",
        sa.Column("app_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("part", sa.SmallInteger(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], name=op.f("fk_daily_hours_app_id_apps"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("app_id", "day", "channel", "part", name=op.f("pk_daily_hours")),
    )
    op.execute(
        "INSERT INTO daily_hours (app_id, day, channel, part, n)"
        " SELECT v.app_id, day, channel, extract(hour FROM written_at AT TIME ZONE a.timezone)::int4 / 3 AS part,"
        " count(*)"
        " FROM verbatims v JOIN apps a ON a.id = v.app_id GROUP BY v.app_id, day, channel, part"
    )
    op.create_index(
        "ix_verbatims_sample",
        "verbatims",
        ["app_id", "written_at"],
        postgresql_include=["channel", "person", "author"],
        postgresql_where=sa.text("(hashtextextended(coalesce(person, author), 0) & 63) = 0"),
    )
    op.create_index(
        "ix_verbatims_nameless",
        "verbatims",
        ["app_id", "written_at"],
        postgresql_include=["channel"],
        postgresql_where=sa.text("person IS NULL AND author IS NULL"),
    )
    op.create_index(
        "ix_verbatims_voices",
        "verbatims",
        ["app_id", "channel", "written_at"],
        postgresql_include=["person", "author"],
        postgresql_where=sa.text("channel NOT IN ('app_store', 'google_play')"),
    )


def downgrade() -> None:
    for name in ("voices", "nameless", "sample"):
        op.drop_index(f"ix_verbatims_{name}", table_name="verbatims")
    op.drop_table("daily_hours")
