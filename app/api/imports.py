"""A file of reviews sent by a program: the same import as by command and by page."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Response
from fastapi import Request as HttpRequest
from pydantic import BaseModel, Field

from app.api.apps import app_or_404
from app.api.shapes import RowId
from app.auth import allow
from app.db import DB
from app.uploads import LARGEST, Upload, received, take_in

router = APIRouter(tags=["sources"], dependencies=[allow("viewer", change="editor")])


class ColumnOut(BaseModel):
    """What a column is taken for."""

    column: str
    field: str = Field(description="empty: left out")
    confidence: float = Field(description="0 to 1")
    example: str


class ImportedOut(BaseModel):
    """What became of a file. Quarantined rows are kept with their reason and can be read again."""

    state: Literal["checked", "done", "running"] = Field(
        description="checked: nothing was stored; running: it takes longer, the source's runs tell how far it is"
    )
    columns: list[ColumnOut]
    notes: list[str]
    source_id: int | None = None
    outcome: str | None = None
    reason: str | None = None
    rows: int | None = None
    stored: int | None = None
    revised: int | None = None
    already_there: int | None = None
    quarantined: int | None = None
    reasons: dict[str, int] = Field(default={}, description="quarantined rows by reason, the most frequent first")


_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {
                            "type": "string",
                            "format": "binary",
                            "description": f"CSV, JSON Lines, JSON or Excel, also gzipped; {LARGEST >> 20} MB at most",
                        },
                        "channel": {"type": "string", "description": "app_store, google_play, or a word of yours"},
                        "zone": {"type": "string", "description": "of times that name none; else the app's own"},
                        "map": {"type": "string", "description": "COLUMN=FIELD lines that correct the guess; FIELD - "
                                "leaves a column out"},
                        "action": {"type": "string", "enum": ["import", "check"],
                                   "description": "check: say what the columns are taken for, and store nothing"},
                    },
                }
            }
        },
    }
}  # fmt: skip


_LATER: dict[int | str, dict[str, Any]] = {
    202: {"model": ImportedOut, "description": "It takes longer: the source's runs tell how far it is"}
}


@router.post("/apps/{app_id}/imports", openapi_extra=_BODY, responses=_LATER)
def import_reviews(
    app_id: RowId,
    request: HttpRequest,
    response: Response,
    session: DB,
    upload: Annotated[Upload, Depends(received)],
) -> ImportedOut:
    """Import a file of reviews. Importing twice changes nothing, and nothing that it brings is alerted."""
    found = take_in(request, session, app_or_404(session, app_id), upload)
    response.status_code = 202 if found.state == "running" else 200
    names = ImportedOut.model_fields.keys() - {"state", "columns", "notes"}
    return ImportedOut(
        state=found.state,
        columns=[
            ColumnOut(column=column, field=field, confidence=sure, example=example)
            for column, field, sure, example in found.columns
        ],
        notes=list(found.notes),
        **{name: value for name, value in (found.told or {}).items() if name in names},
    )
