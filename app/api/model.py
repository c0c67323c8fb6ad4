"""The model that texts are read with; adapting it to the installation's own stars and corrections."""

from datetime import datetime

from fastapi import APIRouter, BackgroundTasks, Request
from pydantic import BaseModel, ConfigDict

from app.api.taxonomy import read_all_again
from app.auth import allow
from app.db import DB
from app.errors import Problem
from app.reading.model import in_use
from app.training import go_back

router = APIRouter(tags=["model"], dependencies=[allow("viewer", change="admin")])


class _Shown(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class HeadOut(_Shown):
    """A question asked of a text: figures on `n` held-back verbatims before and after, or how many it still needs."""

    head: str
    kept: bool
    lacking: int
    n: int | None
    accuracy_before: float | None
    accuracy_after: float | None
    loss_before: float | None
    loss_after: float | None


class LessonOut(_Shown):
    """One training: from how much, what was kept. `own` is false where the shipped model stayed."""

    at: datetime
    actor: str
    version: str
    own: bool
    verbatims: int
    corrections: int
    heads: list[HeadOut]
    topics_lacking: int | None
    topics_kept: bool
    f1_before: float | None
    f1_after: float | None


class ReadingOut(_Shown):
    """How far an app's verbatims are read again with the present model: `share` from 0 to 1."""

    app_id: int
    app: str
    done: int
    total: int
    share: float
    waiting: bool
    ended_at: datetime | None


class ModelOut(_Shown):
    """`version` of the weights; `reads_as` is what rows are stamped with: weights, rules and own topics."""

    version: str
    reads_as: str
    own: bool
    lessons: list[LessonOut]
    readings: list[ReadingOut]


class TrainingAsked(BaseModel):
    """Whether it was put in the queue; false where one is waiting already."""

    queued: bool


@router.get("/model")
def get_model(session: DB) -> ModelOut:
    """The model in use, its last trainings, and the reading again by app."""
    return ModelOut.model_validate(in_use(session))


@router.post("/model/train", status_code=202)
def train_model(request: Request) -> TrainingAsked:
    """Have a worker train; the result is kept only where it is better, and everything is read again with it."""
    return TrainingAsked(queued=ask_to_train(request))


@router.delete("/model")
def use_shipped_model(request: Request, session: DB, background: BackgroundTasks) -> ModelOut:
    """Read with the shipped model again."""
    if go_back(session, request.app.state.settings, actor=request.state.actor):
        read_all_again(request, session, background)
    return get_model(session)


def ask_to_train(request: Request) -> bool:
    """Put a training in the queue. Raises Problem 503 where this process has none."""
    defer = getattr(request.app.state, "defer", None)
    if defer is None:
        raise Problem(503, "No job queue here: run cocoon train.")
    return defer("train", "model", actor=request.state.actor) is not False
