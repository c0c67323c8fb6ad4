"""Connecting a source in the interface: choose its kind, fill in what it declares, try its rights, save."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, BackgroundTasks, Depends, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy.orm import Session

from app.api.credentials import enter
from app.api.shapes import OptionalText, RowId
from app.auth import Caller, allow
from app.connecting import connect_remotely
from app.credentials import NAME, PREFIX, shown
from app.db import DB
from app.errors import Problem
from app.i18n import Words
from app.pages.common import find_app, go, render, words_of
from app.pages.hooks import opened
from app.pages.sources import ask_for_walk
from app.reading.apps import listings
from models.apps import App

router = APIRouter(dependencies=[allow("viewer", change="editor")])

SECRETS = ("key_file", "token_file")
CHOICES: dict[str, tuple[str, ...]] = {"platform": ("ios", "android"), "preferred": ("", "yes")}
LONG = ("questions",)
GROUPS = ("stores", "crashes", "surveys", "tickets")
BY_HAND = frozenset({"file", "survey_file"})
"""Read once, by `cocoon import`."""
LONGEST = 70_000

Given = dict[str, str]


@dataclass(frozen=True, slots=True)
class Field:
    """A setting of a kind, as the form asks for it. `what` is text, long, choice or secret."""

    name: str
    what: str
    needed: bool
    label: str
    hint: str
    choices: tuple[tuple[str, str], ...] = ()


async def read_form(request: Request) -> Given:
    """The form's fields: their names are the kind's own settings."""
    form = await request.form(max_fields=60, max_part_size=2 * LONGEST)
    given = {name: value.strip() for name, value in form.items() if isinstance(value, str)}
    if any("\x00" in value or len(value) > LONGEST for value in given.values()):
        raise Problem(422, "A field is too long, or holds what cannot be stored.")
    return given


@router.get("/apps/{app_id}/sources/new")
def page(app_id: RowId, request: Request, session: DB, kind: OptionalText = None) -> HTMLResponse:
    """Which kind; then its form."""
    app = find_app(session, app_id)
    known = _kinds(request).get(kind or "")
    if known is None:
        return _choose(request, app)
    given = {}
    if "app_id" in known["needs"]:
        stores = [one for one in listings(session, app.id) if one.channel == known["channel"]]
        given["app_id"] = stores[0].external_id if stores else ""
    return _form(request, session, app, known, given, None)


@router.post("/apps/{app_id}/sources/new")
def connect(
    app_id: RowId,
    request: Request,
    session: DB,
    background: BackgroundTasks,
    given: Annotated[Given, Depends(read_form)],
) -> Response:
    """Try its rights and show what each said, or save it and have it read at once."""
    app = find_app(session, app_id)
    known = _kinds(request).get(given.get("kind", ""))
    if known is None:
        return _choose(request, app)
    words = words_of(request)
    try:
        with session.begin_nested():  # what cannot be saved keeps no key either
            config, secrets = _settings(words, known, given, request.state.caller)
            for setting, (name, secret) in secrets.items():
                enter(request, session, background, name, secret)
                given[setting] = PREFIX + name
            if given.get("action") == "try":
                told = _tried(request, known["kind"], config, {name: one[1] for name, one in secrets.items()})
                return _form(request, session, app, known, given, None, told)
            state, name = request.app.state, given.get("name", "")[:200]
            source = connect_remotely(session, app, state, known["kind"], config, name=name)
            if source.rhythm_minutes is not None:
                ask_for_walk(request, background, source, "first")
    except Problem as problem:
        if problem.status not in {403, 409, 422}:
            raise
        return _form(request, session, app, known, given, problem)
    if known["scheme"] and source.rhythm_minutes is None and request.state.caller.may("admin"):
        answer: Response = opened(request, session, source)  # it is only told: without an address it hears nothing
    else:
        answer = go(f"/apps/{app_id}/sources", "added")
    answer.background = background
    return answer


def _kinds(request: Request) -> dict[str, dict[str, Any]]:
    """What can be connected here, by kind."""
    found = [
        {"needs": [], "may": [], "scheme": "", "label_fr": "", "label_en": ""} | kind
        for kind in getattr(request.app.state, "kinds", [])
    ]
    return {kind["kind"]: kind for kind in found if kind["kind"] not in BY_HAND}


def _group(kind: Mapping[str, Any]) -> str:
    if "stability" in kind["brings"]:
        return "crashes"
    if kind["channel"] == "survey":
        return "surveys"
    return "stores" if kind["channel"] in {"app_store", "google_play"} else "tickets"


def _choose(request: Request, app: App) -> HTMLResponse:
    groups: dict[str, list[dict[str, Any]]] = {group: [] for group in GROUPS}
    for kind in _kinds(request).values():
        groups[_group(kind)].append(kind)
    return render(
        request,
        "new_source.html",
        words_of(request),
        app=app,
        tab="sources",
        kind=None,
        groups=[(group, kinds) for group, kinds in groups.items() if kinds],
    )


def _form(
    request: Request,
    session: Session,
    app: App,
    known: dict[str, Any],
    given: Given,
    problem: Problem | None,
    tried: list[dict[str, Any]] | None = None,
) -> HTMLResponse:
    words = words_of(request)
    kept = [one.credential.name for one in shown(session)]
    return render(
        request,
        "new_source.html",
        words,
        status=problem.status if problem else 200,
        app=app,
        tab="sources",
        kind=known,
        groups=[],
        fields=[_field(words, known, name) for name in (*known["needs"], *known["may"])],
        given=given,
        problem=problem,
        tried=tried,
        credentials=kept,
        key_name=_free_name(known["kind"].replace("_", "-"), kept),
        prefix=PREFIX,
        may_enter=request.state.caller.may("admin"),
    )


def _free_name(name: str, taken: list[str]) -> str:
    """A name that no credential has: saving under a known one would replace it."""
    return next(one for one in (name, *(f"{name}-{n}" for n in range(2, len(taken) + 3))) if one not in taken)


def _field(words: Words, known: dict[str, Any], name: str) -> Field:
    needed, kind = name in known["needs"], known["kind"]
    own = f"field.{kind}.{name}"
    label = words.t(own) if words.has(own) else words.t(f"field.{name}")
    hint = next((words.t(key) for key in (f"{own}.hint", f"field.{name}.hint") if words.has(key)), "")
    what = "secret" if name in SECRETS else "choice" if name in CHOICES else "long" if name in LONG else "text"
    choices = tuple((value, words.t(f"choice.{name}.{value or 'none'}")) for value in CHOICES.get(name, ()))
    return Field(name, what, needed, label, hint, choices)


def _settings(
    words: Words, known: dict[str, Any], given: Given, caller: Caller
) -> tuple[dict[str, Any], dict[str, tuple[str, str]]]:
    """The settings, and the secrets that were pasted: setting → name and secret. Raises Problem beside the field."""
    config: dict[str, Any] = {}
    secrets: dict[str, tuple[str, str]] = {}
    for name in (*known["needs"], *known["may"]):
        value = given.get(name, "")
        if name in SECRETS and given.get(f"{name}_secret"):
            if not caller.may("admin"):
                raise Problem(403, "Only an admin enters keys.", where=f"body.{name}", key="problem.only_admin_keys")
            own = given.get(f"{name}_name", "")
            if not NAME.fullmatch(own):
                detail = "A name has small letters, digits, dots and dashes: connect-2026."
                raise Problem(422, detail, where=f"body.{name}", key="problem.credential_name")
            secrets[name] = (own, given[f"{name}_secret"])
            value = PREFIX + own
        if not value and name in known["needs"]:
            where = f"body.{name}"
            raise Problem(422, words.t("source.lacks"), where=where, key="source.lacks")
        if value:
            config[name] = value
    return config, secrets


def _tried(request: Request, kind: str, config: dict[str, Any], secrets: dict[str, str]) -> list[dict[str, Any]]:
    """What each right said; the trial asks the source's own servers."""
    probe = getattr(request.app.state, "probe", None)
    if probe is None:
        raise Problem(503, "This server cannot ask sources: start it with “cocoon up” or “cocoon web”.")
    found: list[dict[str, Any]] = probe(kind, config, secrets)
    return found
