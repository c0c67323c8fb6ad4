"""Zendesk, Intercom and Zoho Desk over real HTTP: stateful, with keys that must match, pages and cursors."""

import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.fakes.stores import FakeStore, Fault, Request
from tests.fakes.surveys import KEY, Answered, told


def iso(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class FakeDesk(FakeStore):
    """What they share: a key, and an answer by path and query."""

    def allowed(self, request: Request) -> bool:
        raise NotImplementedError

    def respond(self, request: Request, fault: Fault | None) -> Answered:
        parts = urlsplit(request.path)
        if not self.allowed(request) and not parts.path.startswith("/oauth"):
            return told({"error": "Couldn't authenticate you"}, 401)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        return self.answer(request, parts.path, query)

    def answer(self, request: Request, path: str, query: dict[str, str]) -> Answered:
        raise NotImplementedError


class FakeZendesk(FakeDesk):
    """Tickets in the order of their change; `next` urls name `elsewhere`, as recorded accounts do."""

    def __init__(self, email: str = "api@example.com", elsewhere: str = "https://z3n-other.zendesk.com") -> None:
        super().__init__()
        self.email, self.elsewhere = email, elsewhere
        self.tickets: list[dict[str, Any] | None] = []
        self.users: dict[int, dict[str, Any]] = {}
        self.comments: dict[int, list[dict[str, Any]]] = {}
        self.logs: dict[int, list[dict[str, Any]]] = {}
        self.ratings: list[dict[str, Any]] = []

    def allowed(self, request: Request) -> bool:
        wanted = base64.b64encode(f"{self.email}/token:{KEY}".encode()).decode()
        return request.headers.get("authorization") == f"Basic {wanted}"

    def change(self, name: int, at: datetime, **fields: Any) -> None:
        """Change a ticket: it moves to the end of the export."""
        place, found = next((n, t) for n, t in enumerate(self.tickets) if t is not None and t["id"] == name)
        self.tickets[place] = None  # cursors given before stay where they are
        self.tickets.append(found | fields | {"updated_at": iso(at)})

    def answer(self, request: Request, path: str, query: dict[str, str]) -> Answered:
        if path == "/api/v2/incremental/tickets/cursor":
            return self._export(query)
        if path == "/api/v2/satisfaction_ratings":
            return self._paged(self.ratings, "satisfaction_ratings", query)
        steps = path.split("/")
        if len(steps) == 6 and path.startswith("/api/v2/tickets/"):
            rows = {"comments": self.comments, "conversation_log": self.logs}.get(steps[5], {}).get(int(steps[4]))
            if rows is not None:
                return self._paged(rows, "comments" if steps[5] == "comments" else "events", query)
        return told({"error": "RecordNotFound"}, 404)

    def _export(self, query: dict[str, str]) -> Answered:
        size = int(query.get("per_page", "1000"))
        if "cursor" in query:
            begin = int(base64.b64decode(query["cursor"]).decode())
        else:
            floor = iso(datetime.fromtimestamp(int(query["start_time"]), UTC))
            begin = next((n for n, t in enumerate(self.tickets) if t and t["updated_at"] >= floor), len(self.tickets))
        end = min(begin + size, len(self.tickets))
        rows = [ticket for ticket in self.tickets[begin:end] if ticket is not None]
        cursor = base64.b64encode(str(end).encode()).decode()
        users = {t["requester_id"] for t in rows} & set(self.users)
        return told(
            {
                "tickets": rows,
                "users": [self.users[name] for name in sorted(users)],
                "after_cursor": cursor,
                "after_url": f"{self.elsewhere}/api/v2/incremental/tickets/cursor.json?cursor={cursor}",
                "before_url": None,
                "end_of_stream": end >= len(self.tickets),
            }
        )

    def _paged(self, rows: list[dict[str, Any]], name: str, query: dict[str, str]) -> Answered:
        begin, size = int(query.get("page[after]", "0")), int(query.get("page[size]", "100"))
        more = begin + size < len(rows)
        following = f"{self.elsewhere}/next" if more else None
        meta = {"has_more": more, "after_cursor": str(begin + size), "before_cursor": None}
        return told({name: rows[begin : begin + size], "meta": meta, "links": {"next": following}})


class FakeIntercom(FakeDesk):
    """Conversations by id; a search shows them without their parts, in pages, newest first."""

    def __init__(self) -> None:
        super().__init__()
        self.conversations: dict[int, dict[str, Any]] = {}
        self.deleted: list[dict[str, Any]] = []

    def allowed(self, request: Request) -> bool:
        return request.headers.get("authorization") == f"Bearer {KEY}"

    def answer(self, request: Request, path: str, query: dict[str, str]) -> Answered:
        if request.headers.get("intercom-version") != "2.16":
            return told({"type": "error.list", "errors": [{"code": "intercom_version_invalid"}]}, 400)
        if path == "/conversations/search" and request.method == "POST":
            return self._search(json.loads(request.body))
        if path == "/conversations/deleted":
            size, page = int(query["per_page"]), int(query["page"])
            rows = sorted(self.deleted, key=lambda one: -one["deleted_at"])
            pages = {"type": "pages", "page": page, "per_page": size, "total_pages": -(-len(rows) // size)}
            shown = rows[(page - 1) * size : page * size]
            return told({"type": "conversations.list", "conversations": shown, "pages": pages})
        name = path.removeprefix("/conversations/")
        if name.isdigit() and int(name) in self.conversations:
            return told(self.conversations[int(name)])
        return told({"type": "error.list", "errors": [{"code": "not_found"}]}, 404)

    def _search(self, asked: dict[str, Any]) -> Answered:
        floor = asked["query"]["value"][0]["value"]
        found = [one for one in self.conversations.values() if one["updated_at"] > floor]
        found.sort(key=lambda one: -one["updated_at"])
        begin, size = int(asked["pagination"].get("starting_after", 0)), asked["pagination"]["per_page"]
        rows = [{k: v for k, v in one.items() if k != "conversation_parts"} for one in found[begin : begin + size]]
        pages: dict[str, Any] = {"type": "pages", "page": begin // size + 1, "per_page": size}
        if begin + size < len(found):
            pages["next"] = {"per_page": size, "starting_after": str(begin + size)}
        listing = {"type": "conversation.list", "conversations": rows, "total_count": len(found), "pages": pages}
        return told(listing)


@dataclass
class Grant:
    """What Zoho's accounts give, and how often it was renewed."""

    secret: dict[str, str] = field(
        default_factory=lambda: {"client_id": "1000.A", "client_secret": "s", "refresh_token": "1000.r"}
    )
    given: int = 0
    valid: str = ""


class FakeZoho(FakeDesk):
    """Zoho Desk and its accounts on one address. A search is empty (204) where nothing changed."""

    def __init__(self) -> None:
        super().__init__()
        self.grant = Grant()
        self.tickets: dict[str, dict[str, Any]] = {}
        self.threads: dict[str, list[dict[str, Any]]] = {}

    def allowed(self, request: Request) -> bool:
        right = f"Zoho-oauthtoken {self.grant.valid}"
        return request.headers.get("authorization") == right and request.headers.get("orgid") == "41960353"

    def answer(self, request: Request, path: str, query: dict[str, str]) -> Answered:
        if path == "/oauth/v2/token":
            asked = {name: values[-1] for name, values in parse_qs(request.body).items()}
            if asked != self.grant.secret | {"grant_type": "refresh_token"}:
                return told({"error": "invalid_code"})
            self.grant.given += 1
            self.grant.valid = f"1000.token{self.grant.given}"
            return told({"access_token": self.grant.valid, "expires_in": 3600, "token_type": "Bearer"})
        if path == "/api/v1/tickets/search":
            return self._search(query)
        steps = path.split("/")[4:]
        if steps[0] not in self.tickets:
            return told({"errorCode": "URL_NOT_FOUND"}, 404)
        if len(steps) == 1:
            return told(self.tickets[steps[0]])
        threads = self.threads.get(steps[0], [])
        if len(steps) == 2:
            rows = [{k: v for k, v in thread.items() if k != "content"} for thread in threads]
            return told({"data": rows}) if rows else (204, [], b"")
        return told(next(thread for thread in threads if thread["id"] == steps[2]))

    def _search(self, query: dict[str, str]) -> Answered:
        first, last = query["modifiedTimeRange"].split(",")
        found = [t for t in self.tickets.values() if first <= t["modifiedTime"] <= last]
        found.sort(key=lambda t: t["modifiedTime"])
        begin, size = int(query["from"]), int(query["limit"])
        if size > 100 or begin + size > 5000:
            return told({"errorCode": "UNPROCESSABLE_ENTITY"}, 422)
        rows = [{"id": t["id"], "ticketNumber": t["ticketNumber"]} for t in found[begin : begin + size]]
        return told({"data": rows, "count": len(found)}) if rows else (204, [], b"")
