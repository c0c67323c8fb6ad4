"""Webhooks in: other systems call an address of a source; the signature is their key."""

from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Depends, Path, Request, Response
from pydantic import BaseModel, Field

from app import inbound
from app.api.shapes import Body, RowId, Text
from app.api.sources import source_or_404
from app.auth import OPEN, allow
from app.db import DB
from app.errors import Problem, not_found
from models.people import Audit

router = APIRouter(tags=["hooks"], dependencies=[allow("viewer", change="admin")])

Token = Annotated[str, Path(min_length=20, max_length=100, pattern=r"^[A-Za-z0-9_-]+$")]


class Received(BaseModel):
    """The call is stored; what it says is read by a job."""

    state: str = Field(description="stored, or known where the same event came before")


class NewHook(Body):
    """The secret that the system signs with, where it makes it itself; else one is made."""

    secret: Annotated[Text, Field(max_length=200)] = ""


class HookOut(BaseModel):
    """The address to give to the system. Shown once: neither address nor secret can be read again."""

    source_id: int
    scheme: str
    url: str
    secret: str


async def raw_body(request: Request) -> bytes:
    """The body as it came, up to 5 MB: signatures are made over its bytes."""
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > inbound.MAX_BODY:
            raise Problem(413, "A call may hold 5 MB at most.")
        parts.append(part)
    return b"".join(parts)


@router.post("/hooks/{token}", status_code=202, dependencies=[OPEN])
def receive(
    token: Token,
    request: Request,
    session: DB,
    background: BackgroundTasks,
    body: Annotated[bytes, Depends(raw_body)],
) -> Received:
    """Take a call: its signature is checked, it is stored, then answered."""
    hook = inbound.find_hook(session, token)
    if hook is None:
        raise not_found("address for webhooks")
    fresh = inbound.receive(session, request.app.state.seal, hook, request.headers, body)
    defer = getattr(request.app.state, "defer", None)
    if defer is not None and fresh:
        # After the commit. Should we die in between, the schedule finds it.
        background.add_task(defer, "read_hook", f"hook:{hook.id}", hook_id=hook.id, app_id=hook.app_id)
    return Received(state="stored" if fresh else "known")


@router.head("/hooks/{token}", include_in_schema=False, dependencies=[OPEN])
def exists(token: Token, session: DB) -> Response:
    """Some systems ask whether the address is there before they call it."""
    if inbound.find_hook(session, token) is None:
        raise not_found("address for webhooks")
    return Response()


@router.post("/sources/{source_id}/hook", status_code=201)
def open_hook(source_id: RowId, body: NewHook, request: Request, session: DB) -> HookOut:
    """Make the address that a source's system may call; an earlier one stops working."""
    source = source_or_404(session, source_id)
    opened = inbound.open_hook(session, request.app.state.seal, source, body.secret)
    session.add(Audit(actor=request.state.actor, action="hook.opened", detail={"source": source.id}))
    url = request.app.state.settings.base_url + opened.path
    return HookOut(source_id=source.id, scheme=opened.scheme, url=url, secret=opened.secret)
