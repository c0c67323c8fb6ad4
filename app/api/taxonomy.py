"""The topics: those that come with Cocoon, and the installation's own laid over them."""

from fastapi import APIRouter, BackgroundTasks, Request
from pydantic import BaseModel

from analysis.taxonomy import TaxonomyError, taxonomy
from app.api.shapes import Body, LongText
from app.auth import allow
from app.db import DB
from app.errors import Problem
from app.own_reading import edit_topics, own_topics
from app.reading.apps import all_apps

router = APIRouter(tags=["taxonomy"], dependencies=[allow("viewer", change="admin")])


class StepOut(BaseModel):
    """A step of the customer's journey."""

    id: str
    names: dict[str, str]


class KnownTopicOut(BaseModel):
    """A topic, on its step."""

    id: str
    step: str
    names: dict[str, str]
    phrases: dict[str, list[str]]
    examples: dict[str, list[str]]


class TaxonomyOut(BaseModel):
    """All topics in use, and the installation's own part as YAML."""

    steps: list[StepOut]
    topics: list[KnownTopicOut]
    own: str


class TaxonomyIn(Body):
    """The installation's own topics as YAML: `topics`, and `steps` if you like."""

    own: LongText


def read_all_again(request: Request, session: DB, background: BackgroundTasks) -> None:
    """Have every app read again in the background, once this is committed."""
    defer = getattr(request.app.state, "defer", None)
    if defer is not None:
        for app in all_apps(session):
            background.add_task(defer, "reread", f"reread:{app.id}", app_id=app.id)


@router.get("/taxonomy")
def get_taxonomy(session: DB) -> TaxonomyOut:
    """The topics in use."""
    known = taxonomy()
    return TaxonomyOut(
        steps=[StepOut(id=step.id, names=dict(step.names)) for step in known.steps],
        topics=[
            KnownTopicOut(
                id=topic.id,
                step=topic.step,
                names=dict(topic.names),
                phrases={language: list(phrases) for language, phrases in topic.phrases.items()},
                examples={language: list(examples) for language, examples in topic.examples.items()},
            )
            for topic in known.topics.values()
        ],
        own=own_topics(session),
    )


@router.put("/taxonomy")
def put_taxonomy(body: TaxonomyIn, request: Request, session: DB, background: BackgroundTasks) -> TaxonomyOut:
    """Lay these over the shipped topics; everything is read again in the background."""
    try:
        changed = edit_topics(session, request.app.state.settings, body.own, actor=request.state.actor)
    except TaxonomyError as error:
        raise Problem(422, str(error), where="body.own") from error
    if changed:
        read_all_again(request, session, background)
    return get_taxonomy(session)
