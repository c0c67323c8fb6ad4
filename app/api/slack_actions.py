"""Where Slack sends the presses of buttons. Not for people: the signature is the key."""

import json
import logging
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, BackgroundTasks, Depends, Header, Request
from fastapi.responses import Response

from alerts.channels.base import DeliveryError
from alerts.channels.post import post
from alerts.channels.slack import SLACK_HOSTS
from app import slack_clicks
from app.auth import OPEN
from app.db import DB
from app.errors import Problem

log = logging.getLogger(__name__)
router = APIRouter(include_in_schema=False, dependencies=[OPEN])
LARGEST = 200_000


async def raw_body(request: Request) -> bytes:
    """The body as it was signed. Raises Problem 413 for more than Slack ever sends."""
    kept = b""
    async for chunk in request.stream():
        kept += chunk
        if len(kept) > LARGEST:
            raise Problem(413, "This is too long.")
    return kept


@router.post("/slack/actions")
def pressed(
    request: Request,
    session: DB,
    later: BackgroundTasks,
    body: Annotated[bytes, Depends(raw_body)],
    timestamp: Annotated[str, Header(alias="X-Slack-Request-Timestamp", max_length=20)] = "",
    signature: Annotated[str, Header(alias="X-Slack-Signature", max_length=200)] = "",
) -> Response:
    """Do what was pressed, within the three seconds that Slack waits; who asks for too much is told so."""
    state = request.app.state
    signers = slack_clicks.check(session, state.seal, body, timestamp, signature)
    click = slack_clicks.read(body)
    if click is not None:
        try:
            with session.begin_nested():
                slack_clicks.act(session, click, signers, base_url=state.settings.base_url)
        except Problem as problem:
            later.add_task(answer, click.answer_to, problem.detail)
    return Response(status_code=200)


def answer(address: str, words: str) -> None:
    """Tell the one who pressed, and nobody else. Only Slack's own address is used."""
    if urlsplit(address).hostname not in SLACK_HOSTS or not address.startswith("https://"):
        return
    told = {"response_type": "ephemeral", "replace_original": False, "text": words}
    try:
        post(address, json.dumps(told).encode(), {}, guarded=False, timeout=5.0)
    except DeliveryError:
        log.warning("Slack did not take the answer to a press")
