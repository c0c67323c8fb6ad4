"""What Google Play answers: review pages by batchexecute, and the app's page with its data arrays.

Source: the paths that google-play-scraper 1.2.7 reads (constants/element.py) and its request format.
"""

import base64
import html
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qs

from app.demo.facts import RatingCount, Release, Review

PAGE = 199
RPC = "oCPfdb"


@dataclass(frozen=True, slots=True)
class Ask:
    """One request for reviews: which app, how many, after which token, of which stars."""

    package: str
    count: int
    token: str | None
    stars: int | None


def read_ask(body: str) -> Ask:
    """Read `f.req` of a batchexecute request. Raises ValueError on anything else."""
    try:
        (request,) = parse_qs(body)["f.req"]
        rpc, inner = json.loads(request)[0][0][:2]
        if rpc != RPC:
            raise ValueError(f"not a request for reviews: {rpc}")
        query = json.loads(inner)
        _, _, paging, *rest = query[1]
        token = paging[2] if len(paging) > 2 else None
        stars = rest[1][1] if len(rest) > 1 and rest[1] else None
        return Ask(query[2][0], int(paging[0]), token, stars)
    except (KeyError, IndexError, TypeError, json.JSONDecodeError) as error:
        raise ValueError("not a batchexecute request") from error


def token_after(shown: datetime, review_id: str) -> str:
    """An opaque token for what comes after this review."""
    raw = f"{int(shown.timestamp() * 1_000_000)}|{review_id}".encode()
    return "Ct" + base64.urlsafe_b64encode(raw).decode().rstrip("=")


def read_token(token: str) -> tuple[int, str]:
    """Microseconds and review id of a token. Raises ValueError on a made-up one."""
    padded = token.removeprefix("Ct") + "=" * (-len(token.removeprefix("Ct")) % 4)
    micros, _, identity = base64.urlsafe_b64decode(padded).decode().partition("|")
    return int(micros), identity


def review_page(reviews: Sequence[tuple[datetime, Review]], token: str | None) -> bytes:
    """The answer with these reviews; no reviews is an empty array, as the real one has it."""
    if not reviews:
        return _envelope("[]")
    rows = [_row(shown, review) for shown, review in reviews]
    # the token stands in the last-but-one element, which the caller reads; without one it is an empty array there
    payload = [rows, [None, token], None] if token else [rows, [], None]
    return _envelope(json.dumps(payload, ensure_ascii=False, separators=(",", ":")))


def error_page(code: int = 3) -> bytes:
    """The answer to a request it cannot serve: no payload and an error code."""
    return b")]}'\n\n" + json.dumps([["wrb.fr", RPC, None, None, None, [code], "generic"]]).encode()


def _envelope(payload: str) -> bytes:
    outer = [["wrb.fr", RPC, payload, None, None, None, "generic"], ["di", 54], ["af.httprm", 54, "-123", 8]]
    return b")]}'\n\n" + json.dumps(outer, ensure_ascii=False, separators=(",", ":")).encode()


def _row(shown: datetime, review: Review) -> list[object]:
    portrait = f"https://play-lh.googleusercontent.com/a/{review.author_id:x}"
    reply: list[object] | None = None
    if review.reply is not None and review.replied_at is not None:
        reply = ["Banque Mésange", review.reply, [int(review.replied_at.timestamp()), 0]]
    nanos = review.author_id % 1000 * 1_000_000
    return [
        review.id,
        [review.author, [None, 2, None, [None, None, portrait]]],
        review.stars,
        None,
        review.body,
        [int(shown.timestamp()), nanos],
        review.thumbs_up,
        reply,
        None,
        None,
        review.version,
    ]


def details_page(name: str, locale: str, *, release: Release, rating: RatingCount, reviews: int) -> bytes:
    """The app's page: HTML whose ds:5 array holds what the store shows."""
    french = locale.startswith("fr")
    notes = release.notes_fr if french else release.notes_en
    summary = (
        "Vos comptes, cartes et virements, partout." if french else "Your accounts, cards and transfers, anywhere."
    )
    app: list[object] = [None] * 146
    app[0] = [name]
    app[9] = ["PEGI 3", None, [None, "PEGI 3"]]
    app[10] = ["12 mars 2019" if french else "Mar 12, 2019"]
    app[13] = ["500 000+" if french else "500,000+", 500_000, 812_406]
    app[48] = None
    histogram: list[object] = [None, *([str(n), n] for n in rating.histogram)]
    average = rating.average
    app[51] = [
        [f"{average:.1f}".replace(".", "," if french else "."), average],
        histogram,
        [str(rating.count), rating.count],
        [str(reviews), reviews],
    ]
    app[57] = [[[[[None, [[0, "EUR", ""]]]]]]]
    app[68] = [
        "Banque Mésange SA",
        [None, None, None, None, [None, None, "/store/apps/developer?id=Banque+M%C3%A9sange"]],
    ]
    app[69] = [
        [None] * 5 + [[None, None, "https://www.example.com/mesange"]],
        ["appli@example.com"],
        ["1 rue du Nid, Paris"],
    ]
    app[72] = [[None, html.escape(summary)]]
    app[73] = [[None, html.escape(summary)]]
    app[78] = [[]]
    app[79] = [[["Finance", None, "FINANCE"]]]
    app[95] = [[None, None, None, [None, None, "https://play-lh.googleusercontent.com/mesange-icon"]]]
    app[96] = [[None, None, None, [None, None, "https://play-lh.googleusercontent.com/mesange-header"]]]
    app[99] = [[None] * 5 + [[None, None, "https://www.example.com/mesange/donnees"]]]
    app[118] = [[["Finance", None, "FINANCE", None]]]
    app[140] = [[[release.version]], [[[34, "14"]], [[[26, "8.0"]]]]]
    app[144] = [None, [None, html.escape(notes)]]
    day = release.released_at.strftime("%d/%m/%Y" if french else "%b %d, %Y")
    app[145] = [[day, [int(release.released_at.timestamp()), 0]]]
    data = json.dumps([None, [None, None, app]], ensure_ascii=False, separators=(",", ":"))
    page = (
        f'<!doctype html><html lang="{locale}"><head><title>{html.escape(name)} - Google Play</title></head><body>'
        f"<h1>{html.escape(name)}</h1>"
        f"<script nonce=\"x\">AF_initDataCallback({{key: 'ds:4', hash: '1', data:[], sideChannel: {{}}}});</script>"
        f"<script nonce=\"x\">AF_initDataCallback({{key: 'ds:5', hash: '2', data:{data}, sideChannel: {{}}}});</script>"
        "</body></html>"
    )
    return page.encode()


def not_found_page() -> bytes:
    """The page of an app that Google Play does not know (sent with status 404)."""
    return b"<!doctype html><html><body>We're sorry, the requested URL was not found on this server.</body></html>"
