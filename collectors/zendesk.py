"""Zendesk: tickets that changed, by the incremental export with its cursor, and what their customers wrote.

Source: Zendesk Support API: GET /api/v2/incremental/tickets/cursor (10 requests a minute), …/tickets/{id}/comments,
…/tickets/{id}/conversation_log, …/satisfaction_ratings.
"""

import base64
import re
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from collectors.access import read_key_file, refusal, safe_url
from collectors.base import Page, Probe, SourceError
from collectors.file_values import moment
from collectors.http import Http
from collectors.json_api import HeaderKey, JsonApi
from collectors.values import RowFault, quarantine, sound
from collectors.zendesk_format import is_messaging, of_comments, of_log, of_rating, read_ticket
from models.records import QuarantinedRow, TicketRecord, VerbatimRecord

PER_PAGE = 100
EVERY = 6.1
"""Seconds between two pages of the export: Zendesk allows ten a minute."""
SMALLEST_AGE = timedelta(minutes=1)
PAGES_OF_ONE = 20


class Zendesk:
    """The tickets of one account, oldest change first, from where the last walk ended.

    `after_url` and `next_page` are never followed: they may name another host, and the key would go there.
    """

    kind = "zendesk"

    def __init__(
        self,
        subdomain: str,
        token_file: str,
        email: str = "",
        base_url: str = "",
        *,
        http: Http,
        cursor: str = "",
        days: int = 365,
        brand: str = "",
        version_field: str = "",
    ) -> None:
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,62}", subdomain):
            raise ValueError(f"subdomain is the first part of the account's address, not {subdomain!r}")
        self._base = safe_url(base_url or f"https://{subdomain}.zendesk.com", "address of Zendesk")
        self._http = http
        self._key = _key(read_key_file(token_file), email)
        self._since, _, self._cursor = cursor.partition("|")
        self._days = days
        self._brand = brand
        self._version = version_field
        self._asked = 0.0

    def pages(self, resume: str | None = None) -> Iterator[Page]:
        """Yield pages of up to 100 tickets with their words. Raises SourceError."""
        since = moment(self._since) if self._since else None
        start = since or self._http.now() - timedelta(days=self._days)
        cursor, seen = self._cursor, set[str]()
        with self._http.walk() as walk:
            api = JsonApi(walk, self._base, self._key, self._explain)
            ratings, note = self._ratings(api, start)
            while True:
                found = self._export(api, start, cursor)
                tickets, following = found.get("tickets"), found.get("after_cursor")
                if not isinstance(tickets, list) or not isinstance(found.get("end_of_stream"), bool):
                    raise SourceError("Zendesk sent something else than a page of its export.", "format")
                last = found["end_of_stream"]
                if not last and (not isinstance(following, str) or following in seen):
                    raise SourceError("Zendesk leads to the same page again and again.", "repeated")
                cursor = following or cursor
                seen.add(cursor)
                at = max(
                    [start, *(moment(t["updated_at"]) for t in tickets if isinstance(t, dict) and t.get("updated_at"))]
                )
                page = self._page(api, found, tickets, ratings)
                yield Page(
                    verbatims=page[0],
                    tickets=page[1],
                    quarantined=page[2],
                    cursor=f"{at.astimezone(UTC).isoformat()}|{cursor}",
                    reaches=start,
                    note=note,
                    end="exhausted" if last else None,
                )
                note = ""
                if last:
                    return

    def probe(self) -> list[Probe]:
        """Ask for a day of the export."""
        with self._http.walk() as walk:
            try:
                start = self._http.now() - timedelta(days=1)
                self._export(JsonApi(walk, self._base, self._key, self._explain), start, "")
            except SourceError as error:
                return [Probe("Zendesk", False, error.message)]
        return [Probe("Zendesk", True, "The key may read the incremental export of tickets.")]

    def _export(self, api: JsonApi, start: datetime, cursor: str) -> dict[str, Any]:
        if self._asked and (left := EVERY - (time.monotonic() - self._asked)) > 0:
            self._http.sleep(left)
        self._asked = time.monotonic()
        # The export refuses a start within the last minute.
        start = min(start, self._http.now() - SMALLEST_AGE)
        params = {"cursor": cursor} if cursor else {"start_time": str(int(start.timestamp()))}
        params |= {"per_page": str(PER_PAGE), "include": "users,metric_sets"}
        return api.get("/api/v2/incremental/tickets/cursor", params)

    def _page(
        self, api: JsonApi, found: Mapping[str, Any], tickets: list[Any], ratings: Mapping[str, Any]
    ) -> tuple[tuple[VerbatimRecord, ...], tuple[TicketRecord, ...], tuple[QuarantinedRow, ...]]:
        users = {str(user.get("id")): user for user in found.get("users") or ()}
        metrics = {str(one.get("ticket_id")): one for one in found.get("metric_sets") or ()}
        words: list[VerbatimRecord] = []
        records: list[TicketRecord] = []
        bad: list[QuarantinedRow] = []
        for ticket in tickets:
            try:
                record = read_ticket(ticket, users, metrics, ratings, self._version)
                if self._brand and str(ticket.get("brand_id")) != self._brand and not record.deleted:
                    continue
                records.append(record)
                words += [] if record.deleted else self._words(api, ticket, record, ratings)
            except (RowFault, KeyError, TypeError, AttributeError) as fault:
                bad.append(quarantine(_without_words(ticket), f"the ticket cannot be read: {fault}"))
        return tuple(words), tuple(records), tuple(bad)

    def _words(
        self, api: JsonApi, ticket: Mapping[str, Any], record: TicketRecord, ratings: Mapping[str, Any]
    ) -> list[VerbatimRecord]:
        requester = str(ticket.get("requester_id"))
        log = is_messaging(ticket)
        path, name = ("conversation_log", "events") if log else ("comments", "comments")
        try:
            rows = self._all(api, f"/api/v2/tickets/{int(ticket['id'])}/{path}", name)
        except SourceError as error:
            if error.kind != "gone":
                raise
            return []  # deleted since: the export will say so
        found = of_log(record, requester, rows) if log else of_comments(record, requester, rows)
        rating = ratings.get(record.external_id) or ticket.get("satisfaction_rating") or {}
        said = of_rating(record, rating, requester)
        return [*found, said] if said else found

    def _all(self, api: JsonApi, path: str, name: str) -> list[dict[str, Any]]:
        """All pages of a list by its cursor, up to 2,000 rows."""
        rows: list[dict[str, Any]] = []
        after = ""
        for _ in range(PAGES_OF_ONE):
            found = api.get(path, {"page[size]": "100"} | ({"page[after]": after} if after else {}))
            rows += [row for row in found.get(name) or () if isinstance(row, dict)]
            meta = found.get("meta") or {}
            after = sound(meta.get("after_cursor"))
            if not meta.get("has_more") or not after:
                break
        return rows

    def _ratings(self, api: JsonApi, start: datetime) -> tuple[dict[str, Any], str]:
        """Satisfaction ratings since then, by ticket, the newest; without the right to them tickets are read alone."""
        found: dict[str, Any] = {}
        after = ""
        try:
            for _ in range(PAGES_OF_ONE):
                params = {"page[size]": "100", "start_time": str(int(start.timestamp()))}
                answer = api.get("/api/v2/satisfaction_ratings", params | ({"page[after]": after} if after else {}))
                for rating in answer.get("satisfaction_ratings") or ():
                    name = str(rating.get("ticket_id"))
                    if name not in found or sound(rating.get("updated_at")) >= sound(found[name].get("updated_at")):
                        found[name] = rating
                meta = answer.get("meta") or {}
                after = sound(meta.get("after_cursor"))
                if not meta.get("has_more") or not after:
                    return found, ""
        except SourceError as error:
            if error.kind not in {"refused", "gone"}:
                raise
            return {}, "read without the list of satisfaction ratings, which this key may not see"
        return found, f"only the first {100 * PAGES_OF_ONE} satisfaction ratings were read"

    def _explain(self, error: SourceError) -> SourceError:
        text = (
            "Zendesk refuses the key: check the e-mail and the token (Admin Center, Apps and integrations, Zendesk "
            "API), and that the user is an administrator: only they may export tickets."
        )
        return refusal(error, text)


def _key(content: bytes, email: str) -> HeaderKey:
    """An API token goes with the e-mail of its user; without one the file holds an OAuth token."""
    if not email:
        return HeaderKey(content)
    pair = f"{email}/token:".encode() + content.strip()
    return HeaderKey(base64.b64encode(pair), form="Basic {}")


def _without_words(ticket: object) -> object:
    """What a ticket that cannot be read is kept as: its shape, not what people wrote."""
    if not isinstance(ticket, Mapping):
        return type(ticket).__name__
    kept = ("id", "status", "created_at", "updated_at", "via", "brand_id")
    return {name: ticket[name] for name in kept if name in ticket}
