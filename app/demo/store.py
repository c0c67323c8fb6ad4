"""A small store on loopback that serves a story in Apple's, Google's and Sentry's formats, up to a clock's now.

The real collectors fetch from it over real HTTP. What was written after `clock()` does not exist yet, so moving the
clock on lets the story happen.
"""

import re
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

from app.demo import apple_format, play_format
from app.demo.crashes import Crashes
from app.demo.facts import RatingCount, Review, Story
from app.demo.plot import Channel
from app.demo.sentry_format import SentryDesk

_MICROSECOND = timedelta(microseconds=1)
_FEED = re.compile(r"/(?:(?P<cc>[a-z]{2})/)?rss/(?P<path>customerreviews/(?P<options>.*)/(?P<form>json|xml))")
_BODY_LIMIT = 100_000


class _Corpus:
    """The reviews of one storefront or language, by the moment they show (an edit moves a review to its own day)."""

    def __init__(self, reviews: list[Review]) -> None:
        shown = [(r.edited_at or r.written_at, r.id, r) for r in reviews]
        was = [(r.written_at, r.id, r) for r in reviews if r.edited_at is not None]
        self._all = sorted([*shown, *was], key=lambda item: (item[0], item[1]))
        self._keys = [(moment, identity) for moment, identity, _ in self._all]

    def newest(
        self, now: datetime, limit: int, before: tuple[datetime, str] | None = None
    ) -> list[tuple[datetime, Review]]:
        """At most `limit` reviews as they stand at `now`, newest first, older than `before`."""
        end = bisect_right(self._keys, (now, "\U0010ffff"))
        if before is not None:
            end = min(end, bisect_left(self._keys, before))
        found: list[tuple[datetime, Review]] = []
        for at in range(end - 1, -1, -1):
            moment, _, review = self._all[at]
            if review.edited_at is not None and moment < review.edited_at <= now:
                continue  # it shows at the day of its edit
            standing = review.as_of(now)
            if standing is not None:
                found.append((moment, standing))
            if len(found) == limit:
                break
        return found

    def count(self, now: datetime) -> int:
        """How many reviews were written by then."""
        return sum(1 for moment, _, r in self._all if moment == r.written_at and moment <= now)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is nobody's concern; anything else is told as usual."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class DemoStore:
    """The store: `start()`, then ask `url` what you would ask itunes.apple.com and play.google.com.

    `clock` gives the aware UTC moment up to which the story has happened. `requests` counts what was answered.
    """

    def __init__(
        self, story: Story, clock: Callable[[], datetime], host: str = "127.0.0.1", port: int = 0, seed: int = 7
    ) -> None:
        self.story = story
        self._sentry = SentryDesk(Crashes(story, seed), story.package)
        self.requests = 0
        self._clock = clock
        by_place: dict[tuple[Channel, str], list[Review]] = {}
        for review in story.reviews:
            place = review.storefront if review.channel == "app_store" else review.locale
            by_place.setdefault((review.channel, place or ""), []).append(review)
        self._corpora = {place: _Corpus(reviews) for place, reviews in by_place.items()}
        self._ratings = {(r.channel, r.storefront, r.day): r for r in story.ratings}
        self._server = _Server((host, port), _handler(self))
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def url(self) -> str:
        """Base address, for the settings of both stores."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    def start(self) -> "DemoStore":
        """Serve in a thread of its own, until stop()."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop serving and free the port."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def __enter__(self) -> "DemoStore":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def answer_get(self, path: str, query: dict[str, str]) -> tuple[int, str, bytes]:
        """Status, content type and body of a GET."""
        if (feed := _FEED.fullmatch(path)) is not None:
            return self._feed(feed)
        if path == "/lookup" or re.fullmatch(r"/[a-z]{2}/lookup", path):
            country = query.get("country") or (path[1:3] if path != "/lookup" else "us")
            return 200, "text/javascript; charset=utf-8", self._lookup(query, country.lower())
        if path == "/store/apps/details":
            return self._details(query)
        if (page := self._sentry.page(path)) is not None:
            return 200, "text/html; charset=utf-8", page
        return 404, "text/html; charset=utf-8", play_format.not_found_page()

    def answer_sentry(self, path: str, query: dict[str, list[str]], authorization: str) -> tuple[int, str, bytes]:
        """Status, content type and body of a GET under /api/0/."""
        status, body = self._sentry.answer(path, query, authorization, self._clock(), self.url)
        return status, "application/json", body

    def answer_post(self, path: str, query: dict[str, str], body: str) -> tuple[int, str, bytes]:
        """Status, content type and body of a POST."""
        if not path.startswith("/_/PlayStoreUi/data/batchexecute"):
            return 404, "text/html; charset=utf-8", play_format.not_found_page()
        kind = "application/json; charset=utf-8"
        try:
            ask = play_format.read_ask(body)
            before = None
            if ask.token is not None:
                micros, identity = play_format.read_token(ask.token)
                before = (datetime.fromtimestamp(0, UTC) + micros * _MICROSECOND, identity)
        except ValueError:
            return 200, kind, play_format.error_page()
        corpus = self._corpora.get(("google_play", query.get("hl", "en").split("-")[0].split("_")[0].lower()))
        if corpus is None or ask.package != self.story.package:
            return 200, kind, play_format.review_page([], None)
        size = max(1, min(ask.count, play_format.PAGE))
        now = self._clock()
        if ask.stars is None:
            found = corpus.newest(now, size + 1, before)
        else:
            found = [f for f in corpus.newest(now, 10**9, before) if f[1].stars == ask.stars][: size + 1]
        page = found[:size]
        token = play_format.token_after(page[-1][0], page[-1][1].id) if len(found) > size else None
        return 200, kind, play_format.review_page(page, token)

    def _feed(self, feed: re.Match[str]) -> tuple[int, str, bytes]:
        options = dict(part.partition("=")[::2] for part in feed["options"].lower().split("/"))
        page = int(options.get("page", "1")) if options.get("page", "1").isdigit() else 1
        app_id = int(options["id"]) if options.get("id", "").isdigit() else 0
        storefront = feed["cc"] or "us"
        now = self._clock()
        if page > apple_format.PAGES:
            return 400, "text/plain", b"CustomerReviews RSS page depth is limited to 10"
        known = app_id == self.story.app_store_id
        corpus = self._corpora.get(("app_store", storefront)) if known else None
        newest = corpus.newest(now, apple_format.PAGE * apple_format.PAGES) if corpus else []
        last = max(1, -(-len(newest) // apple_format.PAGE))
        shown = newest[(page - 1) * apple_format.PAGE : page * apple_format.PAGE] if page > 0 else []
        answer = apple_format.FeedPage(app_id, storefront, feed["path"], page, last, shown, now, known)
        if feed["form"] == "json":
            return 200, "text/javascript; charset=utf-8", answer.as_json()
        return 200, "application/atom+xml; charset=utf-8", answer.as_xml()

    def _lookup(self, query: dict[str, str], storefront: str) -> bytes:
        story = self.story
        named = query.get("id") == str(story.app_store_id) or query.get("bundleId") == story.package
        now = self._clock()
        rating = self._rating("app_store", storefront, now)
        if not named or rating is None:
            return apple_format.lookup_unknown()
        release = story.current_release("app_store", now)
        first = datetime(2019, 3, 12, 8, tzinfo=UTC)
        return apple_format.lookup(
            story.app_store_id,
            story.name,
            story.package,
            storefront=storefront,
            release=release,
            rating=rating,
            first=first,
        )

    def _details(self, query: dict[str, str]) -> tuple[int, str, bytes]:
        now = self._clock()
        rating = self._rating("google_play", None, now)
        if query.get("id") != self.story.package or rating is None:
            return 404, "text/html; charset=utf-8", play_format.not_found_page()
        release = self.story.current_release("google_play", now)
        reviews = sum(c.count(now) for (channel, _), c in self._corpora.items() if channel == "google_play")
        body = play_format.details_page(
            self.story.name, query.get("hl", "en"), release=release, rating=rating, reviews=reviews
        )
        return 200, "text/html; charset=utf-8", body

    def _rating(self, channel: Channel, storefront: str | None, now: datetime) -> RatingCount | None:
        """The counter as of the last day that was over at `now` (stores are about a day late)."""
        day: date = min(max(now.date() - timedelta(days=1), self.story.first_day), self.story.today)
        return self._ratings.get((channel, storefront, day))


def _handler(store: DemoStore) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        server_version = "demo-store"
        disable_nagle_algorithm = True  # headers and body in two writes would cost 40 ms on a kept connection
        wbufsize = 65_536

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if parts.path.startswith("/api/0/"):
                shown = self.headers.get("Authorization") or ""
                self._send(*store.answer_sentry(parts.path, parse_qs(parts.query), shown))
                return
            self._send(*store.answer_get(parts.path, _query(parts.query)))

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            if length > _BODY_LIMIT:
                self.close_connection = True
                self._send(413, "text/plain", b"too long")
                return
            body = self.rfile.read(length).decode("utf-8", "replace")
            parts = urlsplit(self.path)
            self._send(*store.answer_post(parts.path, _query(parts.query), body))

        def _send(self, status: int, kind: str, body: bytes) -> None:
            store.requests += 1
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            self.wfile.flush()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: the demo tells its own steps."""

    return Handler


def _query(text: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(text).items()}
