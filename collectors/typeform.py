"""Typeform: the responses of one form, by its API and by its webhook, in one shape.

Source: Typeform, Responses API ("Retrieve responses": newest first, page_size up to 1,000, since, before a token) and
Webhooks API.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from collectors.access import read_key_file, refusal, safe_url
from collectors.base import Page, Probe, SourceError
from collectors.file_values import moment
from collectors.http import Http
from collectors.json_api import HeaderKey, JsonApi
from collectors.survey_plan import Plan, Read, Response, asked_since, read_plan, read_response
from collectors.values import RowFault, quarantine, sound

TYPEFORM = "https://api.typeform.com"
PAGE_SIZE = 1000


class Typeform:
    """The completed responses of one form that were sent since the last walk."""

    kind = "typeform"

    def __init__(
        self, form: str, plan: Plan, token_file: str, base_url: str = TYPEFORM, *, http: Http, cursor: str = ""
    ) -> None:
        if not re.fullmatch(r"[A-Za-z0-9_-]{3,40}", form):
            raise ValueError(f"a form's id is the end of its address (typeform.com/to/…), not {form!r}")
        self._form = form
        self._plan = plan
        self._base = safe_url(base_url, "address of Typeform")
        self._http = http
        self._key = HeaderKey(read_key_file(token_file))
        self._since = cursor

    def pages(self, resume: str | None = None) -> Iterator[Page]:
        """Yield pages of up to 1,000 responses. Raises SourceError."""
        since = asked_since(self._since)
        newest, before = self._since, ""
        with self._http.walk() as walk:
            api = JsonApi(walk, self._base, self._key, self._explain)
            while True:
                params = {"page_size": str(PAGE_SIZE)} | ({"since": since} if since else {})
                if before:
                    params["before"] = before
                items = api.get(f"/forms/{self._form}/responses", params).get("items")
                if not isinstance(items, list):
                    raise SourceError("Typeform sent something else than a list of responses.", "format")
                read = Read()
                for item in items:
                    newest = max(newest, _add(self._plan, item, {}, read))
                last = len(items) < PAGE_SIZE
                # Newest first: the place moves with the last page only, or what is between were lost.
                yield read.page(
                    cursor=newest if last else self._since,
                    reaches=moment(self._since) if self._since else None,
                    end="exhausted" if last else None,
                )
                if last:
                    return
                following = sound(items[-1].get("token")) if isinstance(items[-1], dict) else ""
                if not following or following == before:
                    raise SourceError("Typeform leads to the same page again and again.", "repeated")
                before = following

    def probe(self) -> list[Probe]:
        """Ask for one response."""
        with self._http.walk() as walk:
            try:
                api = JsonApi(walk, self._base, self._key, self._explain)
                api.get(f"/forms/{self._form}/responses", {"page_size": "1"})
            except SourceError as error:
                return [Probe("Typeform", False, error.message)]
        return [Probe("Typeform", True, f"The token may read the responses of the form {self._form}.")]

    def _explain(self, error: SourceError) -> SourceError:
        text = "Typeform refuses the token: make one with the scope “responses:read” (Account, Personal tokens)."
        unknown = f"Typeform does not know the form {self._form} for this token's account."
        return refusal(error, text, unknown)


def read_typeform_hook(body: bytes, config: Mapping[str, Any]) -> Page:
    """Read a webhook (event form_response). Raises SourceError where it is none."""
    try:
        document = json.loads(body)
        response = document["form_response"]
        titles = {field["id"]: sound(field.get("title")) for field in response["definition"]["fields"]}
    except (ValueError, RecursionError, KeyError, TypeError) as error:
        raise SourceError("This is no response of a Typeform.", "format") from error
    form = sound(config.get("survey_id"))
    if sound(response.get("form_id")) != form:
        raise SourceError(f"The response is of another form than {form}.", "refused")
    read = Read()
    _add(read_plan(config, form), response, titles, read)
    return read.page()


def _add(plan: Plan, item: Any, titles: Mapping[str, str], read: Read) -> str:
    """Read one response; returns when it was sent, as text ('' where it is unreadable)."""
    try:
        at = moment(item["submitted_at"])
        values: dict[str, object] = {}
        for answer in item.get("answers") or ():
            values |= _named(answer)
        fields = {**(item.get("hidden") or {}), **{each["key"]: _value(each) for each in item.get("variables") or ()}}
    except (RowFault, KeyError, TypeError, AttributeError) as error:
        read.quarantined.append(quarantine(item, f"the response cannot be read ({type(error).__name__})"))
        return ""
    read_response(plan, Response(sound(item.get("token")), at, values, fields, titles), read)
    return at.isoformat()


def _named(answer: Mapping[str, Any]) -> dict[str, object]:
    """An answer by its field's id."""
    return {str(answer["field"]["id"]): _value(answer)}


def _value(answer: Mapping[str, Any]) -> object:
    """The value of an answer by its type: number, text, choice (its label, or what was typed), choices, boolean…"""
    value = answer.get(str(answer.get("type")))
    if isinstance(value, Mapping):
        if "labels" in value or "ids" in value:
            return " | ".join([*map(str, value.get("labels") or ()), *([value["other"]] if value.get("other") else [])])
        return value.get("label") or value.get("other") or ""
    return str(value).lower() if isinstance(value, bool) else value
