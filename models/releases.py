"""Releases: which version the stores offer, since when, to how many, and which build it is.

What several sources say of a version becomes one row: the earliest date that a store told stands, and what one source
does not know the other fills in. `line` is the one order of versions; "this version against the last" is
`models.versions.last_before` on it, everywhere.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Boolean, Case, DateTime, Double, ForeignKey, Text, case, func, select, update
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, Created, Moment
from models.records import ReleaseRecord
from models.rollups import DailyStars
from models.versions import calendar, in_order, last_before, newest, order_key, split

__all__ = ["ENOUGH", "ENOUGH_FAR", "Release", "ReleaseBuild", "believed", "build_names", "doubted", "in_order",
           "last_before", "learn_builds", "line", "merge", "newest"]  # fmt: skip

ENOUGH = 5
"""Reviews from which a version that no store has told may be the newest: testers and sideloads write fewer."""
ENOUGH_FAR = 50
"""The same for one far above all that is known, such as 99.0 after 7.2: usually a slip of whoever built it."""


class Release(Base):
    """One version on one channel. `inferred` marks a release whose date no store told: that of its first sight.

    `rollout` is the share of customers (0 to 1) that a staged release reaches, `rollout_state` active, paused, halted
    or complete, `rollout_at` when that was last told; all None where no source tells of stages. `seen_by` holds the
    kinds of source that told of it.
    """

    __tablename__ = "releases"

    app_id: Mapped[int] = mapped_column(ForeignKey("apps.id", ondelete="CASCADE"), primary_key=True)
    channel: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[str] = mapped_column(primary_key=True)
    build: Mapped[str | None]
    released_at: Mapped[Moment]
    day: Mapped[date]
    notes: Mapped[str] = mapped_column(default="", server_default="")
    inferred: Mapped[bool] = mapped_column(Boolean, default=False, server_default="false")
    first_seen_at: Mapped[Created]
    rollout: Mapped[float | None] = mapped_column(Double)
    rollout_state: Mapped[str | None]
    rollout_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    seen_by: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default="{}")


class ReleaseBuild(Base):
    """The version that a build is of: an Android version has several (one an architecture), an iOS build has one."""

    __tablename__ = "release_builds"

    app_id: Mapped[int] = mapped_column(ForeignKey("apps.id", ondelete="CASCADE"), primary_key=True)
    channel: Mapped[str] = mapped_column(primary_key=True)
    build: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[str]
    first_seen_at: Mapped[Created]


def line(session: Session, app_id: int, channel: str, until: date | None = None) -> list[Release]:
    """The releases of one channel in their one order, the oldest first; with `until`, those that were out that day."""
    wanted = select(Release).where(Release.app_id == app_id, Release.channel == channel)
    if until is not None:
        wanted = wanted.where(Release.day <= until)
    return in_order(list(session.scalars(wanted)))


def doubted(session: Session, app_id: int, line: Sequence[Release]) -> frozenset[str]:
    """Which versions at the end of a line (of a channel or all, as `in_order` returns it) are hardly the newest.

    No store has told them and too few reviews name them. None is doubted where all would be: then nothing is known
    better. What lies below a version that is believed is never doubted: it does no harm there.
    """
    found: list[str] = []
    told = [one for one in line if not one.inferred or one.seen_by]
    for at in range(len(line) - 1, -1, -1):
        one = line[at]
        if not one.inferred or one.seen_by:
            return frozenset(found)
        known = [other for other in told if other.version != one.version] or line[:at]
        least = ENOUGH_FAR if known and _far(one.version, known[-1].version) else ENOUGH
        if _reviews(session, app_id, one) >= least:
            return frozenset(found)
        found.append(one.version)
    return frozenset()


def believed(session: Session, app_id: int, rows: Sequence[Release]) -> list[Release]:
    """These releases, channel by channel in the order of their versions, without those that are doubted."""
    channels = sorted({row.channel for row in rows})
    lines = [in_order([row for row in rows if row.channel == channel]) for channel in channels]
    unsure = [doubted(session, app_id, line) for line in lines]
    return [row for line, names in zip(lines, unsure, strict=True) for row in line if row.version not in names]


def _far(version: str, known: str) -> bool:
    """Whether its first number is two or more above that of a known version of the same kind."""
    one, other = order_key(version).numbers, order_key(known).numbers
    return calendar(version) == calendar(known) and bool(one and other) and one[0] >= other[0] + 2


def _reviews(session: Session, app_id: int, one: Release) -> int:
    d = DailyStars
    since = (d.app_id == app_id, d.day >= one.day, d.channel == one.channel, d.version == one.version)
    return int(session.scalar(select(func.coalesce(func.sum(d.n), 0)).where(*since)) or 0)


def merge(session: Session, app_id: int, channel: str, told: ReleaseRecord, kind: str, zone: ZoneInfo) -> None:
    """Put what a source of this kind says of a version into its one row.

    A date that a store tells replaces an inferred one, and of two the earlier stands. A version without a date is
    dated by its first sight where it is the one on offer, and only completes a row that is there otherwise. One without
    a name is named by its builds, and left out where nobody has named them yet.
    """
    name, build = split(told.version)
    build = told.build or build
    if not name and told.builds:
        name = next(iter(build_names(session, app_id, channel, told.builds).values()), "")
    if not name:
        return
    if build or told.builds:
        learn_builds(session, app_id, channel, dict.fromkeys((*told.builds, *([build] if build else [])), name))
    staged = told.rollout is not None or told.rollout_state is not None
    at = told.released_at or told.seen_at
    if at is None:
        filled = {
            "build": func.coalesce(Release.build, build or None),
            "notes": func.coalesce(func.nullif(Release.notes, ""), told.notes),
            "seen_by": _with(kind),
        }
        known = (Release.app_id == app_id, Release.channel == channel, Release.version == name)
        session.execute(update(Release).where(*known).values(**filled).execution_options(synchronize_session=False))
        return
    new = insert(Release).values(
        app_id=app_id,
        channel=channel,
        version=name,
        build=build or None,
        released_at=at,
        day=at.astimezone(zone).date(),
        notes=told.notes,
        inferred=told.released_at is None,
        rollout=told.rollout,
        rollout_state=told.rollout_state,
        rollout_at=func.now() if staged else None,
        seen_by=[kind],
    )
    # What is told beats what is inferred; of the same sort the earlier stands.
    better = case(
        (new.excluded.inferred == Release.inferred, new.excluded.released_at < Release.released_at),
        else_=Release.inferred,
    )
    session.execute(
        new.on_conflict_do_update(
            index_elements=["app_id", "channel", "version"],
            set_={
                "released_at": case((better, new.excluded.released_at), else_=Release.released_at),
                "day": case((better, new.excluded.day), else_=Release.day),
                "inferred": Release.inferred & new.excluded.inferred,
                "build": func.coalesce(new.excluded.build, Release.build),
                "notes": func.coalesce(func.nullif(new.excluded.notes, ""), Release.notes),
                "rollout": func.coalesce(new.excluded.rollout, Release.rollout),
                "rollout_state": func.coalesce(new.excluded.rollout_state, Release.rollout_state),
                "rollout_at": func.coalesce(new.excluded.rollout_at, Release.rollout_at),
                "seen_by": _with(kind),
            },
        )
    )


def _with(kind: str) -> Case[list[str]]:
    """`seen_by` with this kind in it once."""
    return case((Release.seen_by.contains([kind]), Release.seen_by), else_=func.array_append(Release.seen_by, kind))


def learn_builds(session: Session, app_id: int, channel: str, versions: Mapping[str, str]) -> None:
    """Remember the version of each build (build → version); the latest word on a build stands."""
    rows = [
        {"app_id": app_id, "channel": channel, "build": build, "version": split(version).name}
        for build, version in sorted(versions.items())
        if build and version
    ]
    if not rows:
        return
    new = insert(ReleaseBuild).values(rows)
    session.execute(
        new.on_conflict_do_update(
            index_elements=["app_id", "channel", "build"],
            set_={"version": new.excluded.version},
            where=ReleaseBuild.version != new.excluded.version,
        )
    )


def build_names(session: Session, app_id: int, channel: str, builds: Iterable[str] | None = None) -> dict[str, str]:
    """Return build → version as far as known: all of a channel, or these builds."""
    wanted = select(ReleaseBuild.build, ReleaseBuild.version).where(
        ReleaseBuild.app_id == app_id, ReleaseBuild.channel == channel
    )
    if builds is not None:
        wanted = wanted.where(ReleaseBuild.build.in_(set(builds)))
    return {row.build: row.version for row in session.execute(wanted)}
