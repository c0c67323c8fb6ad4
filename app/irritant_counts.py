"""Daily counts of irritants and the people concerned, from the verbatims themselves, so that both always agree."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import delete, func, insert, literal, select
from sqlalchemy.orm import Session

from app.reading.members import gathered, members, spans_of
from models.feedback import Verbatim
from models.insight import Irritant, IrritantDay

RECENT_DAYS = 35  # counted anew each time: late reviews, edits, readings by a new model
OFTEN = timedelta(hours=20)  # after which all days are counted anew
PEOPLE_DAYS = 84


def count(session: Session, app_id: int, today: date, now: datetime, *, everything: bool = False) -> None:
    """Count every irritant of an app: the live ones' last 35 days, and all days once a day or when they changed."""
    rows = list(session.scalars(select(Irritant).where(Irritant.app_id == app_id)))
    spans = spans_of(rows)
    for ident, group in gathered(rows).items():
        row = group[0]
        full = everything or row.counted_at is None or row.updated_at >= row.counted_at
        late = row.counted_at is not None and now - row.counted_at > OFTEN
        if not full and row.state == "gone" and not (late and row.state_since > today - timedelta(days=120)):
            continue
        since = date(1, 1, 1) if full or late else today - timedelta(days=RECENT_DAYS)
        _days(session, app_id, ident, group, spans, since)
        _people(session, app_id, row, group, spans, today)
        if full or late:
            row.counted_at = now
    session.flush()


def _days(
    session: Session, app_id: int, ident: int, group: Sequence[Irritant], spans: dict[str, list[tuple[date, date]]],
    since: date,
) -> None:  # fmt: skip
    v, d = Verbatim, IrritantDay
    session.execute(delete(d).where(d.app_id == app_id, d.irritant_id == ident, d.day >= since))
    session.execute(
        insert(d).from_select(
            ["app_id", "irritant_id", "day", "channel", "version", "n", "rated", "stars"],
            select(
                literal(app_id),
                literal(ident),
                v.day,
                v.channel,
                v.version,
                func.count(),
                func.count(v.stars),
                func.coalesce(func.sum(v.stars), 0),
            )
            .where(v.app_id == app_id, v.day >= since, members(app_id, group, spans))
            .group_by(v.day, v.channel, v.version),
        )
    )


def _people(
    session: Session, app_id: int, row: Irritant, group: Sequence[Irritant], spans: dict[str, list[tuple[date, date]]],
    today: date,
) -> None:  # fmt: skip
    v = Verbatim
    last = min(row.ended_day or today, today)
    people, nameless = session.execute(
        select(func.count(func.distinct(v.author)), func.count().filter(v.author.is_(None))).where(
            v.app_id == app_id,
            v.day.between(last - timedelta(days=PEOPLE_DAYS - 1), last),
            members(app_id, group, spans),
        )
    ).one()
    row.people, row.unknown = people, nameless
