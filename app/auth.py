"""Who may ask what: every route declares the role it needs, and who asks is a person, a key, or this machine's owner.

    router = APIRouter(dependencies=[allow("viewer", change="editor")])  # GET for viewers, the rest for editors
    @router.post("/x", dependencies=[allow(change="admin")])  # one route says otherwise: the nearest wins

A route that declares nothing is answered to nobody, and `tests/app/test_permissions.py` fails on it.
"""

import base64
import binascii
from dataclasses import dataclass
from typing import Any, Literal, get_args

from fastapi import Depends, Request
from sqlalchemy.orm import Session

from app.db import transaction
from app.errors import Problem
from app.guard import SAFE
from app.keys import PREFIX, find_key
from app.sessions import cookie_name, find_session
from app.settings import Settings
from models.people import ApiKey

Role = Literal["viewer", "editor", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
SCOPE_ROLES: dict[str, Role] = {"read": "viewer", "write": "editor", "admin": "admin"}
"""What a key's scope lets it do, told as a role."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. `name` is told in timelines, `label` in the audit: an e-mail address, or a key by its name."""

    name: str
    label: str
    role: Role
    kind: Literal["local", "person", "key"]
    user_id: int | None = None
    session_id: int | None = None

    def may(self, role: Role) -> bool:
        """Whether this caller has the role or a higher one."""
        return ROLES.index(self.role) >= ROLES.index(role)


OWNER = Caller("local", "local", "admin", "local")
"""The owner of this machine, where nobody else can reach it and sign-in is switched off."""


@dataclass(frozen=True, slots=True)
class Needs:
    """The roles that a route needs to read (GET) and to change; None is anybody. A declaration: it does nothing."""

    read: Role | None
    change: Role | None

    async def __call__(self) -> None:
        """A dependency, so that routers and routes can carry it; async, so that no thread is asked to do nothing."""


def allow(read: Role | None = "viewer", change: Role | None = "editor") -> Any:
    """Declare who may use a router or a route: `dependencies=[allow("viewer", change="editor")]`."""
    return Depends(Needs(read, change))


OPEN = allow(None, None)
"""Anybody, signed in or not: signing in itself, and whether the service is up."""


def asks_to_sign_in(settings: Settings) -> bool:
    """Whether a caller must say who it is: always, unless it was switched off and only this machine can reach us."""
    return settings.sign_in or settings.reachable


def check_role(request: Request) -> None:
    """Let a request through, or raise Problem 401 or 403; `request.state.caller` then says who asks, `.actor` its name.

    The dependency of the whole application.
    """
    request.state.caller, request.state.actor = None, "nobody"
    needs = needs_of(request.scope.get("route"))
    if needs is None:
        raise Problem(403, "This address does not declare who may use it, so nobody may (see CONTRIBUTING.md).")
    role = needs.read if request.method in SAFE else needs.change
    if role is None:
        return
    caller = caller_of(request)
    if caller is None:
        if request.url.path.startswith("/api/"):
            raise Problem(
                401,
                "This needs a key: send the header “Authorization: Bearer cck_…”. Make one at /settings/keys, "
                "or with “cocoon key create”.",
                headers={"WWW-Authenticate": "Bearer"},
            )
        raise Problem(401, "Sign in first.")
    request.state.caller, request.state.actor = caller, caller.name
    if not caller.may(role):
        raise Problem(403, _refusal(caller, role))


def needs_of(route: Any) -> Needs | None:
    """What a route declares: the last declaration on its way from the router to the route itself."""
    dependant = getattr(route, "dependant", None)
    declared = [each.call for each in dependant.dependencies if isinstance(each.call, Needs)] if dependant else []
    return declared[-1] if declared else None


def _refusal(caller: Caller, role: Role) -> str:
    if caller.kind == "key":
        scope = next(name for name, its in SCOPE_ROLES.items() if its == role)
        return f"This key may not do that: it needs the scope “{scope}”."
    return f"This needs the role “{role}”, and you have “{caller.role}”. Ask an admin of Cocoon."


def caller_of(request: Request) -> Caller | None:
    """Who asks, by key or by cookie; None for a stranger."""
    if not asks_to_sign_in(request.app.state.settings):
        return OWNER
    key = _key_in(request.headers.get("authorization", ""))
    cookie = request.cookies.get(cookie_name(request.app.state.settings))
    if key is None and not cookie:
        return None
    with transaction(request.app.state.bind) as session:
        if key is not None:
            found = find_key(session, key)
            return None if found is None else _key_caller(found)
        return _person(session, cookie or "")


def _key_in(header: str) -> str | None:
    """The key of `Authorization: Bearer KEY`, or of Basic with the key as the password (Excel knows nothing else)."""
    scheme, _, rest = header.partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip()
    if scheme.lower() == "basic":
        try:
            password = base64.b64decode(rest.strip(), validate=True).decode("utf-8").rpartition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return ""
        return password if password.startswith(PREFIX) else ""
    return None


def _key_caller(key: ApiKey) -> Caller:
    roles: list[Role] = [SCOPE_ROLES[scope] for scope in key.scopes if scope in SCOPE_ROLES]
    return Caller(key.name, f"key {key.name} ({key.prefix})", max(roles, key=ROLES.index), "key")


def _person(session: Session, cookie: str) -> Caller | None:
    found = find_session(session, cookie)
    if found is None:
        return None
    signed, user = found
    role: Role = next((role for role in ROLES if role == user.role), "viewer")
    return Caller(user.name, user.email, role, "person", user.id, signed.id)
