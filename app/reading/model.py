"""The model that texts are read with: shipped or own, what it learnt from, and how far the reading again has come."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from analysis import heads
from analysis.understand import version
from app.own_reading import newest
from models.apps import App
from models.own import Reading, Training

LATEST = 10


@dataclass(frozen=True, slots=True)
class Head:
    """What became of one question asked of a text: figures on `n` held-back verbatims, or how many more it needs."""

    head: str
    kept: bool
    lacking: int
    n: int | None = None
    accuracy_before: float | None = None
    accuracy_after: float | None = None
    loss_before: float | None = None
    loss_after: float | None = None


@dataclass(frozen=True, slots=True)
class Lesson:
    """One training. `f1_before` and `f1_after` are of the topics on held-back corrections, None where too few."""

    at: datetime
    actor: str
    version: str
    own: bool
    verbatims: int
    corrections: int
    heads: tuple[Head, ...]
    topics_lacking: int | None
    topics_kept: bool
    f1_before: float | None
    f1_after: float | None


@dataclass(frozen=True, slots=True)
class Progress:
    """How many of an app's verbatims were read again with the present model, of how many.

    `share` is 1 where all were; `waiting` where no worker has begun with this model yet.
    """

    app_id: int
    app: str
    done: int
    total: int
    share: float
    waiting: bool
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class InUse:
    """The model in use, its last trainings, newest first, and the reading again by app."""

    version: str
    reads_as: str
    own: bool
    lessons: tuple[Lesson, ...]
    readings: tuple[Progress, ...]

    @property
    def under_way(self) -> bool:
        """Whether something is still being read again."""
        return any(one.share < 1 for one in self.readings)


def in_use(session: Session) -> InUse:
    """The model that this installation reads with."""
    shipped = heads.shipped().version
    last = newest(session)
    rows = session.scalars(select(Training).order_by(Training.id.desc()).limit(LATEST))
    return InUse(
        version=last.version if last else shipped,
        reads_as=version(),
        own=last is not None and last.version != shipped,
        lessons=tuple(_lesson(row, shipped) for row in rows),
        readings=tuple(_progress(session)),
    )


def _progress(session: Session) -> list[Progress]:
    present = version()
    found = []
    for app, row in session.execute(
        select(App, Reading).outerjoin(Reading, Reading.app_id == App.id).order_by(App.name, App.id)
    ):
        waiting = row is not None and row.model != present
        finished = row is None or (row.ended_at is not None and not waiting)
        share = 1.0 if finished else 0.0 if waiting else min(row.done / max(row.total, 1), 0.99)
        done, total = (0, 0) if row is None or waiting else (row.done, row.total)
        found.append(
            Progress(app.id, app.name, done, total, share, waiting, None if row is None or waiting else row.ended_at)
        )
    return found


def _lesson(row: Training, shipped: str) -> Lesson:
    topics: dict[str, Any] = row.figures.get("topics") or {}
    return Lesson(
        at=row.at,
        actor=row.actor,
        version=row.version,
        own=row.version != shipped,
        verbatims=row.verbatims,
        corrections=row.corrections,
        heads=tuple(_head(one) for one in row.figures.get("heads", ())),
        topics_lacking=topics.get("lacking"),
        topics_kept=bool(topics.get("kept")),
        f1_before=topics.get("before"),
        f1_after=topics.get("after"),
    )


def _head(one: dict[str, Any]) -> Head:
    before, after = one.get("before") or {}, one.get("after") or {}
    return Head(
        head=str(one["head"]),
        kept=bool(one.get("kept")),
        lacking=int(one.get("lacking") or 0),
        n=before.get("n"),
        accuracy_before=before.get("accuracy"),
        accuracy_after=after.get("accuracy"),
        loss_before=before.get("loss"),
        loss_after=after.get("loss"),
    )
