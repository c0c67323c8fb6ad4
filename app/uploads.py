"""A file that a person sends: taken in piece by piece onto the disk, never larger than we say, and gone afterwards."""

import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from fastapi import Request
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.types import Message

from app import audit, throttle
from app.errors import Problem
from models.apps import App

LARGEST = 50 * 1024 * 1024
"""Bytes of a file; what is larger goes by `cocoon import`, which has no limit."""
ROOM = 64 * 1024
"""For the form around it."""
MOST = 20
"""Files that one person or key may send within a quarter of an hour."""


@dataclass(slots=True)
class Upload:
    """A file on the disk, in a folder of its own, with what the form says of it.

    `changes` are COLUMN=FIELD lines. `check`: say what the columns are taken for, and store nothing. `handed_over`: it
    is read beyond the request, by somebody who removes it.
    """

    path: Path
    name: str
    size: int
    channel: str
    zone: str
    changes: tuple[str, ...]
    check: bool
    handed_over: bool = False

    def remove(self) -> None:
        """Delete it with its folder."""
        shutil.rmtree(self.path.parent, ignore_errors=True)


State = Literal["checked", "done", "running"]


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of it. `running`: it is still being read, and the Sources page tells how far; `told` is then empty.

    `columns` are (column, field or "", how sure from 0 to 1, an example); `told` is `importing.Imported` as a mapping.
    """

    state: State
    columns: tuple[tuple[str, str, float, str], ...]
    notes: tuple[str, ...]
    told: dict[str, Any] | None


Importer = Callable[[Upload, int], Taken]
"""Reads an upload into an app (its id). Raises Problem."""


async def received(request: Request) -> AsyncIterator[Upload]:
    """Take the form of an upload from a request, and remove the file after it. Raises Problem 413, 415 and 422."""
    too_large = Problem(
        413, f"A file may have {LARGEST >> 20} MB here. Larger ones go by “cocoon import” on the server."
    )
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > LARGEST + ROOM:
        raise too_large
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise Problem(415, "Send the file as a form (multipart/form-data).")
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await request.receive()
        seen += len(message.get("body", b""))
        if seen > LARGEST + ROOM:
            raise too_large
        return message

    async with Request(request.scope, counted).form(max_files=1, max_fields=20) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile) or not file.filename:
            raise Problem(422, "Choose a file first.", where="body.file")
        if (file.size or 0) > LARGEST:
            raise too_large
        upload = await run_in_threadpool(_kept, file, form)
    try:
        yield upload
    finally:
        if not upload.handed_over:
            await run_in_threadpool(upload.remove)


def _kept(file: UploadFile, form: FormData) -> Upload:
    name = re.sub(r"[\x00-\x1f\x7f/\\]", "_", Path(file.filename or "").name).strip(". ")[-120:] or "file"

    def word(field: str) -> str:
        value = form.get(field)
        return value.replace("\x00", "").strip()[:2000] if isinstance(value, str) else ""

    path = Path(tempfile.mkdtemp(prefix="cocoon-upload-")) / name
    try:
        with path.open("wb") as kept:
            shutil.copyfileobj(file.file, kept)
    except BaseException:
        shutil.rmtree(path.parent, ignore_errors=True)
        raise
    return Upload(
        path,
        name,
        path.stat().st_size,
        word("channel") or "file",
        word("zone"),
        tuple(line.strip() for line in word("map").splitlines() if line.strip()),
        check=word("action") == "check",
    )


def take_in(request: Request, session: Session, app: App, upload: Upload) -> Taken:
    """Read it into an app, with a line in the journal. Raises Problem 429 where somebody sends too many."""
    importer: Importer | None = getattr(request.app.state, "import_file", None)
    if importer is None:
        raise Problem(503, "This server cannot import: start it with “cocoon up” or “cocoon web”.")
    key = throttle.subject(request.app.state.seal, "upload", request.state.actor)
    if wait := throttle.take(session, key, MOST):
        told = f"That is many files at once: come back in {wait} seconds, or use “cocoon import” on the server."
        raise Problem(429, told, headers={"Retry-After": str(wait)})
    if not upload.check:
        audit.record(
            session, request, "source.imported", app=app.id, file=upload.name, bytes=upload.size, channel=upload.channel
        )
        session.flush()
    return importer(upload, app.id)
