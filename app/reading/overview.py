"""How an app stands now: its last 28 days against those before, the strongest open incident, the newest release."""

from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from app.reading import called, irritants, trends, versions
from app.reading.apps import today
from app.reading.day_counts import DayCounts, day_counts
from app.reading.launches import Launch, all_releases, launches
from app.reading.stability import Crashes, crashes
from app.reading.trends import Period, Slice, Stars
from app.reading.versions import Pair
from models.apps import App
from models.incidents import Incident
from models.releases import Release

MONTH = 28
FRESH = 14
"""Days for which an incident that is over is still told."""
CRASH_DAYS = 90
"""As far back as stability is told: what crashed a year ago is no news."""


@dataclass(frozen=True, slots=True)
class Overview:
    """`period` is what the trend shows, `month` its last 28 days, `before` the 28 before those.

    `seen` are the first and last day with a verbatim (None: there is none), `incident` is the strongest open one
    and `called` its irritant,
    `back` the last one of these two weeks that ended because its stars came back,
    `line` the versions that were out on the last day, `pair` the newest against the last before it, `born` the
    irritants that came with it. `counts` are what the two months, the pair and (`charted`) the trend are made of,
    `crashes` what stability is.
    """

    today: date
    seen: Period | None
    channels: list[str]
    last: date
    period: Period
    month: Period
    before: Period
    n: int
    stars: Stars
    n_before: int
    stars_before: Stars
    incident: Incident | None
    called: called.Called | None
    open_incidents: int
    back: Incident | None
    releases: list[Release]
    line: list[Launch]
    counts: DayCounts
    crashes: Crashes
    pair: Pair | None
    born: list[irritants.Row]


def overview(
    session: Session,
    app: App,
    language: str,
    *,
    days: int = 365,
    until: date | None = None,
    channel: str | None = None,
    charted: bool = False,
) -> Overview:
    """Read it for the `days` up to `until` (None: today, or the last day with a verbatim in an old import)."""
    now = today(app)
    seen, channels = trends.known_days_and_channels(session, app.id)
    last = until or _last_shown(now, seen.last if seen else None, days)
    first = last - timedelta(days=days - 1)
    if seen and first < seen.first <= last - timedelta(days=MONTH - 1):
        first = seen.first  # a young app's chart begins with its first review
    month = Period(last - timedelta(days=MONTH - 1), last)
    before = Period(month.first - timedelta(days=MONTH), month.first - timedelta(days=1))
    part = Slice(app.id, channel=channel)
    found, back = _incidents(session, app.id, last)
    releases = all_releases(session, app.id)
    line = launches(session, app.id, last, channel, releases)
    names = versions.newest_names(line) if seen else None
    spans = [before, month]
    if names:
        spans.append(versions.looked_at(line, *names, last))
    if charted:
        spans.append(trends.buckets_of(Period(first, last), "week")[1])
    whole = Period(min(span.first for span in spans), max(span.last for span in spans))
    counts = day_counts(session, part, whole)
    stable = crashes(session, app.id, Period(last - timedelta(days=CRASH_DAYS - 1), last))
    pair = versions.compare(session, app.id, *names, last, channel, line, counts, stable) if names else None
    strongest = max(found, key=lambda one: one.score, default=None)
    n, stars = counts.total(month)
    n_before, stars_before = counts.total(before)
    return Overview(
        today=now,
        seen=seen,
        channels=channels,
        last=last,
        period=Period(first, last),
        month=month,
        before=before,
        n=n,
        stars=stars,
        n_before=n_before,
        stars_before=stars_before,
        incident=strongest,
        called=called.names(session, [strongest]).get(strongest.id) if strongest else None,
        open_incidents=len(found),
        back=back,
        releases=releases,
        line=line,
        counts=counts,
        crashes=stable,
        pair=pair,
        born=irritants.newborn(session, app.id, pair.this.released, language, last) if pair else [],
    )


_SHOWN = Incident.evidence["recovered"]["day"].astext
_OVER = (Incident.state == "resolved") & _SHOWN.between(bindparam("since"), bindparam("last"))
_INCIDENTS = (
    select(Incident)
    .where(
        Incident.app_id == bindparam("app_id"),
        (Incident.state.in_(("open", "acknowledged")) & (Incident.rule != "canary")) | _OVER,
    )
    .order_by(_SHOWN.desc(), Incident.opened_at.desc(), Incident.id.desc())
)


def _incidents(session: Session, app_id: int, last: date) -> tuple[list[Incident], Incident | None]:
    """Those that are open, and the newest whose stars were seen to be back in the two weeks up to a day."""
    given = {"app_id": app_id, "since": str(last - timedelta(days=FRESH)), "last": str(last)}
    found = session.scalars(_INCIDENTS, given).all()
    over = [one for one in found if one.state == "resolved"]
    return [one for one in found if one.state != "resolved"], over[0] if over else None


def _last_shown(now: date, last_seen: date | None, days: int) -> date:
    """Today, or the last day with a verbatim where nothing is newer than the whole period (an old import)."""
    if last_seen is not None and (now - last_seen).days >= days:
        return last_seen
    return now
