"""Zoho Desk: tickets that were modified, by search, with what their customers wrote in their threads.

Source: Zoho Desk API v1: GET /tickets/search (modifiedTimeRange, sortBy, from, limit up to 100), GET /tickets/{id},
GET /tickets/{id}/threads, GET /tickets/{id}/threads/{id}; Zoho OAuth: POST /oauth/v2/token (refresh_token).
"""

import json
import re
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from collectors.access import json_object, read_key_file, refusal, safe_url
from collectors.base import Page, Probe, SourceError
from collectors.file_values import moment
from collectors.http import Http, Walk
from collectors.json_api import JsonApi
from collectors.own_words import own_words
from collectors.values import RowFault, quarantine, sound
from models.records import PersonKey, QuarantinedRow, TicketRecord, VerbatimRecord

REGIONS = {"com", "eu", "in", "com.au", "jp", "com.cn", "ca", "sa"}
LIMIT = 100
FURTHEST = 4900
"""A search shows 5,000 rows at most."""
AGAIN = timedelta(minutes=10)
Ticket = Mapping[str, Any]


class ZohoToken:
    """An access token of an hour, renewed by the refresh token in the key file (client_id, client_secret too)."""

    def __init__(self, content: bytes, accounts: str, org: str) -> None:
        try:
            told = json.loads(content)
            self._asked = {name: str(told[name]) for name in ("client_id", "client_secret", "refresh_token")}
        except (ValueError, KeyError, TypeError):
            # The cause is not kept: what a parser says of a key may show some of it.
            raise SourceError(
                "The key file of Zoho holds no JSON with client_id, client_secret and refresh_token.", "refused"
            ) from None
        self._accounts = accounts
        self._org = org
        self._text, self._ends = "", 0.0

    def headers(self, walk: Walk) -> dict[str, str]:
        """The token and the organisation, the token renewed a minute before its end."""
        if not self._text or time.monotonic() > self._ends - 60:
            form = urlencode(self._asked | {"grant_type": "refresh_token"}).encode()
            kind = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
            answer = json_object(walk.post(f"{self._accounts}/oauth/v2/token", content=form, headers=kind))
            token = answer.get("access_token")
            if not isinstance(token, str) or not token:
                # Zoho answers 200 with an error in it.
                said = re.sub(r"[^a-z_]", "", sound(answer.get("error")))[:40]
                text = f"Zoho does not renew the access ({said or 'no token'}): make a new refresh token."
                raise SourceError(text, "refused")
            lasts = answer.get("expires_in")
            self._text = token
            self._ends = time.monotonic() + (lasts if isinstance(lasts, int) and lasts > 0 else 3600)
        return {"Authorization": f"Zoho-oauthtoken {self._text}", "orgId": self._org}

    def drop(self) -> None:
        """Renew it at the next request."""
        self._text = ""


class ZohoDesk:
    """The tickets of one organisation, the oldest change first, from where the last walk ended."""

    kind = "zoho_desk"

    def __init__(
        self,
        org: str,
        key_file: str,
        region: str = "eu",
        base_url: str = "",
        accounts_url: str = "",
        *,
        http: Http,
        cursor: str = "",
        days: int = 365,
    ) -> None:
        if region not in REGIONS:
            raise ValueError(f"region is one of {', '.join(sorted(REGIONS))}, not {region!r}")
        if not re.fullmatch(r"[0-9]{1,20}", org):
            raise ValueError("org_id is the number in Setup, Developer Space, API")
        self._base = safe_url(base_url or f"https://desk.zoho.{region}", "address of Zoho Desk") + "/api/v1"
        accounts = safe_url(accounts_url or f"https://accounts.zoho.{region}", "address of Zoho's accounts")
        self._http = http
        self._token = ZohoToken(read_key_file(key_file), accounts, org)
        self._since = cursor
        self._days = days

    def pages(self, resume: str | None = None) -> Iterator[Page]:
        """Yield pages of up to 100 tickets. Raises SourceError.

        Each page is asked for by the moment where the one before ended: a ticket that changes while the walk goes on
        (a page takes minutes) leaves the span, and counted places would pass over another one.
        """
        since = moment(self._since) if self._since else None
        start = (since - AGAIN) if since else self._http.now() - timedelta(days=self._days)
        until, offset, place = self._http.now().replace(microsecond=0), 0, since or start
        before: frozenset[str] = frozenset()
        with self._http.walk() as walk:
            api = JsonApi(walk, self._base, self._token, self._explain)
            while True:
                rows = self._search(api, start, until, offset)
                words, tickets, bad = self._read(api, [row for row in rows if _number(row) not in before])
                last = len(rows) < LIMIT
                before = frozenset(map(_number, rows))
                # What changed since the search says nothing of how far it had come.
                place = max([place, *(ticket.updated_at for ticket in tickets if ticket.updated_at <= until)])
                yield Page(
                    verbatims=tuple(words),
                    tickets=tuple(tickets),
                    quarantined=tuple(bad),
                    cursor=(max(place, until - AGAIN) if last else place).astimezone(UTC).isoformat(),
                    reaches=since or start,
                    end="exhausted" if last else None,
                )
                if last:
                    return
                if _zulu(place) > _zulu(start):
                    start, offset = place, 0
                    continue
                offset += LIMIT
                if offset > FURTHEST:
                    raise SourceError("More than 5,000 tickets changed in one moment; Zoho shows no more.", "format")

    def probe(self) -> list[Probe]:
        """Search an hour."""
        with self._http.walk() as walk:
            try:
                now = self._http.now()
                self._search(JsonApi(walk, self._base, self._token, self._explain), now - timedelta(hours=1), now, 0)
            except SourceError as error:
                return [Probe("Zoho Desk", False, error.message)]
        return [Probe("Zoho Desk", True, "The access may search tickets.")]

    def _search(self, api: JsonApi, start: datetime, until: datetime, offset: int) -> list[Any]:
        span = f"{_zulu(start)},{_zulu(until)}"
        params = {"modifiedTimeRange": span, "sortBy": "modifiedTime", "from": str(offset), "limit": str(LIMIT)}
        answer = api.raw("GET", "/tickets/search", params)
        if answer.status == 204:  # nothing changed
            return []
        rows = json_object(answer).get("data")
        if not isinstance(rows, list):
            raise SourceError("Zoho Desk sent something else than a list of tickets.", "format")
        return rows

    def _read(
        self, api: JsonApi, rows: list[Any]
    ) -> tuple[list[VerbatimRecord], list[TicketRecord], list[QuarantinedRow]]:
        words: list[VerbatimRecord] = []
        tickets: list[TicketRecord] = []
        bad: list[QuarantinedRow] = []
        for row in rows:
            name = _number(row)
            if not re.fullmatch(r"[0-9]{1,30}", name):
                bad.append(quarantine({"id": name}, "the ticket cannot be read: it has no number"))
                continue
            try:
                ticket = api.get(f"/tickets/{name}")
                threads = [] if _gone(ticket) else self._threads(api, name)
                record = read_ticket(ticket, threads)
                tickets.append(record)
                words += [] if record.deleted else _words(ticket, record, threads)
            except SourceError as error:
                if error.kind != "gone":
                    raise
                at = self._http.now()
                tickets.append(TicketRecord(name, at, status="deleted", deleted=True, partial=True))
            except (RowFault, KeyError, TypeError, AttributeError) as fault:
                bad.append(quarantine({"id": name}, f"the ticket cannot be read: {fault}"))
        return words, tickets, bad

    def _threads(self, api: JsonApi, name: str) -> list[dict[str, Any]]:
        """The threads of a ticket, the customer's with their whole text."""
        answer = api.raw("GET", f"/tickets/{name}/threads", {"limit": "100"})
        found = [] if answer.status == 204 else json_object(answer).get("data") or []
        whole: list[dict[str, Any]] = []
        for thread in found:
            own = thread.get("direction") == "in" and re.fullmatch(r"[0-9]{1,30}", sound(thread.get("id")))
            whole.append(thread | (api.get(f"/tickets/{name}/threads/{thread['id']}") if own else {}))
        return whole

    def _explain(self, error: SourceError) -> SourceError:
        text = (
            "Zoho Desk refuses the access: check the region, the organisation's number, and the scopes "
            "Desk.tickets.READ and Desk.search.READ of the refresh token."
        )
        return refusal(error, text)


def _number(row: Any) -> str:
    return sound(row.get("id")) if isinstance(row, Mapping) else ""


def _zulu(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _gone(ticket: Ticket) -> bool:
    return any(str(ticket.get(mark)).lower() == "true" for mark in ("isDeleted", "isTrashed", "isSpam"))


def read_ticket(ticket: Ticket, threads: list[dict[str, Any]]) -> TicketRecord:
    """Read a ticket's own page. The first answer is the first thread that went out and is no draft. Raises RowFault."""
    created = moment(ticket.get("createdTime"))
    changed = moment(ticket.get("modifiedTime") or ticket.get("createdTime"))
    answers = [
        moment(thread["createdTime"])
        for thread in threads
        if thread.get("direction") == "out" and str(thread.get("isDraft")).lower() != "true" and not _automatic(thread)
    ]
    state = sound(ticket.get("statusType") or ticket.get("status")).lower()
    closed = ticket.get("closedTime")
    return TicketRecord(
        external_id=sound(ticket.get("id")),
        updated_at=changed,
        created_at=created,
        via=sound(ticket.get("channel")).lower(),
        status="deleted" if _gone(ticket) else state,
        first_answer_at=min(answers, default=None),
        resolved_at=moment(closed) if closed and state == "closed" else None,
        deleted=_gone(ticket),
        keys=_keys(ticket),
    )


def _automatic(thread: Ticket) -> bool:
    author = thread.get("author") or {}
    return sound(author.get("type")).upper() in {"SYSTEM", "BOT"}


def _keys(ticket: Ticket) -> tuple[PersonKey, ...]:
    contact = ticket.get("contact") or {}
    told: list[PersonKey] = [
        ("email", sound(contact.get("email") or ticket.get("email"))),
        ("phone", sound(contact.get("mobile") or contact.get("phone") or ticket.get("phone"))),
    ]
    return tuple(key for key in told if key[1])


def _words(ticket: Ticket, record: TicketRecord, threads: list[dict[str, Any]]) -> list[VerbatimRecord]:
    """What came in: the threads of the customer; without any, the description that the ticket began with."""
    came = [(str(t["id"]), t.get("createdTime"), t.get("content") or t.get("summary")) for t in threads if _own(t)]
    # The first thread is the description again, under a name of its own.
    first = [("description", ticket.get("createdTime"), ticket.get("description"))] if not came else []
    found: list[VerbatimRecord] = []
    for name, at, content in (*first, *came):
        if body := own_words(sound(content)):
            contact = sound(ticket.get("contactId")) or None
            found.append(
                VerbatimRecord(
                    external_id=f"{record.external_id}:{name}",
                    written_at=moment(at),
                    body=body,
                    author=contact,
                    keys=record.keys,
                    thread=record.external_id,
                )
            )
    return found


def _own(thread: Ticket) -> bool:
    author = sound((thread.get("author") or {}).get("type")).upper()
    return thread.get("direction") == "in" and author in {"END_USER", ""}
