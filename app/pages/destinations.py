"""Destinations (where alerts go), and the built-in inbox (what each channel was sent)."""

import json
from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy.orm import Session

from alerts.saying import known_rules
from app import destinations as making
from app import ways
from app.api.shapes import OptionalText, RowId, Text
from app.auth import allow
from app.canary import CANARY_INBOX
from app.db import DB
from app.errors import Problem, not_found
from app.i18n import Words
from app.pages import deliveries as deliveries_page
from app.pages import destination_settings
from app.pages.common import go, render, words_of
from app.pages.slack_view import Block, read_blocks
from app.reading import apps, deliveries
from models.incidents import Destination, InboxMessage, Route

router = APIRouter(dependencies=[allow("viewer", change="admin")])
router.include_router(deliveries_page.router)
router.include_router(destination_settings.router)  # before the actions, whose path is wider


@router.get("/destinations")
def page(request: Request, session: DB) -> HTMLResponse:
    """Where alerts go, and whether they get there."""
    return _page(request, session, {}, None, 200)


def _page(
    request: Request,
    session: DB,
    given: dict[str, str],
    problem: Problem | None,
    status: int,
    secret: str | None = None,
) -> HTMLResponse:
    words = words_of(request)
    found = sorted(deliveries.destinations(session), key=lambda one: one.name == CANARY_INBOX)
    return render(
        request,
        "destinations.html",
        words,
        status=status,
        headline=_headline(words, found),
        destinations=found,
        canary_inbox=CANARY_INBOX,
        last=deliveries.last_deliveries(session),
        recent=deliveries.find(session, limit=20),
        names={destination.id: destination.name for destination in found},
        waiting_since=deliveries.waiting_since(session),
        apps=apps.all_apps(session),
        routes=_routes(session),
        rules=known_rules(),
        rule_names=lambda rules: [words.name("rule", rule) for rule in rules],
        app_names={app.id: app.name for app in apps.all_apps(session)},
        given=given,
        problem=problem,
        secret=secret,
    )


def _routes(session: Session) -> dict[int, list[Route]]:
    found: dict[int, list[Route]] = {}
    for route in ways.of(session):
        found.setdefault(route.destination_id, []).append(route)
    return found


def _headline(words: Words, found: Sequence[Destination]) -> str:
    people = [destination for destination in found if destination.name != CANARY_INBOX]
    on = sum(1 for destination in people if destination.enabled)
    if not people:
        return words.t("destinations.none")
    return words.t("destinations.some", n=on) if on else words.t("destinations.off")


@router.post("/destinations")
def add(
    request: Request,
    session: DB,
    kind: Annotated[making.Kind, Form()],
    name: Annotated[Text, Form(max_length=100)] = "",
    url: Annotated[Text, Form()] = "",
    app_id: Annotated[OptionalText, Form()] = None,
    watch: Annotated[bool, Form()] = False,
    host: Annotated[Text, Form(max_length=255)] = "",
    port: Annotated[Text, Form(max_length=5)] = "",
    tls: Annotated[Text, Form(max_length=10)] = "starttls",
    user: Annotated[Text, Form(max_length=255)] = "",
    password: Annotated[Text, Form()] = "",
    sender: Annotated[Text, Form(max_length=254)] = "",
    to: Annotated[Text, Form()] = "",
    token: Annotated[Text, Form()] = "",
    channel: Annotated[Text, Form(max_length=40)] = "",
    signing_secret: Annotated[Text, Form(max_length=200)] = "",
    remind_hours: Annotated[Text, Form(max_length=10)] = "",
    quiet: Annotated[Text, Form(max_length=20)] = "",
    zone: Annotated[Text, Form(max_length=60)] = "",
) -> Response:
    """A new one; what is wrong is said next to the field."""
    given = {"kind": kind, "name": name, "url": url if kind == "webhook" else "", "app_id": app_id or ""}
    given |= {"host": host, "port": port, "tls": tls, "user": user, "sender": sender, "to": to, "channel": channel}
    given |= {"remind_hours": remind_hours, "quiet": quiet, "zone": zone}
    try:
        _, secret = making.add(
            session,
            request.app.state.seal,
            kind=kind,
            name=name,
            url=url,
            app_id=int(app_id) if app_id and app_id.isdecimal() and len(app_id) < 19 else None,
            levels=("watch", "alert") if watch else ("alert",),
            secret={"mail": password, "slack_bot": token}.get(kind, ""),
            channel=channel,
            signing=signing_secret,
            mail={"host": host, "port": port, "tls": tls, "user": user, "from": sender, "to": to},
            rhythm={"remind_hours": making.hours(remind_hours), "quiet": quiet, "zone": zone},
        )
    except Problem as problem:
        return _page(request, session, given, problem, 422)
    if secret:
        return _page(request, session, {}, None, 201, secret)
    return go("/destinations", "added")


@router.post("/destinations/{destination_id}/{action}")
def act(
    destination_id: RowId,
    action: Literal["test", "enable", "disable", "delete"],
    request: Request,
    session: DB,
    sure: Annotated[bool, Form()] = False,
) -> RedirectResponse:
    """Send a test alert through the real outbox, switch it on or off, or delete it."""
    destination = session.get(Destination, destination_id)
    if destination is None:
        raise not_found("destination")
    if action == "test":
        making.send_test(session, destination, request.app.state.settings.base_url, words_of(request).language)
    elif action == "delete":
        if not sure:
            raise Problem(422, "Tick the box to delete it: its deliveries are deleted with it.", where="body.sure")
        session.delete(destination)
    else:
        destination.enabled = action == "enable"
        destination.disabled_reason = ""
    return go("/destinations", {"test": "test", "delete": "deleted"}.get(action, "saved"))


@router.get("/inbox")
def inbox(request: Request, session: DB, before: int | None = None) -> HTMLResponse:
    """The messages as a receiver would see them, and as they were sent."""
    words = words_of(request)
    before = before if before is not None and 0 < before < 2**63 else None
    found = deliveries.inbox(session, before=before, limit=21)
    return render(
        request,
        "inbox.html",
        words,
        headline=words.t("inbox.some") if found else words.t("inbox.none"),
        messages=[_shown(words, message) for message in found[:20]],
        next_url=f"/inbox?before={found[19].id}" if len(found) > 20 else None,
    )


def _shown(words: Words, message: InboxMessage) -> dict[str, object]:
    blocks: list[Block] = read_blocks(message.body)
    return {
        "at": words.moment(message.received_at),
        "kind": message.kind,
        "blocks": blocks,
        "raw": json.dumps(message.body, ensure_ascii=False, indent=2),
    }
