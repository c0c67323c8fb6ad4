"""Intercom: conversations that were updated, with their parts, ratings and times; and its webhooks.

Source: Intercom API 2.16 (OpenAPI): POST /conversations/search, GET /conversations/{id}, GET /conversations/deleted;
webhook topics conversation.*.
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from collectors.access import read_key_file, refusal, safe_url
from collectors.base import Page, Probe, SourceError
from collectors.http import Http
from collectors.json_api import HeaderKey, JsonApi
from collectors.own_words import own_words
from collectors.values import RowFault, from_epoch, quarantine, sound
from models.records import PersonKey, QuarantinedRow, TicketRecord, VerbatimRecord

REGIONS = {"us": "https://api.intercom.io", "eu": "https://api.eu.intercom.io", "au": "https://api.au.intercom.io"}
VERSION = "2.16"
PER_PAGE = 150
AGAIN = timedelta(minutes=10)
CUSTOMERS = frozenset({"user", "lead", "contact"})
SAID = frozenset({"comment", "conversation", "open", "reopened", "note_and_reopen", ""})
Conversation = Mapping[str, Any]


class Intercom:
    """The conversations of one workspace that were updated since the last walk."""

    kind = "intercom"

    def __init__(
        self, token_file: str, region: str = "eu", base_url: str = "", *, http: Http, cursor: str = "", days: int = 365
    ) -> None:
        if region not in REGIONS:
            raise ValueError(f"region is us, eu or au, not {region!r}")
        self._base = safe_url(base_url or REGIONS[region], "address of Intercom")
        self._http = http
        self._key = _Versioned(read_key_file(token_file))
        self._since = cursor
        self._days = days

    def pages(self, resume: str | None = None) -> Iterator[Page]:
        """Yield pages of up to 150 conversations. Raises SourceError."""
        since = datetime.fromisoformat(self._since) if self._since else None
        start = (since - AGAIN) if since else self._http.now() - timedelta(days=self._days)
        began = self._http.now()
        newest, after, met, seen = since or start, "", 0, set[str]()
        with self._http.walk() as walk:
            api = JsonApi(walk, self._base, self._key, self._explain)
            gone = self._deleted(api, start)
            while True:
                # Dates are compared with > only; an end in the past keeps the pages from shifting under us.
                asked = {"field": "updated_at", "operator": ">", "value": int(start.timestamp())}
                paging = {"per_page": PER_PAGE} | ({"starting_after": after} if after else {})
                question = {"query": {"operator": "AND", "value": [asked]}, "pagination": paging}
                found = api.post("/conversations/search", question)
                rows, total = found.get("conversations"), found.get("total_count")
                if not isinstance(rows, list):
                    raise SourceError("Intercom sent something else than a list of conversations.", "format")
                words, tickets, bad = self._read(api, rows)
                # Not past the walk's beginning: what changed since may have moved onto a page that was read before.
                newest = max(newest, min(began, max((ticket.updated_at for ticket in tickets), default=newest)))
                met += len(rows)
                after = sound((((found.get("pages") or {}).get("next")) or {}).get("starting_after"))
                if after in seen:
                    raise SourceError("Intercom leads to the same page again and again.", "repeated")
                seen.add(after)
                last = not after
                yield Page(
                    verbatims=tuple(words),
                    tickets=(*tickets, *(gone if last else ())),
                    quarantined=tuple(bad),
                    # The order of a search is not promised: the place moves with the last page only.
                    cursor=newest.astimezone(UTC).isoformat() if last else self._since,
                    reaches=since or start,
                    progress=min(1.0, met / total) if isinstance(total, int) and total else None,
                    end=None if not last else "unconfirmed" if isinstance(total, int) and met < total else "exhausted",
                )
                if last:
                    return

    def probe(self) -> list[Probe]:
        """Ask for one conversation."""
        asked = {"field": "updated_at", "operator": ">", "value": 0}
        question = {"query": {"operator": "AND", "value": [asked]}, "pagination": {"per_page": 1}}
        with self._http.walk() as walk:
            try:
                JsonApi(walk, self._base, self._key, self._explain).post("/conversations/search", question)
            except SourceError as error:
                return [Probe("Intercom", False, error.message)]
        return [Probe("Intercom", True, "The token may read conversations.")]

    def _read(
        self, api: JsonApi, rows: list[Any]
    ) -> tuple[list[VerbatimRecord], list[TicketRecord], list[QuarantinedRow]]:
        words: list[VerbatimRecord] = []
        tickets: list[TicketRecord] = []
        bad: list[QuarantinedRow] = []
        for row in rows:
            try:
                # The search leaves the parts out.
                whole = api.get(f"/conversations/{int(row['id'])}", {"display_as": "plaintext"})
                ticket, said = read_conversation(whole)
            except SourceError as error:
                if error.kind != "gone":
                    raise
                continue  # deleted since
            except (RowFault, KeyError, TypeError, ValueError, AttributeError) as fault:
                name = row.get("id") if isinstance(row, Mapping) else None
                bad.append(quarantine({"id": name}, f"the conversation cannot be read: {fault}"))
                continue
            tickets.append(ticket)
            words += said
        return words, tickets, bad

    def _deleted(self, api: JsonApi, start: datetime) -> list[TicketRecord]:
        """Conversations that were deleted since then: newest first, read until older ones come."""
        found: list[TicketRecord] = []
        for page in range(1, 51):
            answer = api.get("/conversations/deleted", {"page": str(page), "per_page": "60", "order": "desc"})
            rows = answer.get("conversations") or []
            for row in rows:
                at = from_epoch(row.get("deleted_at"))
                if at <= start:
                    return found
                found.append(TicketRecord(str(row["id"]), at, status="deleted", deleted=True, partial=True))
            if page >= int((answer.get("pages") or {}).get("total_pages") or 1) or not rows:
                break
        return found

    def _explain(self, error: SourceError) -> SourceError:
        text = (
            "Intercom refuses the token: check that it is of this region (us, eu, au) and may “Read conversations” "
            "(Developer Hub, Authentication)."
        )
        return refusal(error, text)


class _Versioned(HeaderKey):
    """A token with the version of the API that its answers were written for."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self._headers["Intercom-Version"] = VERSION


def read_conversation(told: Conversation) -> tuple[TicketRecord, list[VerbatimRecord]]:
    """Read a conversation: its state, and what its customer wrote. Raises RowFault."""
    name = sound(told.get("id"))
    if not name:
        raise RowFault("the row is no conversation")
    source = told.get("source") or {}
    statistics = told.get("statistics") or {}
    rating = told.get("conversation_rating") or {}
    state = sound(told.get("state")) or ("open" if told.get("open") else "closed")
    first, closed = statistics.get("first_admin_reply_at"), statistics.get("last_close_at")
    given = rating.get("rating")
    stars = given if isinstance(given, int) and 1 <= given <= 5 else None
    keys, who = _keys(told)
    ticket = TicketRecord(
        external_id=name,
        updated_at=from_epoch(told.get("updated_at") or told.get("created_at")),
        created_at=from_epoch(told.get("created_at")),
        via=sound((told.get("channel") or {}).get("initial")) or sound(source.get("type")),
        status=state,
        first_answer_at=from_epoch(first) if first else None,
        resolved_at=from_epoch(closed) if closed and state == "closed" else None,
        satisfied=None if stars is None else stars >= 4,
        rating=stars,
        keys=keys,
    )
    said: list[VerbatimRecord] = []
    parts = (told.get("conversation_parts") or {}).get("conversation_parts") or ()
    opening = {**source, "id": "source", "created_at": told.get("created_at"), "part_type": "conversation"}
    remark = {"id": "remark", "body": rating.get("remark"), "created_at": rating.get("created_at"), "part_type": ""}
    for part in (opening, *parts, remark | {"author": {"type": "user"}}):
        author = part.get("author") or {}
        body = sound(part.get("body"))
        if not body or part.get("redacted") or sound(part.get("part_type")) not in SAID:
            continue
        if sound(author.get("type")) not in CUSTOMERS or author.get("from_ai_agent") or author.get("is_ai_answer"):
            continue
        if own := own_words(body):
            at = from_epoch(part.get("created_at") or told.get("updated_at"))
            by = sound(author.get("id")) or who or None
            said.append(VerbatimRecord(f"{name}:{part['id']}", at, own, author=by, keys=keys, thread=name))
    return ticket, said


def _keys(told: Conversation) -> tuple[tuple[PersonKey, ...], str]:
    """What the customer may be known by elsewhere, and their id here."""
    author = (told.get("source") or {}).get("author") or {}
    contacts = (told.get("contacts") or {}).get("contacts") or [{}]
    customer = sound(author.get("type")) in CUSTOMERS
    mail = sound(author.get("email")) if customer else ""
    keys: list[PersonKey] = [("customer", sound(contacts[0].get("external_id"))), ("email", mail)]
    return tuple(key for key in keys if key[1]), sound(contacts[0].get("id"))


def read_intercom_hook(body: bytes, config: Mapping[str, Any]) -> Page:
    """Read a notification. Raises SourceError where it is none."""
    try:
        event = json.loads(body)
        topic, item = sound(event["topic"]), event["data"]["item"]
    except (ValueError, RecursionError, KeyError, TypeError) as error:
        raise SourceError("This is no notification of Intercom.", "format") from error
    if topic == "conversation.deleted":
        at = from_epoch(event.get("created_at"))
        name = sound(item.get("id") or item.get("conversation_id"))
        return Page(tickets=(TicketRecord(name, at, status="deleted", deleted=True, partial=True),))
    if not re.fullmatch(r"conversation(\.[a-z_]+)+", topic) or item.get("type") != "conversation":
        return Page(note=f"a notification of the topic {topic[:60]}, which tells nothing that is kept")
    ticket, said = read_conversation(item)
    return Page(verbatims=tuple(said), tickets=(ticket,))
