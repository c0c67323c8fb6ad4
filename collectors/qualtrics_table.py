"""Qualtrics' table of responses: three header rows (codes, questions, import ids), or two in the legacy export.

The import ids are what stays when codes are renamed and questions translated, so columns are known by them.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from collectors.file_values import moment
from collectors.survey_plan import Plan, Read, Response, read_response
from collectors.values import RowFault, quarantine, sound
from models.records import PersonKey

# Qualtrics, "Understanding your dataset": Response type. Previews and tests were not written by customers.
NOT_CUSTOMERS = {"1": "preview", "survey preview": "preview", "2": "test", "survey test": "test", "8": "spam"}
NOT_CUSTOMERS |= {"spam": "spam", "9": "preview", "17": "preview"}
_LEGACY = {
    "responseid": "_recordId",
    "externaldatareference": "externalDataReference",
    "emailaddress": "recipientEmail",
    "status": "status",
    "startdate": "startDate",
    "enddate": "endDate",
    "finished": "finished",
    "userlanguage": "userLanguage",
    "name": "recipientLastName",
    "ipaddress": "ipAddress",
    "responseset": "responseSet",
    "locationlatitude": "locationLatitude",
    "locationlongitude": "locationLongitude",
    "locationaccuracy": "locationAccuracy",
}
OWN = frozenset(_LEGACY.values()) | {
    "recordedDate",
    "progress",
    "duration",
    "recipientFirstName",
    "distributionChannel",
}
"""Import ids of what Qualtrics itself tells of a response; all else is a question or the survey's own field."""


@dataclass(frozen=True, slots=True)
class Headers:
    """The columns of a table: code → import id, code → question; `legacy` has two header rows."""

    ids: Mapping[str, str]
    titles: Mapping[str, str]
    legacy: bool = False

    @property
    def rows(self) -> int:
        """How many rows under the codes are headers still."""
        return 1 if self.legacy else 2


def find_headers(second: Mapping[str, Any], third: Mapping[str, Any] | None) -> Headers | None:
    """Recognise Qualtrics' headers in the two rows under the codes; None where the table is another one."""
    titles = {code: sound(cell) for code, cell in second.items() if sound(cell)}
    ids = {code: found for code, cell in (third or {}).items() if (found := _import_id(cell))}
    if ids and len(ids) >= len(titles) - 1:
        return Headers(ids, titles)
    known = {code: _LEGACY[title.lower()] for code, title in titles.items() if title.lower() in _LEGACY}
    if "_recordId" in known.values() and any(code.startswith("V") for code in known):
        return Headers({code: known.get(code, code) for code in titles}, titles, legacy=True)
    return None


def _import_id(cell: object) -> str:
    text = sound(cell)
    if not text.startswith("{"):
        return ""
    try:
        return str(json.loads(text).get("ImportId", ""))
    except (ValueError, AttributeError):
        return ""


def read_rows(rows: Iterable[Mapping[str, Any]], headers: Headers, plan: Plan, zone: ZoneInfo) -> Iterator[Read]:
    """Read responses, one Read each; moments without a zone are local to `zone`.

    A question may be declared by its import id or its code.
    """
    for row in rows:
        read = Read()
        named = {headers.ids[code]: cell for code, cell in row.items() if code in headers.ids}
        kind = NOT_CUSTOMERS.get(sound(named.get("status")).lower())
        if kind is not None:
            read.left_out[f"{kind} answers"] += 1
        elif sound(named.get("finished")).lower() in {"0", "false", "faux"}:
            read.left_out["responses that were not finished"] += 1
        else:
            try:
                read_response(plan, _response(row, named, headers, plan, zone), read)
            except RowFault as fault:
                read.quarantined.append(quarantine(dict(row), str(fault)))
        yield read


def _response(
    row: Mapping[str, Any], named: Mapping[str, Any], headers: Headers, plan: Plan, zone: ZoneInfo
) -> Response:
    name = sound(named.get("_recordId"))
    if not name:
        raise RowFault("the row has no response id")
    at = next((sound(named[key]) for key in ("recordedDate", "endDate", "startDate") if sound(named.get(key))), "")
    values: dict[str, object] = {}
    fields: dict[str, object] = dict(named)
    titles: dict[str, str] = {}
    declared_fields = set(plan.fields.values())
    for code, cell in row.items():
        own = headers.ids.get(code, code)
        fields[code] = cell
        if own in OWN or own in declared_fields or code in declared_fields:
            continue
        key = code if code in plan.questions else own
        values[key], titles[key] = cell, headers.titles.get(code, "")
    keys: list[PersonKey] = []
    if mail := sound(named.get("recipientEmail")):
        keys.append(("email", mail))
    return Response(name, moment(at, day_first=False, zone=zone), values, fields, titles, tuple(keys))
