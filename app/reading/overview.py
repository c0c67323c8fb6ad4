"""How an app stands now: its last 28 days against those before, the strongest open incident, the newest release."""

from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy.orm import Session

from app.reading import incidents, irritants, trends, versions
from app.reading.apps import today
from app.reading.launches import Launch, launches
from app.reading.trends import Period, Slice, Stars
from app.reading.versions import Pair
from models.apps import App
from models.incidents import Incident

MONTH = 28


@dataclass(frozen=True, slots=True)
class Overview:
    """`period` is what the trend shows, `month` its last 28 days, `before` the 28 before those.

    `seen` are the first and last day with a verbatim (None: there is none), `incident` is the strongest open one,
    `line` the versions that were out on the last day, `pair` the newest against the last before it, `born` the
    irritants that came with it.
    """

    today: date
    seen: Period | None
    last: date
    period: Period
    month: Period
    before: Period
    n: int
    stars: Stars
    n_before: int
    stars_before: Stars
    incident: Incident | None
    open_incidents: int
    line: list[Launch]
    pair: Pair | None
    born: list[irritants.Row]


def overview(
    session: Session, app: App, language: str, *, days: int = 365, until: date | None = None, channel: str | None = None
) -> Overview:
    """Read it for the `days` up to `until` (None: today, or the last day with a verbatim in an old import)."""
    now = today(app)
    seen = trends.known_days(session, app.id)
    last = until or _last_shown(now, seen.last if seen else None, days)
    first = last - timedelta(days=days - 1)
    if seen and first < seen.first <= last - timedelta(days=MONTH - 1):
        first = seen.first  # a young app's chart begins with its first review
    month = Period(last - timedelta(days=MONTH - 1), last)
    before = Period(month.first - timedelta(days=MONTH), month.first - timedelta(days=1))
    part = Slice(app.id, channel=channel)
    found = [one for one, _ in incidents.find(session, app_id=app.id, states=("open", "acknowledged"))]
    (n, stars), (n_before, stars_before) = trends.totals(session, part, [month, before])
    line = launches(session, app.id, last, channel)
    pair = versions.newest_pair(session, app.id, last, channel, line) if seen else None
    return Overview(
        today=now,
        seen=seen,
        last=last,
        period=Period(first, last),
        month=month,
        before=before,
        n=n,
        stars=stars,
        n_before=n_before,
        stars_before=stars_before,
        incident=max(found, key=lambda one: one.score, default=None),
        open_incidents=len(found),
        line=line,
        pair=pair,
        born=irritants.newborn(session, app.id, pair.this.released, language, last) if pair else [],
    )


def _last_shown(now: date, last_seen: date | None, days: int) -> date:
    """Today, or the last day with a verbatim where nothing is newer than the whole period (an old import)."""
    if last_seen is not None and (now - last_seen).days >= days:
        return last_seen
    return now
