"""Settings: one navigation for all of them; here people, keys, the audit, and the reader's own look."""

from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy import func, select

from app import audit, people
from app.api.people import caller, key_or_404, new_key, new_link, person_or_404
from app.api.shapes import OptionalText, RowId, Text
from app.auth import Role, allow
from app.db import DB
from app.errors import Problem
from app.keys import Scope, revoke_key
from app.pages.common import find_app, go, render, words_of
from app.reading.apps import all_apps
from app.setup import change_app
from models.apps import App
from models.people import ApiKey, Invitation, User

router = APIRouter()
seen = APIRouter(dependencies=[allow("viewer")])
editors = APIRouter(dependencies=[allow("viewer", change="editor")])
ZONES = (
    "Europe/Paris", "Europe/Brussels", "Europe/Luxembourg", "Europe/Zurich", "Europe/London", "America/Guadeloupe",
    "America/Martinique", "America/Cayenne", "Indian/Reunion", "Indian/Mayotte", "Pacific/Noumea", "Pacific/Tahiti",
    "Africa/Casablanca", "Africa/Dakar", "Africa/Abidjan", "America/Toronto", "UTC",
)  # fmt: skip
"""What the form offers; the API takes any."""
admins = APIRouter(dependencies=[allow("admin", change="admin")])


@seen.get("/settings")
def page(request: Request, session: DB) -> HTMLResponse:
    """Where each thing is set, in a sentence each."""
    words = words_of(request)
    return render(request, "settings.html", words, apps=all_apps(session))


@seen.get("/settings/apps/{app_id}")
def app_page(app_id: RowId, request: Request, session: DB) -> HTMLResponse:
    """An app's name, whose days it counts, and the language of its alerts."""
    return _app(request, find_app(session, app_id), None)


def _app(request: Request, app: App, problem: Problem | None, name: str | None = None) -> HTMLResponse:
    return render(
        request,
        "settings_app.html",
        words_of(request),
        status=problem.status if problem else 200,
        app=app,
        name=app.name if name is None else name,
        zones=sorted({*ZONES, app.timezone}),
        problem=problem,
    )


@editors.post("/settings/apps/{app_id}")
def change_app_settings(
    app_id: RowId,
    request: Request,
    session: DB,
    name: Annotated[Text, Form(max_length=200)] = "",
    timezone: Annotated[Text, Form(max_length=60)] = "",
    language: Annotated[Literal["fr", "en"], Form()] = "fr",
) -> Response:
    """Rename it, or change its zone (for days to come) or the language of its alerts."""
    app = find_app(session, app_id)
    try:
        change_app(session, app, name=name, timezone=timezone or None, language=language)
    except Problem as problem:
        return _app(request, app, problem, name)
    return go("/settings", "saved")


@admins.get("/settings/people")
def people_page(request: Request, session: DB) -> HTMLResponse:
    """Who may come in, and as what."""
    return _people(request, session, {}, None)


def _people(
    request: Request, session: DB, given: dict[str, str], problem: Problem | None, link: str = ""
) -> HTMLResponse:
    words = words_of(request)
    users = session.scalars(select(User).order_by(User.deactivated_at.is_not(None), User.email)).all()
    open_links = select(Invitation).where(Invitation.used_at.is_(None), Invitation.expires_at > func.now())
    return render(
        request,
        "settings_people.html",
        words,
        status=problem.status if problem else 201 if link else 200,
        users=users,
        links=session.scalars(open_links.order_by(Invitation.id.desc())).all(),
        active=sum(1 for user in users if user.deactivated_at is None),
        given=given,
        problem=problem,
        link=link,
    )


@admins.post("/settings/people")
def invite(
    request: Request,
    session: DB,
    email: Annotated[Text, Form(max_length=254)] = "",
    role: Annotated[Role, Form()] = "viewer",
) -> HTMLResponse:
    """A one-time link, shown once."""
    try:
        link = new_link(request, session, email, role)
    except Problem as problem:
        return _people(request, session, {"email": email, "role": role}, problem)
    return _people(request, session, {"email": email}, None, link)


@admins.post("/settings/people/{user_id}")
def change_person(
    user_id: RowId,
    request: Request,
    session: DB,
    role: Annotated[Role | None, Form()] = None,
    action: Annotated[Literal["deactivate", "reactivate", ""], Form()] = "",
) -> Response:
    """Another role, or close or open the account."""
    user, by = person_or_404(session, user_id), caller(request).label
    try:
        if action:
            (people.deactivate if action == "deactivate" else people.reactivate)(session, user, by=by)
        elif role is not None:
            people.change_role(session, user, role, by=by)
    except Problem as problem:
        return _people(request, session, {}, Problem(problem.status, problem.detail, key=problem.key))
    return go("/settings/people", "saved")


@admins.get("/settings/keys")
def keys_page(request: Request, session: DB) -> HTMLResponse:
    """The keys of programs."""
    return _keys(request, session, "")


def _keys(request: Request, session: DB, made: str) -> HTMLResponse:
    words = words_of(request)
    found = session.scalars(select(ApiKey).order_by(ApiKey.revoked_at.is_not(None), ApiKey.id.desc())).all()
    now = session.scalars(select(func.now())).one()
    live = [key for key in found if key.revoked_at is None and (key.expires_at is None or key.expires_at > now)]
    return render(
        request,
        "settings_keys.html",
        words,
        status=201 if made else 200,
        keys=found,
        live={key.id for key in live},
        made=made,
        base_url=request.app.state.settings.base_url,
    )


@admins.post("/settings/keys")
def make_key(
    request: Request,
    session: DB,
    name: Annotated[Text, Form(min_length=1, max_length=100)],
    scope: Annotated[Scope, Form()] = "read",
    days: Annotated[int | None, Form(ge=1, le=3650)] = None,
) -> HTMLResponse:
    """Make one; it is shown once."""
    return _keys(request, session, new_key(session, name.strip() or "–", scope, days, by=caller(request).label))


@admins.post("/settings/keys/{key_id}/revoke")
def end_key(key_id: RowId, request: Request, session: DB) -> RedirectResponse:
    """Take it back."""
    revoke_key(session, key_or_404(session, key_id), by=caller(request).label)
    return go("/settings/keys", "saved")


@admins.get("/settings/audit")
def audit_page(
    request: Request,
    session: DB,
    actor: OptionalText = None,
    action: OptionalText = None,
    before: int | None = None,
) -> HTMLResponse:
    """Who changed what, when."""
    before = before if before is not None and 0 < before < 2**63 else None
    found = audit.lines(session, actor=actor, action=action, before=before, limit=51)
    url = request.url.include_query_params(before=found[49].id) if len(found) > 50 else None
    return render(
        request,
        "settings_audit.html",
        words_of(request),
        lines=found[:50],
        asked={"actor": actor or "", "action": action or ""},
        next_url=f"{url.path}?{url.query}" if url else None,
    )


router.include_router(seen)
router.include_router(editors)
router.include_router(admins)
