"""Google Play's web format, through what google-play-scraper knows of it; requests and judgement are ours.

Importing google_play_scraper 1.2.7 replaces `ssl._create_default_https_context` by an unverified one for the whole
process. It is imported here only, with the default saved before and restored after.
"""

import importlib
import json
import re
import ssl
import threading
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from collectors.base import SourceError
from collectors.values import RowFault, from_epoch, quarantine, small_count, sound
from models.records import QuarantinedRow, VerbatimRecord

PLAY = "https://play.google.com"
NEWEST = 2
LARGEST_PAGE = 199
_IMPORT = threading.Lock()
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_OLD_ID = re.compile(r"gp:[A-Za-z0-9_\-=]{20,200}")
_PACKAGE = re.compile(r"[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z0-9_]+)+")
_ENVELOPE = re.compile(r"^\)\]\}'\s*")


def _guarded_import() -> tuple[Any, Any, Any]:
    with _IMPORT:
        before = ssl._create_default_https_context
        try:
            element = importlib.import_module("google_play_scraper.constants.element")
            request = importlib.import_module("google_play_scraper.constants.request")
            regex = importlib.import_module("google_play_scraper.constants.regex")
        finally:
            ssl._create_default_https_context = before
    return element, request, regex


_element, _request, _regex = _guarded_import()
REVIEW: dict[str, Any] = _element.ElementSpecs.Review
DETAIL: dict[str, Any] = _element.ElementSpecs.Detail
# The library keeps this one commented out; its place has held since.
RECENT_CHANGES = _element.ElementSpec(5, [1, 2, 144, 1, 1], _element.unescape_text)


def package_name(app_id: str) -> str:
    """Return the package name if it is one (it goes into a hand-made payload); raise ValueError otherwise."""
    if len(app_id) > 200 or not _PACKAGE.fullmatch(app_id):
        raise ValueError(f"a Google Play app is named like com.example.app, not {app_id!r}")
    return app_id


def language(lang: str) -> str:
    """Return a language as the store takes it (fr, pt-BR); raise ValueError otherwise."""
    if not re.fullmatch(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,4})?", lang):
        raise ValueError(f"a language is written like fr or pt-BR, not {lang!r}")
    return lang


def _moved(url: str, base_url: str) -> str:
    return base_url.rstrip("/") + url.removeprefix(_request.PLAY_STORE_BASE_URL)


def reviews_request(
    app_id: str, *, lang: str, gl: str, count: int, token: str | None, base_url: str
) -> tuple[str, bytes]:
    """Return address and body of the request for a page of reviews, newest first."""
    safe = None if token is None else _nested(token)
    url = _moved(_request.Formats.Reviews.build(lang=lang, country=gl), base_url)
    body: bytes = _request.Formats.Reviews.build_body(app_id, NEWEST, count, "null", "null", safe)
    return url, body


def _nested(token: str) -> str:
    """Write the token for a JSON text within a JSON text within a form, whatever Google puts into it."""
    return quote(json.dumps(json.dumps(token)[1:-1])[1:-1], safe="")


def details_url(app_id: str, lang: str, gl: str, base_url: str) -> str:
    """Return the address of the app's page."""
    return _moved(_request.Formats.Detail.build(app_id=app_id, lang=lang, country=gl), base_url)


def read_reviews(body: bytes) -> tuple[list[Any], str | None]:
    """Read the rows and the token of the next page (None: there is none).

    Raises SourceError: throttled where the gateway says so, gone for an app that is not known, unreachable for an
    error without a reason, format for anything that is no answer to this question (a captcha, a cut, a change).
    """
    text = body.decode("utf-8", errors="replace")
    frame = _frame(text)
    if frame[2] is None:
        raise _refusal(frame)
    try:
        payload = json.loads(frame[2])
    except (ValueError, TypeError, RecursionError) as error:
        raise _unknown(text) from error
    if not isinstance(payload, list):
        raise _unknown(text)
    rows = payload[0] if payload else []
    if rows is None:
        rows = []
    if not isinstance(rows, list):
        raise _unknown(text)
    return rows, _token(payload)


def _frame(text: str) -> list[Any]:
    """Find the answer to our call among the frames of the envelope."""
    try:
        document = json.loads(_ENVELOPE.sub("", text, count=1))
    except (ValueError, RecursionError) as error:
        raise _unknown(text) from error
    frames = document if isinstance(document, list) else []
    for frame in frames:
        if isinstance(frame, list) and len(frame) >= 3 and frame[0] == "wrb.fr":
            return frame
    raise _unknown(text)


def _refusal(frame: list[Any]) -> SourceError:
    """Read the status of an answer without a payload (numbers as in google.rpc.Code)."""
    if "PlayGatewayError" in json.dumps(frame[3:]):
        return SourceError("Google Play's gateway turns us away for now (PlayGatewayError).", "throttled")
    status = next((part[0] for part in frame[3:] if isinstance(part, list) and part and type(part[0]) is int), None)
    if status == 5:
        return SourceError("Google Play does not know this app.", "gone")
    if status in {8, 7}:
        return SourceError("Google Play turns us away for now (too many requests).", "throttled")
    said = f" (status {status})" if status is not None else ""
    return SourceError(f"Google Play answered with an error instead of reviews{said}.", "unreachable")


def _unknown(text: str) -> SourceError:
    seen = "a web page (a captcha or a consent page?)" if text.lstrip().startswith("<") else "something unreadable"
    return SourceError(
        f"Google Play sent {seen} instead of reviews; its format may have changed.", "format", excerpt=text[:300]
    )


def _token(payload: Sequence[Any]) -> str | None:
    """The token stands last in the second element; rows come first and are never looked at."""
    for part in payload[1:]:
        if isinstance(part, list) and part and isinstance(part[-1], str) and part[-1]:
            return part[-1]
    return None


def _take(name: str, row: list[Any]) -> Any:
    return REVIEW[name].extract_content(row)


def review(row: Any, lang: str, app_id: str) -> VerbatimRecord:
    """Read one row; raise RowFault with the reason where it cannot be trusted.

    Moments are read from the raw unix seconds: the library's own are local and naive.
    """
    if not isinstance(row, list):
        raise RowFault("the row is not a list")
    external_id = _take("reviewId", row)
    if not isinstance(external_id, str) or not (_UUID.fullmatch(external_id) or _OLD_ID.fullmatch(external_id)):
        raise RowFault(f"the id {sound(external_id)[:40]!r} is not one of Google Play's")
    stars = _take("score", row)
    if type(stars) is not int or not 1 <= stars <= 5:
        raise RowFault(f"the stars {sound(stars)[:20]!r} are not 1 to 5")
    text = _take("content", row)
    if text is not None and not isinstance(text, str):
        raise RowFault("the text is not a text")
    reply, replied_at = _reply(row)
    version = _take("appVersion", row)
    return VerbatimRecord(
        external_id=external_id,
        written_at=from_epoch(_at(row, 5, 0)),
        body=sound(text),
        stars=stars,
        locale=lang.replace("_", "-"),
        version=sound(version) or None if isinstance(version, str) else None,
        author=_author(row),
        reply=reply,
        replied_at=replied_at,
        thumbs_up=small_count(_take("thumbsUpCount", row)),
        url=f"{PLAY}/store/apps/details?id={app_id}&reviewId={quote(external_id, safe='')}",
    )


def _author(row: list[Any]) -> str | None:
    """The name with the portrait's address: a name alone ("Marie", "A Google user") belongs to many."""
    parts = (_take("userName", row), _take("userImage", row))
    return " ".join(sound(part) for part in parts if isinstance(part, str) and sound(part)) or None


def _reply(row: list[Any]) -> tuple[str | None, datetime | None]:
    """The developer's answer and its moment; an answer whose moment cannot be read is kept without it."""
    text = _take("replyContent", row)
    if not isinstance(text, str) or not sound(text):
        return None, None
    try:
        return sound(text), from_epoch(_at(row, 7, 2, 0))
    except RowFault:
        return sound(text), None


def _at(row: Any, *indexes: int) -> Any:
    for index in indexes:
        if not isinstance(row, list) or index >= len(row):
            return None
        row = row[index]
    return row


def review_rows(rows: list[Any], lang: str, app_id: str) -> tuple[list[VerbatimRecord], list[QuarantinedRow]]:
    """Read a page of rows; raise SourceError(format) where the rows as a whole are not what they were.

    A field that moved shows as the same fault on every row, or as texts missing everywhere: that is no quarantine but
    a change of the format, and silence about it would look like calm.
    """
    good: list[VerbatimRecord] = []
    bad: list[QuarantinedRow] = []
    for row in rows:
        try:
            good.append(review(row, lang, app_id))
        except RowFault as fault:
            bad.append(quarantine(row, str(fault)))
    if len(bad) >= 3 and len(bad) > len(rows) / 2:
        raise SourceError(
            f"{len(bad)} of {len(rows)} rows of Google Play could not be read ({bad[0].reason}): its format has "
            "probably changed.",
            "format",
        )
    if len(good) >= 20 and not any(record.body for record in good):
        raise SourceError("Google Play's reviews came without any text: its format has probably changed.", "format")
    return good, bad


def details_data(page: str) -> dict[str, Any]:
    """Collect the data sets (ds:5, …) that the app's page carries in its scripts; unreadable ones are left out."""
    found: dict[str, Any] = {}
    for script in _regex.Regex.SCRIPT.findall(page):
        key, value = _regex.Regex.KEY.findall(script), _regex.Regex.VALUE.findall(script)
        if key and value:
            try:
                found[key[0]] = json.loads(value[0])
            except (ValueError, RecursionError):
                continue
    return found
