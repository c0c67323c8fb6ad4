"""People, keys and the audit, for admins."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import audit, people
from app.api.shapes import Body, Moment, Name, OptionalText, RowId, Text
from app.auth import Caller, Role, allow
from app.db import DB
from app.errors import Problem, not_found
from app.keys import Scope, create_key, revoke_key
from app.sessions import open_sessions
from models.people import ApiKey, Invitation, User

router = APIRouter(tags=["people"], dependencies=[allow("admin", change="admin")])
mine = APIRouter(tags=["people"], dependencies=[allow("viewer")])


class Me(BaseModel):
    """Who asks."""

    name: str
    role: Role
    kind: Literal["local", "person", "key"]


class PersonOut(BaseModel):
    """Somebody who signs in."""

    model_config = ConfigDict(from_attributes=True)
    id: int
    email: str
    name: str
    role: Role
    created_at: datetime
    signed_in_at: datetime | None
    deactivated_at: datetime | None


class People(BaseModel):
    """By address."""

    items: list[PersonOut]


class PersonChange(Body):
    """What to change."""

    role: Role | None = None
    active: bool | None = None


class NewLink(Body):
    """Whom to invite, with which role. For somebody who is there: a link to a new password (the role stays)."""

    email: Annotated[Text, Field(max_length=254)]
    role: Role = "viewer"


class LinkOut(BaseModel):
    """A one-time link, told once: pass it on by a way you trust."""

    email: str
    link: str


class OpenLink(BaseModel):
    """A one-time link that nobody has used yet, without its secret. `email` empty: it makes the first admin."""

    model_config = ConfigDict(from_attributes=True)
    email: str
    role: Role
    made_by: str
    created_at: datetime
    expires_at: datetime


class Links(BaseModel):
    """Newest first."""

    items: list[OpenLink]


class SessionOut(BaseModel):
    """Where somebody is signed in; `current`: this very browser."""

    agent: str
    way: str
    created_at: datetime
    seen_at: datetime
    current: bool


class Sessions(BaseModel):
    """The last seen first."""

    items: list[SessionOut]


class KeyOut(BaseModel):
    """A key, without its secret."""

    model_config = ConfigDict(from_attributes=True)
    id: int
    name: str
    prefix: str
    scopes: list[str]
    made_by: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


class Keys(BaseModel):
    """The newest first."""

    items: list[KeyOut]


class NewKey(Body):
    """`scope` is the highest: write reads too, admin does all."""

    name: Annotated[Name, Field(max_length=100)]
    scope: Scope = "read"
    days: Annotated[int, Field(ge=1, le=3650)] | None = None


class KeyMade(KeyOut):
    """`key` is told this once."""

    key: str


class AuditOut(BaseModel):
    """Who changed what, when."""

    model_config = ConfigDict(from_attributes=True)
    id: int
    at: datetime
    actor: str
    action: str
    detail: dict[str, Any]


class AuditLines(BaseModel):
    """Newest first."""

    items: list[AuditOut]
    next: int | None = Field(description="give it as `before` for the next page")


def caller(request: Request) -> Caller:
    """Who asks; the routes here are never open to strangers."""
    found: Caller = request.state.caller
    return found


@mine.get("/me")
def me(request: Request) -> Me:
    """Who am I, and what may I do?"""
    asks = caller(request)
    return Me(name=asks.name, role=asks.role, kind=asks.kind)


@mine.get("/me/sessions")
def my_sessions(request: Request, session: DB) -> Sessions:
    """Where am I signed in? Empty for keys."""
    asks = caller(request)
    return Sessions(
        items=[
            SessionOut(
                agent=one.agent,
                way=one.way,
                created_at=one.created_at,
                seen_at=one.seen_at,
                current=one.id == asks.session_id,
            )
            for one in open_sessions(session, asks.user_id)
        ]
    )


@router.get("/people")
def list_people(session: DB) -> People:
    """Everybody, active or not."""
    return People(items=[PersonOut.model_validate(user) for user in session.scalars(select(User).order_by(User.email))])


def person_or_404(session: Session, user_id: int) -> User:
    """The person, or Problem 404."""
    user = session.get(User, user_id)
    if user is None:
        raise not_found("person")
    return user


@router.patch("/people/{user_id}")
def change_person(user_id: RowId, body: PersonChange, request: Request, session: DB) -> PersonOut:
    """Give another role, or close or open the account; it counts at their next click."""
    user, by = person_or_404(session, user_id), caller(request).label
    if body.role is not None:
        people.change_role(session, user, body.role, by=by)
    if body.active is not None:
        (people.reactivate if body.active else people.deactivate)(session, user, by=by)
    return PersonOut.model_validate(user)


@router.get("/people/links")
def list_links(session: DB) -> Links:
    """One-time links that are still open, newest first."""
    found = session.scalars(
        select(Invitation)
        .where(Invitation.used_at.is_(None), Invitation.expires_at > func.now())
        .order_by(Invitation.id.desc())
    )
    return Links(items=[OpenLink.model_validate(link) for link in found])


@router.post("/people/links", status_code=201)
def make_link(body: NewLink, request: Request, session: DB) -> LinkOut:
    """Make a one-time link, for three days."""
    return LinkOut(email=body.email.strip().lower(), link=new_link(request, session, body.email, body.role))


def new_link(request: Request, session: Session, email: str, role: Role) -> str:
    """The address of a one-time link for this person. Raises Problem 409, 422."""
    user = people.find_user(session, email)
    if user is not None and user.deactivated_at is not None:
        raise Problem(409, "This account is closed: open it first.", where="body.email", key="problem.closed")
    if user is not None and user.password is None and user.subject is not None:
        raise Problem(409, "This person signs in by the directory.", where="body.email", key="problem.directory")
    by = caller(request).label
    secret = people.invite(session, user.email if user else email, user.role if user else role, by=by, user=user)
    return f"{request.app.state.settings.base_url}/welcome/{secret}"


@router.get("/keys")
def list_keys(session: DB) -> Keys:
    """All keys, revoked ones too."""
    return Keys(
        items=[KeyOut.model_validate(key) for key in session.scalars(select(ApiKey).order_by(ApiKey.id.desc()))]
    )


@router.post("/keys", status_code=201)
def make_key(body: NewKey, request: Request, response: Response, session: DB) -> KeyMade:
    """Make a key; it is told once."""
    key = new_key(session, body.name, body.scope, body.days, by=caller(request).label)
    row = session.scalars(select(ApiKey).order_by(ApiKey.id.desc()).limit(1)).one()
    return KeyMade(**KeyOut.model_validate(row).model_dump(), key=key)


def new_key(session: Session, name: str, scope: Scope, days: int | None, *, by: str) -> str:
    """Make a key whose highest scope this is."""
    scopes: list[Scope] = ["read", "write", "admin"]
    expires = datetime.now(UTC) + timedelta(days=days) if days else None
    return create_key(session, name, scopes[: scopes.index(scope) + 1], expires_at=expires, made_by=by)


def key_or_404(session: Session, key_id: int) -> ApiKey:
    """The key, or Problem 404."""
    key = session.get(ApiKey, key_id)
    if key is None:
        raise not_found("key")
    return key


@router.delete("/keys/{key_id}")
def end_key(key_id: RowId, request: Request, session: DB) -> KeyOut:
    """Revoke a key, for good and at once; its line stays."""
    key = key_or_404(session, key_id)
    revoke_key(session, key, by=caller(request).label)
    return KeyOut.model_validate(key)


Actor = OptionalText
Action = Annotated[OptionalText, Query(description="source.changed, or all of “source”")]
Edge = Annotated[Moment | None, Query()]


@router.get("/audit")
def list_audit(
    session: DB,
    actor: Actor = None,
    action: Action = None,
    first: Annotated[Edge, Query(alias="from")] = None,
    last: Annotated[Edge, Query(alias="to")] = None,
    before: Annotated[int | None, Query(ge=1, lt=2**63)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> AuditLines:
    """Who changed what."""
    found = audit.lines(session, actor=actor, action=action, first=first, last=last, before=before, limit=limit + 1)
    following = found[limit - 1].id if len(found) > limit else None
    return AuditLines(items=[AuditOut.model_validate(line) for line in found[:limit]], next=following)
