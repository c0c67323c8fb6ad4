"""Survey answers and tickets counted by day: their scores and times answer at any size."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "daily_answers",
        sa.Column("app_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("low", sa.SmallInteger(), nullable=False),
        sa.Column("high", sa.SmallInteger(), nullable=False),
        sa.Column("wave", sa.Text(), nullable=False),
        sa.Column("segment", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("n", "up", "even", "down", "satisfied")),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], name=op.f("fk_daily_answers_app_id_apps"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint(
            "app_id", "day", "type", "low", "high", "wave", "segment", "version", name=op.f("pk_daily_answers")
        ),
    )
    op.create_table(
        "daily_tickets",
        sa.Column("app_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        *(
            sa.Column(name, sa.Integer(), nullable=False)
            for name in ("n", "deleted", "open", "unanswered", "judged", "satisfied")
        ),
        sa.Column("answered", sa.LargeBinary(), nullable=False),
        sa.Column("resolved", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], name=op.f("fk_daily_tickets_app_id_apps"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("app_id", "day", "channel", name=op.f("pk_daily_tickets")),
    )
    # The index by type is of no use to a day's count.
    op.drop_index("ix_survey_answers_app_id_type_day", table_name="survey_answers")
    op.create_index("ix_survey_answers_app_id_day", "survey_answers", ["app_id", sa.literal_column("day DESC")])
    scale = "app_id, day, type, low, high, wave, segment, version"
    op.execute(
        f"INSERT INTO daily_answers ({scale}, n, up, even, down, satisfied)"  # noqa: S608  names of ours
        f" SELECT {scale}, count(*), count(*) FILTER (WHERE score >= 9),"
        " count(*) FILTER (WHERE score BETWEEN 7 AND 8), count(*) FILTER (WHERE score <= 6),"
        " count(*) FILTER (WHERE CASE WHEN type = 'satisfied' THEN score >= 1 ELSE score >= high - 1 END)"
        f" FROM survey_answers GROUP BY {scale}"
    )
    op.execute(
        "INSERT INTO daily_tickets"  # noqa: S608
        " (app_id, day, channel, n, deleted, open, unanswered, judged, satisfied, answered, resolved)"
        " SELECT app_id, day, channel, count(*) FILTER (WHERE deleted_at IS NULL), count(deleted_at),"
        " count(*) FILTER (WHERE deleted_at IS NULL AND resolved_at IS NULL AND status NOT IN ('closed', 'solved')),"
        " count(*) FILTER (WHERE deleted_at IS NULL AND first_answer_at IS NULL),"
        " count(satisfied) FILTER (WHERE deleted_at IS NULL),"
        " count(*) FILTER (WHERE deleted_at IS NULL AND satisfied),"
        f" {_seconds('first_answer_at')}, {_seconds('resolved_at')}"
        " FROM tickets GROUP BY app_id, day, channel"
    )


def _seconds(end: str) -> str:
    took = f"least(greatest(date_part('epoch', {end} - created_at), -2147483648), 2147483647)"
    listed = f"string_agg(int4send(CAST({took} AS int4)), CAST('' AS bytea))"
    return f"coalesce({listed} FILTER (WHERE deleted_at IS NULL AND {end} IS NOT NULL), CAST('' AS bytea))"


def downgrade() -> None:
    op.drop_index("ix_survey_answers_app_id_day", table_name="survey_answers")
    op.create_index(
        "ix_survey_answers_app_id_type_day", "survey_answers", ["app_id", "type", sa.literal_column("day DESC")]
    )
    op.drop_table("daily_tickets")
    op.drop_table("daily_answers")
