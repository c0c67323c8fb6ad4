"""The versions of an app in their one order (models.versions), on one channel or over all."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from models.releases import Release, doubted, in_order, last_before


@dataclass(frozen=True, slots=True)
class Launch:
    """A version and since when some channel offers it; `channels` are those that do, the first on top.

    `doubted`: no store has told it and too few reviews name it, so that it is not taken for the newest.
    """

    version: str
    build: str | None
    released_at: datetime
    day: date
    channels: tuple[str, ...]
    inferred: bool
    doubted: bool = False


def all_releases(session: Session, app_id: int) -> list[Release]:
    """Every release of every channel, in the order in which they came out."""
    return list(session.scalars(_ALL, {"app_id": app_id}))


# Made once: making a statement takes a third of its time where it finds little.
_ALL = select(Release).where(Release.app_id == bindparam("app_id")).order_by(Release.released_at, Release.channel)


def launches(
    session: Session, app_id: int, until: date, channel: str | None = None, releases: Sequence[Release] | None = None
) -> list[Launch]:
    """Every version that was out on the day `until`, the oldest first; it counts from the first channel that had it.

    `releases` are those of the app (`all_releases`), where the caller has read them.
    """
    releases = all_releases(session, app_id) if releases is None else releases
    found = [one for one in releases if one.day <= until and channel in {None, one.channel}]
    first: dict[str, Release] = {}
    where: dict[str, list[str]] = {}
    unsure = _unsure(session, app_id, found)
    for release in found:
        first.setdefault(release.version, release)
        where.setdefault(release.version, []).append(release.channel)
    return in_order(
        [
            Launch(version, one.build, one.released_at, one.day, tuple(where[version]), one.inferred, version in unsure)
            for version, one in first.items()
        ]
    )


def first_days(releases: Sequence[Release]) -> dict[str, date]:
    """The first day that any channel offered each version."""
    first: dict[str, date] = {}
    for release in releases:
        first[release.version] = min(first.get(release.version, release.day), release.day)
    return first


def _unsure(session: Session, app_id: int, found: Sequence[Release]) -> set[str]:
    """The versions that are doubted on every channel that has them."""
    lines: dict[str, list[Release]] = {}
    for release in found:
        lines.setdefault(release.channel, []).append(release)
    doubts = {channel: doubted(session, app_id, in_order(line)) for channel, line in lines.items()}
    sure = {one.version for one in found if one.version not in doubts[one.channel]}
    return {one.version for one in found} - sure


def believed(line: Sequence[Launch], *named: str) -> list[Launch]:
    """The line without the versions that are doubted; those that are asked for by name stay."""
    return [one for one in line if not one.doubted or one.version in named]


def before(line: Sequence[Launch], version: str) -> str | None:
    """The version that customers of the same channel had before this one; None for the first."""
    line = believed(line, version)
    at = place(line, version)
    if at is None:
        return None
    same = [one for one in line if set(one.channels) & set(line[at].channels)]
    found = last_before(same, version)
    return found.version if found else None


def place(line: Sequence[Launch], version: str) -> int | None:
    """Where a version stands in the order."""
    return next((number for number, one in enumerate(line) if one.version == version), None)


def newest_launch(line: Sequence[Launch]) -> Launch | None:
    """Of each channel's highest version the one that came last."""
    tops: dict[str, Launch] = {}
    for one in believed(line):
        tops.update(dict.fromkeys(one.channels, one))
    return max(tops.values(), key=lambda one: one.released_at, default=None)


def marks(line: Sequence[Launch], first: date, last: date) -> list[tuple[date, str]]:
    """The versions that came out from `first` to `last`, as (day, version) for a chart; none that is doubted."""
    shown = sorted(believed(line), key=lambda one: one.day)
    return [(one.day, one.version) for one in shown if first <= one.day <= last]
