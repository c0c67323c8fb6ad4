"""Stateful stores over real HTTP on loopback: Apple's feed and lookup, Google Play's reviews and app page.

Reviews may be added, edited and deleted between two requests (`before` is called with each request's number and path),
and any request may be made to fail: `fail(Status(429, ...), times=2)`, or `script` for anything else.
"""

import contextlib
import html
import json
import random
import re
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Self
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape, quoteattr

APPLE_TIME = timezone(timedelta(hours=-7))


@dataclass(frozen=True)
class Status:
    """Answer with this status, headers and body."""

    code: int
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""


@dataclass(frozen=True)
class Hang:
    """Accept the request and say nothing until the client leaves (or the store closes)."""

    seconds: float = 30.0


@dataclass(frozen=True)
class Cut:
    """Send only this share of the body. `honest`: with the length of the part, so that HTTP sees nothing wrong."""

    share: float = 0.5
    honest: bool = True


@dataclass(frozen=True)
class Html:
    """Answer 200 with a web page, as a captcha or a consent page does."""

    body: str = "<!DOCTYPE html><html><body>Are you a robot? <form id='captcha-form'></form></body></html>"


@dataclass(frozen=True)
class Empty:
    """Answer well-formed, with no review."""


@dataclass(frozen=True)
class Undated:
    """Answer without dates (Apple's JSON of 2020); the XML is not touched."""


@dataclass(frozen=True)
class Unknown:
    """Answer as for an app that is not known."""


@dataclass(frozen=True)
class Drop:
    """Close the connection without an answer."""


@dataclass(frozen=True)
class Raw:
    """Answer 200 with these bytes."""

    body: bytes
    content_type: str = "text/plain; charset=utf-8"


Fault = Status | Hang | Cut | Html | Empty | Undated | Unknown | Drop | Raw


@dataclass
class Review:
    """A review as a store holds it."""

    id: str
    written_at: datetime
    stars: int
    body: str
    title: str = ""
    version: str = "7.1.0"
    author: str = "Camille"
    author_id: str = ""
    reply: str | None = None
    replied_at: datetime | None = None
    thumbs: int = 0


@dataclass(frozen=True)
class Request:
    """A request that came in: its number (from 0), method, path with query, headers and body."""

    number: int
    method: str
    path: str
    headers: dict[str, str]
    body: str = ""


class FakeStore:
    """What both stores share: the server, its log, its faults and its reviews (newest first)."""

    def __init__(self) -> None:
        self.reviews: list[Review] = []
        self.requests: list[Request] = []
        self.before: Callable[[Request], None] | None = None
        self.script: Callable[[Request], Fault | None] | None = None
        self._planned: list[list[Any]] = []
        self._lock = threading.RLock()
        self._closing = threading.Event()
        store = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Head and body in one packet, or each answer waits 40 ms for an acknowledgement.
            wbufsize = 1 << 16

            def do_GET(self) -> None:
                store._handle(self, "")

            def do_POST(self) -> None:
                length = int(self.headers.get("content-length") or 0)
                store._handle(self, self.rfile.read(length).decode())

            def do_DELETE(self) -> None:
                store._handle(self, "")

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing: tests read `requests`."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # State

    def add(self, review: Review) -> None:
        """Put a review where its date belongs (newest first)."""
        with self._lock:
            self.reviews.append(review)
            self.reviews.sort(key=lambda one: (one.written_at, one.id), reverse=True)

    def delete(self, review_id: str) -> None:
        with self._lock:
            self.reviews = [review for review in self.reviews if review.id != review_id]

    def edit(self, review_id: str, **changes: Any) -> None:
        """Change a review; with a new `written_at` it moves to the top, as in the stores."""
        with self._lock:
            self.reviews = [replace(one, **changes) if one.id == review_id else one for one in self.reviews]
            self.reviews.sort(key=lambda one: (one.written_at, one.id), reverse=True)

    def fail(self, fault: Fault, *, times: int = 1, path: str = "", after: int = 0) -> None:
        """Answer the next `times` requests whose path holds `path` with the fault, after `after` good ones."""
        with self._lock:
            self._planned.append([fault, times, path, after])

    def paths(self) -> list[str]:
        return [request.path for request in self.requests]

    def _fault(self, request: Request) -> Fault | None:
        if self.script is not None and (fault := self.script(request)) is not None:
            return fault
        for plan in self._planned:
            fault, times, path, after = plan
            if path not in request.path or times <= 0:
                continue
            if after > 0:
                plan[3] -= 1
                continue
            plan[1] -= 1
            return fault  # type: ignore[no-any-return]
        return None

    # HTTP

    def _handle(self, handler: BaseHTTPRequestHandler, body: str) -> None:
        with self._lock:
            request = Request(len(self.requests), handler.command, handler.path, _lower(handler), body)
            self.requests.append(request)
            if self.before is not None:
                self.before(request)
            fault = self._fault(request)
            status, headers, content = self._answer(request, fault)
        if isinstance(fault, Hang):
            self._closing.wait(fault.seconds)
            handler.close_connection = True
            return
        if isinstance(fault, Drop):
            handler.close_connection = True
            return
        length = len(content)
        if isinstance(fault, Cut):
            content = content[: int(length * fault.share)]
            length = len(content) if fault.honest else length
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            handler.send_response(status)
            for name, value in headers:
                handler.send_header(name, value)
            handler.send_header("content-length", str(length))
            handler.end_headers()
            handler.wfile.write(content)
        if isinstance(fault, Cut) and not fault.honest:
            handler.close_connection = True

    def _answer(self, request: Request, fault: Fault | None) -> tuple[int, list[tuple[str, str]], bytes]:
        if isinstance(fault, Status):
            return fault.code, list(fault.headers), fault.body.encode()
        if isinstance(fault, Html):
            return 200, [("content-type", "text/html; charset=utf-8")], fault.body.encode()
        if isinstance(fault, Raw):
            return 200, [("content-type", fault.content_type)], fault.body
        return self.respond(request, fault)

    def respond(self, request: Request, fault: Fault | None) -> tuple[int, list[tuple[str, str]], bytes]:
        raise NotImplementedError


def _lower(handler: BaseHTTPRequestHandler) -> dict[str, str]:
    return {name.lower(): value for name, value in handler.headers.items()}


def some_reviews(
    count: int,
    *,
    seed: int = 1,
    newest: datetime | None = None,
    apart: timedelta = timedelta(hours=3),
    play: bool = False,
) -> list[Review]:
    """Return made-up reviews, newest first, the same for the same seed; with uuids for Play, numbers for Apple."""
    draw = random.Random(seed)
    newest = newest or datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
    reviews = []
    for index in range(count):
        identity = str(uuid.UUID(int=draw.getrandbits(128), version=4)) if play else str(9_000_000_000 - index * 7)
        reviews.append(
            Review(
                id=identity,
                written_at=newest - index * apart,
                stars=draw.randint(1, 5),
                title=f"Titre {index}",
                body=f"Avis {index} : connexion impossible & « lent » <b>",
                version=draw.choice(["7.0.2", "7.1.0", "7.2.0"]),
                author=f"Client {index}",
                author_id=str(100_000 + index),
                thumbs=draw.randint(0, 9),
            )
        )
    return reviews


class FakeAppStore(FakeStore):
    """Apple's feed (both forms of the address, JSON and XML) and its lookup, for one app in one storefront."""

    PAGE = 50
    PAGES = 10

    def __init__(self, app_id: str = "123456789", storefront: str = "fr", reviews: list[Review] | None = None) -> None:
        super().__init__()
        self.app_id = app_id
        self.storefront = storefront
        self.reviews = list(reviews or [])
        self.name = "Ma Banque"
        self.ratings = 1000
        self.average = 4.2
        self.version = "7.2.0"
        self.released_at = "2026-11-10T08:00:00Z"
        self.app_entry_first = False

    def respond(self, request: Request, fault: Fault | None) -> tuple[int, list[tuple[str, str]], bytes]:
        parts = urlsplit(request.path)
        if parts.path == "/lookup":
            return self._lookup(parse_qs(parts.query), fault)
        feed = re.fullmatch(r"/([a-z]{2})/rss/customerreviews/(.+)/(json|xml)", parts.path)
        if not feed:
            return 404, [], b""
        page, identity = re.search(r"page=(\d+)", feed[2]), re.search(r"id=(\d+)", feed[2])
        assert page is not None
        assert identity is not None
        known = identity[1] == self.app_id and feed[1] == self.storefront and not isinstance(fault, Unknown)
        number = int(page[1])
        rows = self.reviews[(number - 1) * self.PAGE : number * self.PAGE] if number <= self.PAGES and known else []
        if isinstance(fault, Empty):
            rows = []
        if feed[3] == "xml":
            content = self._xml(number, rows, known).encode()
            return 200, [("content-type", "text/xml; charset=UTF-8")], content
        content = json.dumps(self._json(number, rows, known, dated=not isinstance(fault, Undated))).encode()
        return 200, [("content-type", "text/javascript; charset=utf-8")], content

    def _links(self, number: int, known: bool) -> list[tuple[str, str]]:
        last = max(1, min(self.PAGES, -(-len(self.reviews) // self.PAGE)))
        base = f"https://mzstoreservices-int-st.itunes.apple.com/{self.storefront}/rss/customerreviews"
        tail = f"id={self.app_id}/sortby=mostrecent/xml?urlDesc=/customerreviews/page=77/id={self.app_id}/json"
        links = [
            ("alternate", f"https://music.apple.com/WebObjects/MZStore.woa/wa/viewGrouping?cc={self.storefront}"),
            ("first", f"{base}/page=1/{tail}"),
            ("last", f"{base}/page={last}/{tail}"),
            ("next", f"{base}/page={min(last, number + 1)}/{tail}"),
        ]
        return [*links, ("self", f"{base}/id={self.app_id}/json")] if known else links

    def _json(self, number: int, rows: list[Review], known: bool, *, dated: bool) -> dict[str, Any]:
        entries: list[dict[str, Any]] = [self._json_entry(row, dated) for row in rows]
        if self.app_entry_first and number == 1:
            entries.insert(0, {"im:name": {"label": self.name}, "im:artist": {"label": "Banque"}, "id": {"label": "x"}})
        feed: dict[str, Any] = {
            "author": {"name": {"label": "iTunes Store"}},
            "updated": {"label": "2026-11-20T00:00:00-07:00"},
            "link": [{"attributes": {"rel": rel, "href": href}} for rel, href in self._links(number, known)],
        }
        if entries:
            feed["entry"] = entries[0] if len(entries) == 1 else entries
        return {"feed": feed}

    def _json_entry(self, row: Review, dated: bool) -> dict[str, Any]:
        entry: dict[str, Any] = {
            "author": {
                "uri": {"label": f"https://itunes.apple.com/{self.storefront}/reviews/id{row.author_id}"},
                "name": {"label": row.author},
                "label": "",
            },
            "im:version": {"label": row.version},
            "im:rating": {"label": str(row.stars)},
            "id": {"label": row.id},
            "title": {"label": row.title},
            "content": {"label": row.body, "attributes": {"type": "text"}},
            "link": {"attributes": {"rel": "related", "href": f"https://itunes.apple.com/review?id={self.app_id}"}},
            "im:voteSum": {"label": str(row.thumbs)},
            "im:contentType": {"attributes": {"term": "Application", "label": "Application"}},
            "im:voteCount": {"label": str(row.thumbs)},
        }
        if dated:
            entry["updated"] = {"label": row.written_at.astimezone(APPLE_TIME).isoformat(timespec="seconds")}
        return entry

    def _xml(self, number: int, rows: list[Review], known: bool) -> str:
        links = "".join(
            f"<link rel={quoteattr(rel)} href={quoteattr(href)}/>" for rel, href in self._links(number, known)
        )
        entries = "".join(self._xml_entry(row) for row in rows)
        return (
            '<?xml version="1.0" encoding="utf-8"?>\n<feed xmlns:im="http://itunes.apple.com/rss" '
            f'xmlns="http://www.w3.org/2005/Atom" xml:lang="fr"><id>x</id>{links}{entries}</feed>'
        )

    def _xml_entry(self, row: Review) -> str:
        return (
            f"<entry><updated>{row.written_at.astimezone(APPLE_TIME).isoformat(timespec='seconds')}</updated>"
            f"<id>{row.id}</id><title>{escape(row.title)}</title><content type='text'>{escape(row.body)}</content>"
            f"<im:voteSum>{row.thumbs}</im:voteSum><im:rating>{row.stars}</im:rating>"
            f"<im:version>{escape(row.version)}</im:version><author><name>{escape(row.author)}</name>"
            f"<uri>https://itunes.apple.com/fr/reviews/id{row.author_id}</uri></author>"
            f"<link rel='related' href='https://itunes.apple.com/review?id={self.app_id}'/>"
            f"<content type='html'>{escape('<table>' + row.body + '</table>')}</content></entry>"
        )

    def _lookup(self, query: dict[str, list[str]], fault: Fault | None) -> tuple[int, list[tuple[str, str]], bytes]:
        known = query.get("id") == [self.app_id] and query.get("country") == [self.storefront]
        results: list[dict[str, Any]] = []
        if known and not isinstance(fault, Unknown | Empty):
            results = [
                {
                    "wrapperType": "software",
                    "trackId": int(self.app_id),
                    "trackName": self.name,
                    "sellerName": "Banque SA",
                    "bundleId": "com.example.bank",
                    "averageUserRating": self.average,
                    "userRatingCount": self.ratings,
                    "version": self.version,
                    "currentVersionReleaseDate": self.released_at,
                    "releaseNotes": "Corrections.",
                }
            ]
        content = json.dumps({"resultCount": len(results), "results": results}).encode()
        return 200, [("content-type", "text/javascript; charset=utf-8")], content


@dataclass
class PlayState:
    """The counters that the app's page shows."""

    name: str = "Ma Banque"
    average: float | None = 4.1
    ratings: int | None = 12_345
    reviews: int | None = 2_345
    histogram: tuple[int, ...] = (500, 300, 700, 2_845, 8_000)
    version: str | None = "7.2.0"
    updated: int | None = 1_794_900_000
    notes: str = "Corrections.<br>Nouveautés"


class FakePlay(FakeStore):
    """Google Play's review call (tokens are places in the list, kept by date and id) and its app page.

    `circle` makes the last page's token lead to the first page again; `gateway_error`, `status_error` are bodies
    for `Raw`.
    """

    gateway_error: ClassVar[bytes] = (
        b')]}\'\n\n[["wrb.fr","oCPfdb",null,null,null,[7,null,[["type.googleapis.com/'
        b'com.google.play.gateway.proto.PlayGatewayError",[]]]],"generic"]]'
    )

    def __init__(self, app_id: str = "com.example.bank", lang: str = "fr", reviews: list[Review] | None = None) -> None:
        super().__init__()
        self.app_id = app_id
        self.lang = lang
        self.reviews = list(reviews or [])
        self.page = PlayState()
        self.circle = False
        self.refused_tokens: set[str] = set()
        self.given_tokens: list[str] = []
        self.row: Callable[[list[Any]], Any] = lambda row: row

    @staticmethod
    def status_error(status: int) -> bytes:
        return f')]}}\'\n\n[["wrb.fr","oCPfdb",null,null,null,[{status}],"generic"]]'.encode()

    def respond(self, request: Request, fault: Fault | None) -> tuple[int, list[tuple[str, str]], bytes]:
        parts = urlsplit(request.path)
        query = parse_qs(parts.query)
        if parts.path == "/store/apps/details":
            if query.get("id") != [self.app_id] or isinstance(fault, Unknown):
                return 404, [], b"<html>not found</html>"
            return 200, [("content-type", "text/html; charset=utf-8")], self._details().encode()
        if parts.path != "/_/PlayStoreUi/data/batchexecute":
            return 404, [], b""
        call = json.loads(parse_qs(request.body)["f.req"][0])[0][0]
        assert call[0] == "oCPfdb"
        arguments = json.loads(call[1])
        wanted, (app_id, _) = arguments[1], arguments[2]
        assert wanted[1] == 2, "newest first is asked for"
        count, token = wanted[2][0], wanted[2][2] if len(wanted[2]) > 2 else None
        headers = [("content-type", "application/json; charset=utf-8"), ("set-cookie", "NID=511=abc; Path=/")]
        if app_id != self.app_id or isinstance(fault, Unknown):
            return 200, headers, self.status_error(5)
        if token in self.refused_tokens:
            return 200, headers, self.status_error(3)
        if isinstance(fault, Empty) or query.get("hl") != [self.lang]:
            return 200, headers, self._envelope([])
        return 200, headers, self._envelope(self._rows(count, token))

    def _rows(self, count: int, token: str | None) -> list[Any]:
        place = (9e18, "~")
        if token is not None:
            seconds, _, identity = token.partition("|")
            place = (float(seconds), identity)
        older = [one for one in self.reviews if (one.written_at.timestamp(), one.id) < place]
        rows = older[:count]
        if not rows:
            return []
        payload: list[Any] = [[self.row(self._play_row(row)) for row in rows]]
        following = f"{rows[-1].written_at.timestamp()}|{rows[-1].id}"
        if len(older) > count:
            payload.append([None, following])
            self.given_tokens.append(following)
        elif self.circle:
            payload.append([None, f"{9e18}|~"])
        return payload

    def _play_row(self, row: Review) -> list[Any]:
        reply = None
        if row.reply is not None:
            assert row.replied_at is not None
            reply = ["Banque", row.reply, [int(row.replied_at.timestamp()), 0]]
        picture = [None, 2, None, [None, None, "https://play-lh.googleusercontent.com/a/x"]]
        seconds = int(row.written_at.timestamp())
        return [row.id, [row.author, picture], row.stars, None, row.body or None, [seconds, 123_000_000],
                row.thumbs, reply, None, None, row.version or None]  # fmt: skip

    def _envelope(self, payload: list[Any]) -> bytes:
        frames = [["wrb.fr", "oCPfdb", json.dumps(payload), None, None, None, "generic"], ["di", 54]]
        return (")]}'\n\n" + json.dumps(frames)).encode()

    def _details(self) -> str:
        state = self.page
        about: list[Any] = [None] * 150
        about[0] = [state.name]
        if state.ratings is not None:
            stars = [None, *([None, count] for count in state.histogram)]
            about[51] = [["4,1", state.average], stars, ["", state.ratings], ["", state.reviews]]
        about[68] = ["Banque SA"]
        about[140] = [[[state.version]]]
        about[144] = [None, [None, state.notes]]
        about[145] = [["10 nov. 2026", [state.updated]]]
        data = json.dumps([None, [None, None, about]])
        script = f"AF_initDataCallback({{key: 'ds:5', hash: '8', data:{data}, sideChannel: {{}}}});"
        return f"<!doctype html><html><title>{html.escape(state.name)}</title><script nonce=x>{script}</script></html>"


class RecordedStore(FakeStore):
    """Serves recorded bytes by a function from path to bytes (None: 404)."""

    def __init__(self, answer: Callable[[str], bytes | None]) -> None:
        super().__init__()
        self._recorded = answer

    def respond(self, request: Request, fault: Fault | None) -> tuple[int, list[tuple[str, str]], bytes]:
        content = self._recorded(request.path)
        return (404, [], b"") if content is None else (200, [("content-type", "text/plain; charset=utf-8")], content)
