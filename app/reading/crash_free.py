"""Crash-free of the last four weeks for pages that show many apps: worked out once for the same figures."""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import date, timedelta
from threading import Lock

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.reading.stability import stability
from app.reading.trends import Period
from models.stability import DailyCrashes, DailySessions

DAYS = 28
_KEPT: "OrderedDict[object, list[CrashFree]]" = OrderedDict()
_LOCK = Lock()
_MOST = 500


@dataclass(frozen=True, slots=True)
class CrashFree:
    """A channel's share (0 to 1) without a crash; `share` None: withheld, or only crashes are counted.

    `base` is what it is a share of: sessions, users or "" (nothing); `crashes` were counted in these days.
    `low` and `high` are its 95 % interval, None where the source tells percentages without counts.
    """

    channel: str
    base: str
    share: float | None
    low: float | None
    high: float | None
    withheld: bool
    crashes: int


def crash_free(session: Session, days: dict[int, date]) -> dict[int, list[CrashFree]]:
    """Read it for apps (id → its today), over 28 days each; an app that no crash tool watches is absent."""
    if not days:
        return {}
    first = min(days.values()) - timedelta(days=DAYS - 1)
    marks: dict[int, tuple[object, ...]] = {}
    s, c = DailySessions, DailyCrashes
    ran = select(
        s.app_id,
        func.count(),
        func.sum(s.sessions),
        func.sum(s.users),
        func.sum(s.crashed_sessions),
        func.sum(s.crash_free_sessions),
        func.sum(s.crash_free_users),
        func.max(s.day),
    )
    crashed = select(c.app_id, func.count(), func.sum(c.events), func.max(c.day)).where(c.issue_id == 0)
    for query, table in ((ran, s), (crashed, c)):
        for app_id, *told in session.execute(
            query.where(table.app_id.in_(days), table.day >= first).group_by(table.app_id)
        ):
            marks[app_id] = (*marks.get(app_id, ()), *told)
    return {app_id: _kept(session, app_id, days[app_id], mark) for app_id, mark in sorted(marks.items())}


def _kept(session: Session, app_id: int, today: date, mark: tuple[object, ...]) -> list[CrashFree]:
    key = (id(session.get_bind().engine), app_id, today, mark)
    with _LOCK:
        if key in _KEPT:
            _KEPT.move_to_end(key)
            return _KEPT[key]
    found = [
        CrashFree(
            channel,
            told.base,
            told.crash_free,
            told.low,
            told.high,
            bool(told.withheld_days),
            sum(d.crashes or 0 for d in told.days),
        )
        for channel, told in stability(session, app_id, Period(today - timedelta(days=DAYS - 1), today)).items()
    ]
    with _LOCK:
        _KEPT[key] = found
        while len(_KEPT) > _MOST:
            _KEPT.popitem(last=False)
    return found
