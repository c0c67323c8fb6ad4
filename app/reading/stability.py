"""Stability as people read it: by channel, day and version, and the crash issues behind it.

What is shown follows the source that speaks for a channel (`models.stability_series`). A withheld rate is `withheld`,
never zero; users are shown by day and never added up, so over a period only sessions have a sum.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime, timedelta

import numpy as np
from sqlalchemy import bindparam, select, text
from sqlalchemy.orm import Session

from alerts.detectors import CrashChange, CrashCounts, crash_free_change, crash_free_share
from analysis.nps import Share
from app.reading.trends import Period
from models.stability import CrashIssue
from models.stability_series import Choice, CrashSeries, Floats, Rates, choices, crash_series
from models.versions import order_key


@dataclass(frozen=True, slots=True)
class StabilityDay:
    """One day of a channel or version. None is not known; `withheld` is known to the source and hidden.

    `state` is the ledger's word for the day (complete, partial, unknown, held).
    """

    day: date
    sessions: int | None
    users: int | None
    crash_free_sessions: float | None
    crash_free_users: float | None
    anr_free_users: float | None
    crashes: int | None
    anrs: int | None
    withheld: bool
    state: str


@dataclass(frozen=True, slots=True)
class VersionStability:
    """One version over a period: shares are weighted by the days' own denominators; `days` had one.

    `exposed` is their sum (sessions), None where the source counts users only: those do not add up.
    """

    version: str
    exposed: int | None
    crash_free: float | None
    crashes: int
    days: int
    withheld_days: int
    counts: CrashCounts | None
    """What the share is made of; None where the source tells percentages without counts: they have no interval."""

    @property
    def interval(self) -> Share | None:
        """The share with its 95 % interval."""
        return crash_free_share(self.counts) if self.counts else None

    @property
    def low(self) -> float | None:
        """The lower end of that interval."""
        return self.interval.low if self.interval else None

    @property
    def high(self) -> float | None:
        """Its upper end."""
        return self.interval.high if self.interval else None


def crash_change(this: VersionStability | None, that: VersionStability | None) -> CrashChange | None:
    """One version against another; None where either has no counts."""
    if this is None or that is None or this.counts is None or that.counts is None:
        return None
    return crash_free_change(this.counts, that.counts)


@dataclass(frozen=True, slots=True)
class ChannelStability:
    """A channel's days and versions, the highest version first. `base`: what `crash_free` is a share of.

    `base` is "sessions", "users" or "" (no denominator: crashes are counted, no rate can be told). `rounded`: the
    source rounds its users. `zone` is whose days these are ("": the app's own).
    """

    choice: Choice
    base: str
    rounded: bool
    zone: str
    days: list[StabilityDay]
    crash_free: float | None
    low: float | None
    high: float | None
    exposed: int | None
    withheld_days: int
    versions: list[VersionStability]


@dataclass(frozen=True, slots=True)
class IssueLine:
    """A crash issue with its events in a period, and the most people it met on one day (None: not told)."""

    issue: CrashIssue
    events: int
    users_on_worst_day: int | None
    users_rounded: bool
    last_day: date


def stability(session: Session, app_id: int, period: Period) -> dict[str, ChannelStability]:
    """Read each channel's stability; a channel that no crash source watches is absent."""
    return {name: _channel(each, period) for name, each in crashes(session, app_id, period).series.items()}


@dataclass(frozen=True, slots=True)
class Crashes:
    """The figures of every channel and version in a period, read once for all that a page makes of them."""

    period: Period
    series: dict[str, CrashSeries]

    def covers(self, part: Period) -> bool:
        """Whether every day of the part was read."""
        return self.period.first <= part.first and part.last <= self.period.last


def crashes(session: Session, app_id: int, period: Period) -> Crashes:
    """Read the figures of a period."""
    return Crashes(period, crash_series(session, app_id, period.first, period.last))


def stability_and_recent(
    known: Crashes, recent: Period
) -> tuple[dict[str, ChannelStability], dict[str, ChannelStability]]:
    """Each channel's stability, and that of a part of the period, without its versions.

    A channel of which the part tells nothing is absent there.
    One source speaks for both, so that a page's sentence and its chart never come from two tools.
    """
    period = known.period
    found, lately = {}, {}
    for name, each in known.series.items():
        found[name] = _channel(each, period)
        part = _cut(each, period, recent, ())
        if _told(part.total) or _cut(each, period, recent).versions:
            lately[name] = _channel(part, recent)
    return found, lately


def of_versions(
    session: Session, app_id: int, wanted: Sequence[tuple[str, Period]], known: Crashes | None = None
) -> list[dict[str, VersionStability]]:
    """Read the stability of each version in its period, by channel; a channel that knows nothing of it is absent.

    One source speaks for all of them, so that versions are never compared by two tools. `known` are figures that the
    caller has read; they speak where they reach.
    """
    whole = Period(min(period.first for _, period in wanted), max(period.last for _, period in wanted))
    if known is not None and known.covers(whole):
        whole, series = known.period, known.series
    else:
        series = crash_series(session, app_id, whole.first, whole.last, {version for version, _ in wanted})
    found: list[dict[str, VersionStability]] = []
    for version, period in wanted:
        parts = {name: _cut(each, whole, period, (version,)) for name, each in series.items()}
        found.append(
            {
                name: _version(version, part.versions[version], part.base)
                for name, part in parts.items()
                if version in part.versions
            }
        )
    return found


def _cut(series: CrashSeries, period: Period, part: Period, only: Collection[str] | None = None) -> CrashSeries:
    """The days of a part of the period, with the versions (`only` these) that have a figure there."""
    days = slice((part.first - period.first).days, (part.last - period.first).days + 1)

    def cut(rates: Rates) -> Rates:
        return Rates(**{name: getattr(rates, name)[days] for name in _FIELDS})

    versions = {name: cut(rates) for name, rates in series.versions.items() if only is None or name in only}
    return replace(
        series,
        first_day=part.first,
        states=series.states[days],
        known=series.known[days],
        total=cut(series.total),
        versions={name: rates for name, rates in versions.items() if _told(rates)},
    )


def version_days(session: Session, app_id: int, period: Period, channel: str, version: str) -> list[StabilityDay]:
    """Read the days of one version on a channel; empty where nothing is known of it."""
    found = crash_series(session, app_id, period.first, period.last).get(channel)
    if found is None or version not in found.versions:
        return []
    return _days(found.versions[version], found.states, period)


def top_issues(
    session: Session,
    app_id: int,
    period: Period,
    *,
    channel: str | None = None,
    version: str = "",
    limit: int = 10,
    chosen: Mapping[str, Choice] | None = None,
) -> list[IssueLine]:
    """Read the issues with most events in the period, of the sources that speak, with their versions.

    `chosen` are the sources that speak in this period, where the caller knows them.
    """
    if chosen is None:
        chosen = choices(session, app_id, period.first, period.last)
    speaking = [choice.source_id for name, choice in chosen.items() if channel in {None, name}]
    rows = session.execute(
        _OF_VERSION if version else _OF_ALL,
        {
            "app_id": app_id,
            "sources": speaking,
            "first": period.first,
            "last": period.last,
            "version": version,
            "limit": limit,
        },
    ).all()
    issues = {
        each.id: each for each in session.scalars(_ISSUES, {"app_id": app_id, "wanted": [row[0] for row in rows]})
    }
    return [
        IssueLine(issues[number], int(events), users, bool(rounded), last)
        for number, events, users, rounded, last in rows
        if number in issues
    ]


_ISSUES = select(CrashIssue).where(
    CrashIssue.app_id == bindparam("app_id"), CrashIssue.id.in_(bindparam("wanted", expanding=True))
)
_SUMS = """SELECT issue_id, sum(events) AS n, max(users) AS users, bool_or(users_rounded) AS rounded, max(day) AS last
  FROM daily_crashes WHERE app_id = :app_id AND source_id = ANY(CAST(:sources AS bigint[]))
    AND day BETWEEN :first AND :last AND issue_id <> 0 AND events > 0 AND"""
_TOP = "ORDER BY n DESC, issue_id LIMIT :limit"
_OF_VERSION = text(f"{_SUMS} version = :version GROUP BY issue_id {_TOP}")
# A source that tells an issue by version only has no total row: then its versions add up (events do). Only issues that
# were seen in these days can be such, and mostly there are none: a day has a row for each issue and version.
_OF_ALL = text(  # the index of an issue's days finds them
    f"""WITH totals AS MATERIALIZED ({_SUMS} version = '' GROUP BY issue_id),
  alone AS MATERIALIZED (SELECT id FROM crash_issues i
    WHERE app_id = :app_id AND source_id = ANY(CAST(:sources AS bigint[]))
      AND (last_seen_at IS NULL OR last_seen_at >= CAST(:first AS date) - interval '2 days')
      AND NOT EXISTS (SELECT FROM totals t WHERE t.issue_id = i.id))
  SELECT * FROM totals UNION ALL
  ({_SUMS} version <> '' AND issue_id IN (SELECT id FROM alone) GROUP BY issue_id)
  {_TOP}"""  # noqa: S608  texts of ours
)


@dataclass(frozen=True, slots=True)
class Signal:
    """What a crash tool noticed by itself, on its local day."""

    channel: str
    kind: str
    at: datetime
    title: str
    version: str
    issue: str
    url: str | None


def signals(session: Session, app_id: int, period: Period, channel: str | None = None, limit: int = 10) -> list[Signal]:
    """Read what the crash tools themselves called noteworthy in a period (UTC days), newest first."""
    given = {"app_id": app_id, "first": period.first, "last": period.last, "channel": channel, "limit": limit}
    rows = session.execute(_SIGNALS, given)
    return [Signal(row.channel, row.kind, row.at, row.title, row.version, row.issue, row.url) for row in rows]


_SIGNALS = text(
    "SELECT channel, kind, at, title, version, issue, url FROM crash_signals WHERE app_id = :app_id"
    " AND date(timezone('UTC', at)) BETWEEN :first AND :last AND (CAST(:channel AS text) IS NULL OR channel = :channel)"
    " ORDER BY at DESC, id LIMIT :limit"
)


_FIELDS = tuple(field.name for field in fields(Rates))


def _told(rates: Rates) -> bool:
    """Whether any day has a figure."""
    told = ~np.isnan(rates.exposed) | (np.nan_to_num(rates.events) > 0) | rates.withheld
    return bool((told | ~np.isnan(rates.crash_free_sessions) | ~np.isnan(rates.crash_free_users)).any())


def _channel(series: CrashSeries, period: Period) -> ChannelStability:
    whole = _version("", series.total, series.base)
    versions = [_version(name, rates, series.base) for name, rates in series.versions.items()]
    versions.sort(key=lambda each: order_key(each.version), reverse=True)
    return ChannelStability(
        choice=series.choice,
        base=series.base,
        rounded=series.rounded,
        zone=series.zone,
        days=_days(series.total, series.states, period),
        crash_free=whole.crash_free,
        low=whole.low,
        high=whole.high,
        exposed=whole.exposed,
        withheld_days=whole.withheld_days,
        versions=versions,
    )


def _version(name: str, rates: Rates, base: str) -> VersionStability:
    """Weigh the days of one version by their own denominators (user-days are a weight, and stay inside)."""
    known = ~np.isnan(rates.exposed) & ~np.isnan(rates.crashed) & (rates.exposed > 0)
    ran, crashed = float(rates.exposed[known].sum()), float(rates.crashed[known].sum())
    share: float | None = 1 - crashed / ran if ran else None
    counts = CrashCounts(crashed, ran, int(known.sum()), base == "users") if ran else None
    if share is None:  # rates without denominators: their days weigh the same
        alone = rates.crash_free_sessions if base != "users" else rates.crash_free_users
        if np.isnan(alone).all():
            alone = rates.crash_free_users
        share = float(np.nanmean(alone)) if not np.isnan(alone).all() else None
    return VersionStability(
        version=name,
        exposed=int(np.nansum(rates.exposed)) if base == "sessions" and not np.isnan(rates.exposed).all() else None,
        crash_free=share,
        crashes=int(np.nansum(rates.events)),
        days=int(known.sum()),
        withheld_days=int(rates.withheld.sum()),
        counts=counts,
    )


def _days(rates: Rates, states: Sequence[str], period: Period) -> list[StabilityDay]:
    days = [period.first + timedelta(days=at) for at in range(period.days)]
    return [
        StabilityDay(*told)
        for told in zip(
            days,
            _counts(rates.sessions),
            _counts(rates.users),
            _rates(rates.crash_free_sessions),
            _rates(rates.crash_free_users),
            _rates(rates.anr_free_users),
            _counts(rates.events),
            _counts(rates.anrs),
            rates.withheld.tolist(),
            states,
            strict=True,
        )
    ]


def _counts(array: Floats) -> list[int | None]:
    return [None if value != value else int(value) for value in array.tolist()]  # noqa: PLR0124  NaN


def _rates(array: Floats) -> list[float | None]:
    return [None if value != value else value for value in array.tolist()]  # noqa: PLR0124  NaN
