"""One picture of stability whatever the source: which source speaks for a channel, and its days as arrays.

Several tools often watch the same app, and their figures must never be added up. One source speaks for each channel,
for the whole period, so that no step in a curve comes from a change of tool; `Choice.reason` says why it was taken.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Date, Integer, cast, exists, func, literal, select, text, true, union_all
from sqlalchemy.orm import Session

from models.sources import Coverage, Source
from models.stability import DailyCrashes, DailySessions

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Base = Literal["sessions", "users", ""]
Reason = Literal["only", "pinned", "sessions", "users", "longer", "first"]


@dataclass(frozen=True, slots=True)
class Choice:
    """The source that speaks for a channel, and those that are left aside.

    `reason`: only (there is no other), pinned (its setting `preferred`), sessions (it alone counts sessions), users
    (it counts users, the others only crashes), longer (it knows more days), first (it was added first).
    """

    channel: str
    source_id: int
    kind: str
    name: str
    reason: Reason
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rates:
    """Daily figures of one version or all, arrays of (days,); NaN is unknown or withheld, never zero.

    `exposed` is how many sessions (or users, see `CrashSeries.base`) ran, `crashed` how many of them ended in a
    crash, `crash_free_sessions` and `crash_free_users` are shares (0 to 1), `events` are crashes that were counted.
    """

    exposed: Floats
    crashed: Floats
    sessions: Floats
    users: Floats
    crash_free_sessions: Floats
    crash_free_users: Floats
    anr_free_users: Floats
    events: Floats
    anrs: Floats
    withheld: Bools


@dataclass(frozen=True, slots=True)
class CrashSeries:
    """One channel's stability by day from `first_day`.

    `base` says what `exposed` counts: sessions, users (then a sum over days is of user-days: a weight for judging,
    not a number of people) or "" where the source has no denominator at all. `rounded`: the users are rounded by
    the source; they may be shown by day, never added up for people to read. `known`: the ledger says that the day is
    complete. `zone` is whose days these are ("": the app's).
    """

    choice: Choice
    first_day: date
    base: Base
    rounded: bool
    zone: str
    known: Bools
    total: Rates
    versions: dict[str, Rates]


def choices(session: Session, app_id: int, first: date, last: date) -> dict[str, Choice]:
    """Choose, for each channel with crash figures in the days `first` to `last`, the source that speaks for it.

    Preference: the setting `preferred` of a source, then who counts sessions, then who counts users, then who knows
    more days, then who was there first. Switched-off sources still speak where nobody else does.
    """
    s, c = DailySessions, DailyCrashes
    # Crashes by the index of the source's days: a day has a row for each issue and version, which would all be counted.
    day = select(func.generate_series(first, last, text("interval '1 day'")).label("day")).subquery()
    told = exists().where(c.app_id == app_id, c.source_id == Source.id, c.day == cast(day.c.day, Date))
    ever = exists().where(c.app_id == app_id, c.source_id == Source.id)
    none = literal(0)
    figures = union_all(
        select(
            s.source_id,
            func.count(s.sessions) + func.count(s.crash_free_sessions),
            func.count(s.users),
            func.count(s.day.distinct()),
        )
        .where(s.app_id == app_id, s.day.between(first, last))
        .group_by(s.source_id),
        select(Source.id, none, none, func.count())
        .select_from(Source)
        .join(day, true())
        .where(Source.app_id == app_id, ever, told)
        .group_by(Source.id),
    )
    ranks: dict[int, tuple[int, int, int]] = {}
    for source_id, *counted in session.execute(figures):
        sessions, users, days = (max(pair) for pair in zip(ranks.get(source_id, (0, 0, 0)), counted, strict=True))
        ranks[source_id] = (sessions, users, days)
    if not ranks:
        return {}
    found: dict[str, list[tuple[tuple[Any, ...], Source]]] = {}
    for source in session.scalars(select(Source).where(Source.app_id == app_id, Source.id.in_(ranks))):
        n, users, days = ranks[source.id]
        rank = (source.enabled, bool(source.config.get("preferred")), bool(n), bool(users), days, -source.id)
        found.setdefault(source.channel, []).append((rank, source))
    return {channel: _chosen(channel, ranked) for channel, ranked in sorted(found.items())}


def _chosen(channel: str, ranked: list[tuple[tuple[Any, ...], Source]]) -> Choice:
    ranked.sort(key=lambda item: item[0], reverse=True)
    best, source = ranked[0]
    reason: Reason = "only"
    if len(ranked) > 1:
        names: tuple[Reason, ...] = ("only", "pinned", "sessions", "users", "longer", "first")
        second = ranked[1][0]
        reason = next((name for name, ours, theirs in zip(names, best, second, strict=True) if ours != theirs), "first")
    return Choice(channel, source.id, source.kind, source.name, reason, tuple(each.name for _, each in ranked[1:]))


def crash_series(
    session: Session, app_id: int, first: date, last: date, versions: Collection[str] | None = None
) -> dict[str, CrashSeries]:
    """Read every channel's daily stability from `first` to `last` (both included), by version (or these) and over all.

    Channels that no crash source watches are not there at all: unknown, never calm. A day without a row is NaN,
    except counts of crashes on days that the ledger calls complete: those are 0.
    """
    chosen = choices(session, app_id, first, last)
    if not chosen:
        return {}
    s, c = DailySessions, DailyCrashes
    sources = [choice.source_id for choice in chosen.values()]
    some = [s.version.in_(["", *versions])] if versions is not None else []
    some_crashes = [c.version.in_(["", *versions])] if versions is not None else []
    ran: dict[int, list[DailySessions]] = {}
    for row in session.scalars(
        select(s).where(s.app_id == app_id, s.source_id.in_(sources), s.day.between(first, last), *some)
    ):
        ran.setdefault(row.source_id, []).append(row)
    crashes: dict[int, list[tuple[date, str, str, int]]] = {}
    for source_id, day, version, kind, events in session.execute(
        select(c.source_id, c.day, c.version, c.kind, c.events).where(
            c.app_id == app_id,
            c.source_id.in_(sources),
            c.day.between(first, last),
            c.issue_id == 0,
            c.kind.in_(("crash", "anr")),
            *some_crashes,
        )
    ):
        crashes.setdefault(source_id, []).append((day, version, kind, events))
    known = _known(session, app_id, sources, first, last)
    return {
        channel: _series(
            choice, ran.get(choice.source_id, []), crashes.get(choice.source_id, []), known[choice.source_id], first
        )
        for channel, choice in chosen.items()
    }


def _series(
    choice: Choice,
    ran: Sequence[DailySessions],
    crashes: Sequence[tuple[date, str, str, int]],
    known: Bools,
    first: date,
) -> CrashSeries:
    days = len(known)
    base: Base = ""
    if any(row.sessions is not None for row in ran):
        base = "sessions"
    elif any(row.users is not None for row in ran):
        base = "users"
    names = {row.version for row in ran} | {version for _, version, _, _ in crashes}
    found = {name: _empty(days, known) for name in names | {""}}
    for row in ran:
        _fill(found[row.version], (row.day - first).days, row, base)
    for day, version, kind, events in crashes:
        rates = found[version]
        (rates.events if kind == "crash" else rates.anrs)[(day - first).days] = events
    if base == "sessions":
        _crashes_as_sessions(found)
    total = found.pop("")
    if found:
        _total_of_versions(total, found.values(), base)
    return CrashSeries(
        choice=choice,
        first_day=first,
        base=base,
        rounded=any(row.users_rounded for row in ran),
        zone=next((row.zone for row in ran if row.zone), ""),
        known=known,
        total=total,
        versions=dict(sorted(found.items())),
    )


def known_days(session: Session, app_id: int, source_id: int, first: date, last: date) -> Bools:
    """Read which days the ledger calls complete for a source: (days,) from `first`."""
    return _known(session, app_id, [source_id], first, last)[source_id]


def _known(session: Session, app_id: int, sources: Sequence[int], first: date, last: date) -> dict[int, Bools]:
    known = {source_id: np.zeros((last - first).days + 1, np.bool_) for source_id in sources}
    complete = select(Coverage.source_id, Coverage.day).where(
        Coverage.app_id == app_id,
        Coverage.source_id.in_(sources),
        Coverage.day.between(first, last),
        Coverage.state == "complete",
    )
    for source_id, day in session.execute(complete):
        known[source_id][(day - first).days] = True
    return known


def _empty(days: int, known: Bools) -> Rates:
    def unknown() -> Floats:
        return np.full(days, np.nan)

    return Rates(
        exposed=unknown(),
        crashed=unknown(),
        sessions=unknown(),
        users=unknown(),
        crash_free_sessions=unknown(),
        crash_free_users=unknown(),
        anr_free_users=unknown(),
        events=np.where(known, 0.0, np.nan),
        anrs=np.where(known, 0.0, np.nan),
        withheld=np.zeros(days, np.bool_),
    )


def _fill(rates: Rates, at: int, row: DailySessions, base: Base) -> None:
    """Write one row; a rate and its counts complete each other where the source tells only some of them."""
    rates.withheld[at] = row.withheld
    free_sessions = _share(row.crash_free_sessions, row.crashed_sessions, row.sessions)
    free_users = _share(row.crash_free_users, row.crashed_users, row.users)
    for array, value in (
        (rates.sessions, row.sessions),
        (rates.users, row.users),
        (rates.crash_free_sessions, free_sessions),
        (rates.crash_free_users, free_users),
        (rates.anr_free_users, row.anr_free_users),
    ):
        array[at] = np.nan if value is None else value
    if row.withheld or not base:
        return
    ran = row.sessions if base == "sessions" else row.users
    crashed = row.crashed_sessions if base == "sessions" else row.crashed_users
    free = free_sessions if base == "sessions" else free_users
    rates.exposed[at] = np.nan if ran is None else ran
    if crashed is not None:
        rates.crashed[at] = crashed
    elif ran is not None and free is not None:
        rates.crashed[at] = ran * (1 - free)


def _share(told: float | None, crashed: int | None, ran: int | None) -> float | None:
    if told is not None or crashed is None or not ran:
        return told
    return 1 - min(crashed / ran, 1.0)


def _crashes_as_sessions(found: dict[str, Rates]) -> None:
    """Where a source counts sessions but not those that crashed, a crash stands for its session, as it ends it."""
    for rates in found.values():
        guess = np.isnan(rates.crashed) & ~rates.withheld
        rates.crashed[guess] = np.minimum(rates.events, rates.exposed)[guess]
        derived = guess & ~np.isnan(rates.crashed) & (rates.exposed > 0) & np.isnan(rates.crash_free_sessions)
        rates.crash_free_sessions[derived] = 1 - rates.crashed[derived] / rates.exposed[derived]


def _total_of_versions(total: Rates, versions: Iterable[Rates], base: Base) -> None:
    """Fill days without a total from the versions: sessions and events add up, users never do."""
    parts = list(versions)
    ran = np.array([each.sessions for each in parts])
    if base == "sessions":
        crashed = np.array([each.crashed for each in parts])
        here = ~np.isnan(ran)
        # A version whose crashes are withheld makes the sum unknown, not smaller.
        whole = here.any(axis=0) & ~(here & np.isnan(crashed)).any(axis=0)
        missing = np.isnan(total.exposed) & ~total.withheld & whole
        total.exposed[missing] = np.nansum(ran, axis=0)[missing]
        total.sessions[missing] = total.exposed[missing]
        total.crashed[missing] = np.nansum(np.where(here, crashed, 0.0), axis=0)[missing]
        derived = missing & np.isnan(total.crash_free_sessions) & (total.exposed > 0)
        total.crash_free_sessions[derived] = 1 - total.crashed[derived] / total.exposed[derived]
    for name in ("events", "anrs"):
        sums = np.nansum(np.array([getattr(each, name) for each in parts]), axis=0)
        mine = getattr(total, name)
        empty = (np.nan_to_num(mine) == 0) & (sums > 0)
        mine[empty] = sums[empty]


@dataclass(frozen=True, slots=True)
class IssueSeries:
    """One issue's crashes by day (days,), for "which issue rose": NaN where the day is not known."""

    issue_id: int
    channel: str
    events: Floats


def issue_series(session: Session, app_id: int, first: date, last: date, limit: int = 50) -> list[IssueSeries]:
    """Read the daily events of the issues with most crashes and ANRs in the period, of the sources that speak."""
    c = DailyCrashes
    found: list[IssueSeries] = []
    for channel, choice in choices(session, app_id, first, last).items():
        # A total over versions is taken where there is one, else the versions add up (events do).
        by_day = (
            select(
                c.issue_id,
                c.day,
                func.coalesce(
                    func.max(c.events).filter(c.version == ""), func.sum(c.events).filter(c.version != "")
                ).label("n"),
            )
            .where(
                c.app_id == app_id,
                c.source_id == choice.source_id,
                c.day.between(first, last),
                c.issue_id != 0,
                c.kind.in_(("crash", "anr", "hang")),
            )
            .group_by(c.issue_id, c.day)
            .subquery()
        )
        top = (
            select(by_day.c.issue_id)
            .group_by(by_day.c.issue_id)
            .order_by(func.sum(by_day.c.n).desc(), by_day.c.issue_id)
            .limit(limit)
        )
        rows = session.execute(
            select(by_day.c.issue_id, by_day.c.day, cast(by_day.c.n, Integer)).where(by_day.c.issue_id.in_(top))
        )
        known = known_days(session, app_id, choice.source_id, first, last)
        arrays: dict[int, Floats] = {}
        for issue_id, day, n in rows:
            arrays.setdefault(issue_id, np.where(known, 0.0, np.nan))[(day - first).days] = n
        found += [IssueSeries(number, channel, events) for number, events in arrays.items()]
    return found
