"""Apps and their listings."""

from datetime import datetime
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

from fastapi import APIRouter, BackgroundTasks, Request, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.api.shapes import Body, Name, RowId, Text
from app.api.sources import SourceOut
from app.auth import allow
from app.db import DB
from app.errors import Problem, not_found
from app.pages.sources import ask_for_walk
from app.reading import apps as reading
from app.setup import add_from_link
from app.setup import change_app as change
from models.apps import App

router = APIRouter(tags=["apps"], dependencies=[allow("viewer", change="editor")])


def _zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("must be a time zone such as Europe/Paris")
    return ZoneInfo(name).key


Zone = Annotated[Text, AfterValidator(_zone)]


class ListingOut(BaseModel):
    """The app's page in one store."""

    model_config = ConfigDict(from_attributes=True)
    id: int
    channel: str
    external_id: str
    name: str
    url: str


class AppOut(BaseModel):
    """One app of the company."""

    id: int
    name: str
    timezone: str
    language: str
    created_at: datetime
    listings: list[ListingOut]


class Apps(BaseModel):
    """All apps."""

    items: list[AppOut]


class NewApp(Body):
    """An app by its name alone, or by a store link (then its sources are made and read at once)."""

    name: Name | None = None
    link: Annotated[Text, Field(min_length=1)] | None = None
    storefronts: Annotated[list[Text], Field(max_length=60)] = Field(default_factory=list)
    languages: Annotated[list[Text], Field(max_length=60)] = Field(default_factory=list)
    timezone: Zone | None = None
    language: Literal["fr", "en"] | None = None


class AppChange(Body):
    """What to change."""

    name: Name | None = None
    timezone: Zone | None = None
    language: Literal["fr", "en"] | None = None


class AppMade(BaseModel):
    """What was made."""

    app: AppOut
    sources: list[SourceOut]


def app_or_404(session: Session, app_id: int) -> App:
    """The app, or Problem 404."""
    app = session.get(App, app_id)
    if app is None:
        raise not_found("app")
    return app


def _out(session: Session, app: App) -> AppOut:
    return AppOut(
        id=app.id,
        name=app.name,
        timezone=app.timezone,
        language=app.language,
        created_at=app.created_at,
        listings=[ListingOut.model_validate(listing) for listing in reading.listings(session, app.id)],
    )


@router.get("/apps")
def list_apps(session: DB) -> Apps:
    """Every app, by name."""
    return Apps(items=[_out(session, app) for app in reading.all_apps(session)])


@router.post("/apps", status_code=201)
def create_app(body: NewApp, request: Request, response: Response, session: DB, background: BackgroundTasks) -> AppMade:
    """Watch an app."""
    if body.link is not None:
        if getattr(request.app.state, "find_app", None) is None:
            raise Problem(503, "This server cannot ask the stores: start it with “cocoon up” or “cocoon web”.")
        added = add_from_link(session, request.app.state, body.link, body.storefronts, body.languages, name=body.name)
        app, sources = added.app, added.sources
        for source in sources:
            ask_for_walk(request, background, source, "first")
    elif body.name is not None:
        name = " ".join(body.name.split())
        if session.scalar(select(App.id).where(App.name == name)) is not None:
            raise Problem(409, f"There is already an app called “{name}”.", where="body.name")
        app, sources = App(name=name), []
        session.add(app)
    else:
        raise Problem(422, "Give a name, or the link of its page in a store.", where="body")
    app.timezone = body.timezone or app.timezone or "Europe/Paris"
    app.language = body.language or app.language or "fr"
    session.flush()
    response.headers["Location"] = f"/api/v1/apps/{app.id}"
    return AppMade(app=_out(session, app), sources=[SourceOut.model_validate(source) for source in sources])


@router.get("/apps/{app_id}")
def get_app(app_id: RowId, session: DB) -> AppOut:
    """One app."""
    return _out(session, app_or_404(session, app_id))


@router.patch("/apps/{app_id}")
def change_app(app_id: RowId, body: AppChange, session: DB) -> AppOut:
    """Rename it, or change its zone (for days to come) or the language of its alerts."""
    app = app_or_404(session, app_id)
    change(session, app, name=body.name, timezone=body.timezone, language=body.language)
    return _out(session, app)
