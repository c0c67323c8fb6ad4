"""One picture of stability whatever the source: which source speaks for a channel, and its days as arrays.

Several tools often watch the same app, and their figures must never be added up. One source speaks for each channel,
for the whole period, so that no step in a curve comes from a change of tool; `Choice.reason` says why it was taken.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from itertools import chain
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Integer, Row, cast, func, select, text
from sqlalchemy.orm import Session

from models.stability import DailyCrashes

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
    complete, `states` is its word for each day. `zone` is whose days these are ("": the app's).
    """

    choice: Choice
    first_day: date
    base: Base
    rounded: bool
    zone: str
    states: list[str]
    known: Bools
    total: Rates
    versions: dict[str, Rates]


def choices(session: Session, app_id: int, first: date, last: date) -> dict[str, Choice]:
    """Choose, for each channel with crash figures in the days `first` to `last`, the source that speaks for it.

    Preference: the setting `preferred` of a source, then who counts sessions, then who counts users, then who knows
    more days, then who was there first. Switched-off sources still speak where nobody else does.
    """
    found: dict[str, list[tuple[tuple[Any, ...], Choice]]] = {}
    for row in session.execute(_CANDIDATES, {"app_id": app_id, "first": first, "last": last}):
        rank = (row.enabled, row.preferred, row.sessions, row.users, row.days, -row.id)
        choice = Choice(row.channel, row.id, row.kind, row.name, "only")
        found.setdefault(row.channel, []).append((rank, choice))
    return {channel: _chosen(ranked) for channel, ranked in sorted(found.items())}


# Days are counted only where nothing else decides between two. By the index of the source's days: a day has a row for
# each issue and version, which would all be counted.
_CANDIDATES = text("""WITH candidates AS (
    SELECT s.id, s.channel, s.kind, s.name, s.enabled,
      coalesce(s.config ->> 'preferred', 'false') NOT IN ('false', '', '0') AS preferred,
      coalesce(ran.sessions, false) AS sessions, coalesce(ran.users, false) AS users
    FROM sources s
    LEFT JOIN (SELECT source_id, bool_or(sessions IS NOT NULL OR crash_free_sessions IS NOT NULL) AS sessions,
        bool_or(users IS NOT NULL) AS users
      FROM daily_sessions WHERE app_id = :app_id AND day BETWEEN :first AND :last GROUP BY source_id
    ) ran ON ran.source_id = s.id
    WHERE s.app_id = :app_id AND (ran.source_id IS NOT NULL OR EXISTS (SELECT FROM daily_crashes c
      WHERE c.app_id = :app_id AND c.source_id = s.id AND c.day BETWEEN :first AND :last))
  )
  SELECT *, CASE WHEN count(*) OVER (PARTITION BY channel, enabled, preferred, sessions, users) > 1 THEN greatest(
      (SELECT count(DISTINCT day) FROM daily_sessions r
        WHERE r.app_id = :app_id AND r.source_id = candidates.id AND r.day BETWEEN :first AND :last),
      (SELECT count(*) FROM generate_series(CAST(:first AS date), CAST(:last AS date), interval '1 day') d
        WHERE EXISTS (SELECT FROM daily_crashes c
          WHERE c.app_id = :app_id AND c.source_id = candidates.id AND c.day = d::date))
    ) ELSE 0 END AS days
  FROM candidates""")


def _chosen(ranked: list[tuple[tuple[Any, ...], Choice]]) -> Choice:
    ranked.sort(key=lambda item: item[0], reverse=True)
    best, choice = ranked[0]
    if len(ranked) == 1:
        return choice
    names: tuple[Reason, ...] = ("only", "pinned", "sessions", "users", "longer", "first")
    second = ranked[1][0]
    reason: Reason = next(
        (name for name, ours, theirs in zip(names, best, second, strict=True) if ours != theirs), "first"
    )
    return replace(choice, reason=reason, others=tuple(each.name for _, each in ranked[1:]))


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
    sources = [choice.source_id for choice in chosen.values()]
    given = {
        "app_id": app_id,
        "sources": sources,
        "first": first,
        "last": last,
        "versions": None if versions is None else ["", *versions],
    }
    ran: dict[int, list[Row[Any]]] = {}
    for row in session.execute(_SESSIONS, given):
        ran.setdefault(row.source_id, []).append(row)
    crashes: dict[int, list[Row[Any]]] = {}
    for row in session.execute(_CRASHES, given):
        crashes.setdefault(row.source_id, []).append(row)
    states = _states(session, app_id, sources, first, last)
    return {
        channel: _series(
            choice, ran.get(choice.source_id, []), crashes.get(choice.source_id, []), states[choice.source_id], first
        )
        for channel, choice in chosen.items()
    }


_RAN = ("sessions", "users", "crashed_sessions", "crashed_users", "crash_free_sessions", "crash_free_users",
        "anr_free_users")  # fmt: skip
# A row for each version with its days as arrays: row by row, the days took longer to hand over than to read.
_WHERE = """WHERE app_id = :app_id AND source_id = ANY(CAST(:sources AS bigint[])) AND day BETWEEN :first AND :last
  AND (CAST(:versions AS text[]) IS NULL OR version = ANY(CAST(:versions AS text[])))"""
_SESSIONS = text(f"""SELECT source_id, version, array_agg(day - CAST(:first AS date)) AS at,
  array_agg(withheld) AS withheld, bool_or(users_rounded) AS rounded, min(zone) FILTER (WHERE zone <> '') AS zone,
  {", ".join(f"array_agg({name}) AS {name}" for name in _RAN)}
  FROM daily_sessions {_WHERE} GROUP BY source_id, version""")  # noqa: S608  names of ours
_CRASHES = text(f"""SELECT source_id, version, kind, array_agg(day - CAST(:first AS date)) AS at,
  array_agg(events) AS events
  FROM daily_crashes {_WHERE} AND issue_id = 0 AND kind IN ('crash', 'anr')
  GROUP BY source_id, version, kind""")  # noqa: S608


def _series(
    choice: Choice, ran: Sequence[Row[Any]], crashes: Sequence[Row[Any]], states: list[str], first: date
) -> CrashSeries:
    # All versions at once, as tables of (versions, days).
    names = sorted({"", *(row.version for row in ran), *(row.version for row in crashes)})
    number = {name: at for at, name in enumerate(names)}
    known = np.array([state == "complete" for state in states], np.bool_)
    table = _unknown(len(names), known)
    base: Base = ""
    if any(n is not None for row in ran for n in row.sessions):
        base = "sessions"
    elif any(n is not None for row in ran for n in row.users):
        base = "users"
    if ran:
        _fill(table, ran, [number[row.version] for row in ran], base)
    for row in crashes:
        events = table.events if row.kind == "crash" else table.anrs
        events[number[row.version], row.at] = row.events
    if base == "sessions":
        _crashes_as_sessions(table)
    if len(names) > 1:
        _total_of_versions(table, base)
    parts = {
        name: Rates(**{each.name: getattr(table, each.name)[at] for each in _FIELDS}) for name, at in number.items()
    }
    return CrashSeries(
        choice=choice,
        first_day=first,
        base=base,
        rounded=any(row.rounded for row in ran),
        zone=next((row.zone for row in ran if row.zone), ""),
        states=states,
        known=known,
        total=parts.pop(""),
        versions=parts,
    )


def known_days(session: Session, app_id: int, source_id: int, first: date, last: date) -> Bools:
    """Read which days the ledger calls complete for a source: (days,) from `first`."""
    states = _states(session, app_id, [source_id], first, last)[source_id]
    return np.array([state == "complete" for state in states], np.bool_)


def _states(session: Session, app_id: int, sources: Sequence[int], first: date, last: date) -> dict[int, list[str]]:
    """The ledger's word for each day of each source; a day that it does not have is unknown."""
    found = {source_id: ["unknown"] * ((last - first).days + 1) for source_id in sources}
    given = {"app_id": app_id, "sources": list(sources), "first": first, "last": last}
    for source_id, state, days in session.execute(_STATES, given):
        for day in days:
            found[source_id][day] = state
    return found


_STATES = text("""SELECT source_id, state, array_agg(day - CAST(:first AS date)) FROM coverage
  WHERE app_id = :app_id AND source_id = ANY(CAST(:sources AS bigint[])) AND day BETWEEN :first AND :last
  GROUP BY source_id, state""")
_FIELDS = fields(Rates)


def _unknown(versions: int, known: Bools) -> Rates:
    """Tables of (versions, days) without any figure, but for the days that are known: nothing crashed on them."""
    shape = (versions, len(known))
    calm = np.where(known, 0.0, np.nan)
    unknown = {each.name: np.full(shape, np.nan) for each in _FIELDS if each.name != "withheld"}
    return Rates(
        **unknown | {"events": np.tile(calm, (versions, 1)), "anrs": np.tile(calm, (versions, 1))},
        withheld=np.zeros(shape, np.bool_),
    )


def _fill(table: Rates, rows: Sequence[Row[Any]], versions: Sequence[int], base: Base) -> None:
    """Write the days of these versions; a rate and its counts complete each other where only some are told."""

    def joined(name: str) -> list[Any]:
        return list(chain.from_iterable(getattr(row, name) for row in rows))

    # All days of all versions as one array: version by version, making arrays took longer than their arithmetic.
    told = np.array([joined(name) for name in _RAN], np.float64)
    sessions, users, crashed_sessions, crashed_users, free_sessions, free_users, anr_free = told
    withheld = np.array(joined("withheld"), np.bool_)
    free_sessions = _share(free_sessions, crashed_sessions, sessions)
    free_users = _share(free_users, crashed_users, users)
    at = (np.repeat(versions, [len(row.at) for row in rows]), joined("at"))
    table.withheld[at] = withheld
    table.sessions[at], table.users[at] = sessions, users
    table.crash_free_sessions[at], table.crash_free_users[at] = free_sessions, free_users
    table.anr_free_users[at] = anr_free
    if not base:
        return
    of_sessions = base == "sessions"
    exposed = sessions if of_sessions else users
    crashed = crashed_sessions if of_sessions else crashed_users
    guess = exposed * (1 - (free_sessions if of_sessions else free_users))
    table.exposed[at] = np.where(withheld, np.nan, exposed)
    table.crashed[at] = np.where(withheld, np.nan, np.where(np.isnan(crashed), guess, crashed))


def _share(told: Floats, crashed: Floats, ran: Floats) -> Floats:
    known = np.isnan(told) & (ran > 0)
    share = np.divide(crashed, ran, out=np.full_like(ran, np.nan), where=known)
    return np.where(known, 1 - np.minimum(share, 1.0), told)


def _crashes_as_sessions(table: Rates) -> None:
    """Where a source counts sessions but not those that crashed, a crash stands for its session, as it ends it."""
    guess = np.isnan(table.crashed) & ~table.withheld
    table.crashed[guess] = np.minimum(table.events, table.exposed)[guess]
    derived = guess & ~np.isnan(table.crashed) & (table.exposed > 0) & np.isnan(table.crash_free_sessions)
    table.crash_free_sessions[derived] = 1 - table.crashed[derived] / table.exposed[derived]


def _total_of_versions(table: Rates, base: Base) -> None:
    """Fill days without a total (the first row) from the versions: sessions and events add up, users never do."""
    total = Rates(**{each.name: getattr(table, each.name)[0] for each in _FIELDS})
    if base == "sessions":
        ran, crashed = table.sessions[1:], table.crashed[1:]
        here = ~np.isnan(ran)
        # A version whose crashes are withheld makes the sum unknown, not smaller.
        whole = here.any(axis=0) & ~(here & np.isnan(crashed)).any(axis=0)
        missing = np.isnan(total.exposed) & ~total.withheld & whole
        total.exposed[missing] = np.nansum(ran, axis=0)[missing]
        total.sessions[missing] = total.exposed[missing]
        total.crashed[missing] = np.nansum(np.where(here, crashed, 0.0), axis=0)[missing]
        derived = missing & np.isnan(total.crash_free_sessions) & (total.exposed > 0)
        total.crash_free_sessions[derived] = 1 - total.crashed[derived] / total.exposed[derived]
    for events in (table.events, table.anrs):
        sums = np.nansum(events[1:], axis=0)
        empty = (np.nan_to_num(events[0]) == 0) & (sums > 0)
        events[0][empty] = sums[empty]


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
