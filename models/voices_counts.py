"""Daily counts of survey answers and tickets: the days that a page touched are counted anew from their rows.

A day has hundreds of answers and tickets, and a median cannot be moved by a difference; so no count can drift.
"""

from collections.abc import Iterable
from datetime import date

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

# Two transactions that touch a day would each count without the other's rows: of an app, one at a time.
_ALONE = text("SELECT pg_advisory_xact_lock(hashtextextended('cocoon:voices', :app_id))")


def _seconds(end: str) -> str:
    # A desk's clock may say anything; what no number holds is the most that one does.
    took = f"least(greatest(date_part('epoch', {end} - created_at), -2147483648), 2147483647)"
    listed = f"string_agg(int4send(CAST({took} AS int4)), CAST('' AS bytea))"
    return f"coalesce({listed} FILTER (WHERE deleted_at IS NULL AND {end} IS NOT NULL), CAST('' AS bytea))"


_IN = "WHERE app_id = :app_id AND day = ANY(CAST(:days AS date[]))"
_SCALE = "app_id, day, type, low, high, wave, segment, version"
_COUNT_ANSWERS = f"""INSERT INTO daily_answers ({_SCALE}, n, up, even, down, satisfied)
SELECT {_SCALE}, count(*), count(*) FILTER (WHERE score >= 9), count(*) FILTER (WHERE score BETWEEN 7 AND 8),
  count(*) FILTER (WHERE score <= 6),
  count(*) FILTER (WHERE CASE WHEN type = 'satisfied' THEN score >= 1 ELSE score >= high - 1 END)
FROM survey_answers {_IN} GROUP BY {_SCALE}"""  # noqa: S608  names of ours
_COUNT_TICKETS = f"""INSERT INTO daily_tickets
  (app_id, day, channel, n, deleted, open, unanswered, judged, satisfied, answered, resolved)
SELECT app_id, day, channel, count(*) FILTER (WHERE deleted_at IS NULL), count(deleted_at),
  count(*) FILTER (WHERE deleted_at IS NULL AND resolved_at IS NULL AND status NOT IN ('closed', 'solved')),
  count(*) FILTER (WHERE deleted_at IS NULL AND first_answer_at IS NULL),
  count(satisfied) FILTER (WHERE deleted_at IS NULL), count(*) FILTER (WHERE deleted_at IS NULL AND satisfied),
  {_seconds("first_answer_at")}, {_seconds("resolved_at")}
FROM tickets {_IN} GROUP BY app_id, day, channel"""  # noqa: S608
_ANSWERS = (text(f"DELETE FROM daily_answers {_IN}"), text(_COUNT_ANSWERS))  # noqa: S608
_TICKETS = (text(f"DELETE FROM daily_tickets {_IN}"), text(_COUNT_TICKETS))  # noqa: S608


def count_alone(session: Session, app_id: int) -> None:
    """Wait until no other transaction counts answers or tickets of this app. Before their rows are written."""
    session.execute(_ALONE, {"app_id": app_id})


def count_answers(session: Session, app_id: int, days: Iterable[date]) -> None:
    """Count the answers of these days anew."""
    _count(session, _ANSWERS, app_id, days)


def count_tickets(session: Session, app_id: int, days: Iterable[date]) -> None:
    """Count the tickets that were opened on these days anew."""
    _count(session, _TICKETS, app_id, days)


def _count(session: Session, steps: Iterable[TextClause], app_id: int, days: Iterable[date]) -> None:
    touched = sorted(set(days))
    if touched:
        for step in steps:
            session.execute(step, {"app_id": app_id, "days": touched})
