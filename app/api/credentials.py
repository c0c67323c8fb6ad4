"""Credentials of sources: they go in and never come out."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Request
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from app import credentials as keeping
from app.api.shapes import Body
from app.audit import record
from app.auth import allow
from app.db import DB
from app.errors import Problem

router = APIRouter(tags=["credentials"], dependencies=[allow("editor", change="admin")])

CredentialName = Annotated[str, Field(pattern=keeping.NAME.pattern, max_length=60)]


class CredentialOut(BaseModel):
    """A credential without itself. A source names it as `credential:NAME` where it would name a key file."""

    name: str
    works: bool | None = Field(description="whether the last trial succeeded; null: not tried yet")
    waiting: bool = Field(description="a newer one was entered, and the old one is in use until it is proved")
    message: str = Field(description="what the last trial found")
    tried_at: datetime | None
    entered_at: datetime
    sources: list[int] = Field(description="those that use it")


class Credentials(BaseModel):
    """By name."""

    items: list[CredentialOut]


class Secret(Body):
    """The text of a key file, or a token. It is sealed and never returned."""

    secret: Annotated[str, Field(min_length=1, max_length=65_536)]


@router.get("/credentials")
def list_credentials(session: DB) -> Credentials:
    """All credentials, without what they hold."""
    return Credentials(items=[_out(one) for one in keeping.shown(session)])


@router.put("/credentials/{name}", status_code=202)
def enter_credential(
    name: CredentialName, body: Secret, request: Request, session: DB, background: BackgroundTasks
) -> CredentialOut:
    """Enter it, or rotate it: the old one stays in use until every source that uses it could read with the new one."""
    enter(request, session, background, name, body.secret)
    return next(_out(one) for one in keeping.shown(session) if one.credential.name == name)


@router.delete("/credentials/{name}", status_code=204)
def remove_credential(name: CredentialName, request: Request, session: DB) -> None:
    """Forget it; 409 while a source uses it."""
    keeping.remove(session, name)
    record(session, request, "credential.removed", name=name)


def enter(request: Request, session: Session, background: BackgroundTasks, name: str, secret: str) -> None:
    """Keep it, note who entered it, and have it tried by any worker once this request has committed."""
    keeping.enter(session, request.app.state.seal, name, secret)
    record(session, request, "credential.entered", name=name)
    defer = getattr(request.app.state, "defer", None)
    if defer is None:
        raise Problem(503, "No job queue runs with this server: start it with “cocoon up” or “cocoon web”.")
    background.add_task(defer, "prove", f"credential:{name}", name=name)


def _out(one: keeping.Shown) -> CredentialOut:
    row = one.credential
    return CredentialOut(
        name=row.name,
        works=row.works,
        waiting=one.waiting,
        message=row.message,
        tried_at=row.tried_at,
        entered_at=row.entered_at,
        sources=[source.id for source in one.sources],
    )
