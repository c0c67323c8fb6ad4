"""The Google Play Developer API's reviews: one conversation each, numbers as texts, title and text with a tab between.

Source: Google, discovery document androidpublisher v3 (Review, UserComment, DeveloperComment).
"""

import re
from datetime import datetime
from typing import Any
from urllib.parse import quote

from collectors.base import SourceError
from collectors.file_values import language_code
from collectors.play_format import PLAY
from collectors.values import RowFault, from_epoch, quarantine, small_count, sound, whole_stars
from models.records import QuarantinedRow, VerbatimRecord

# Source: Android, "SDK platform release notes" (API level and name).
_ANDROID = {
    19: "4.4", 20: "4.4W", 21: "5.0", 22: "5.1", 23: "6", 24: "7.0", 25: "7.1", 26: "8.0", 27: "8.1", 28: "9",
    29: "10", 30: "11", 31: "12", 32: "12L", 33: "13", 34: "14", 35: "15", 36: "16",
}  # fmt: skip


def read_reviews(
    document: dict[str, Any], app_id: str
) -> tuple[list[VerbatimRecord], list[QuarantinedRow], str | None]:
    """Read a page and the token of the next one (None: there is none).

    Raises SourceError(format) where it is no list of reviews, or where most of at least three cannot be read.
    """
    items = document.get("reviews", [])
    paging = document.get("tokenPagination") or {}
    if not isinstance(items, list) or not isinstance(paging, dict):
        text = "The Google Play Developer API sent something else than reviews: its format may have changed."
        raise SourceError(text, "format")
    good: list[VerbatimRecord] = []
    bad: list[QuarantinedRow] = []
    for item in items:
        try:
            good.append(review(item, app_id))
        except RowFault as fault:
            bad.append(quarantine(item, str(fault)))
    if len(bad) >= 3 and len(bad) > len(items) / 2:
        text = f"{len(bad)} of {len(items)} reviews of the Google Play Developer API could not be read"
        raise SourceError(f"{text} ({bad[0].reason}).", "format")
    return good, bad, sound(paging.get("nextPageToken")) or None


def review(item: Any, app_id: str) -> VerbatimRecord:
    """Read one review; raise RowFault where it cannot be trusted.

    Its words are the customer's own: where the API translated them, `originalText` and not `text`. The moment is in
    whole seconds, as the public page tells it. A name alone ("Marie", "A Google user") is nobody's identity: no author.
    """
    if not isinstance(item, dict) or not sound(item.get("reviewId")):
        raise RowFault("the review has no id")
    user, developer = _newest(item, "userComment"), _newest(item, "developerComment")
    if user is None:
        raise RowFault("the review has no words of a customer")
    words = user.get("originalText") if sound(user.get("originalText")) else user.get("text")
    if words is not None and not isinstance(words, str):
        raise RowFault("the text is not a text")
    title, tab, body = (words or "").partition("\t")
    if not tab:
        title, body = "", title
    reply = sound(developer.get("text")) if developer else ""
    external_id = sound(item["reviewId"])[:200]
    code, level = user.get("appVersionCode"), user.get("androidOsVersion")
    return VerbatimRecord(
        external_id=external_id,
        written_at=_moment(user, "date"),
        body=sound(body),
        title=sound(title),
        stars=whole_stars(user.get("starRating")),
        locale=language_code(user.get("reviewerLanguage")),
        version=sound(user.get("appVersionName"))[:200] or None,
        build=str(code) if type(code) is int else None,
        device=_device(user),
        os=f"Android {_ANDROID.get(level, f'API {level}')}" if type(level) is int else None,
        reply=reply or None,
        replied_at=_moment_or_none(developer) if reply else None,
        thumbs_up=small_count(user.get("thumbsUpCount")),
        url=f"{PLAY}/store/apps/details?id={app_id}&reviewId={quote(external_id, safe='')}",
    )


def _newest(item: dict[str, Any], kind: str) -> dict[str, Any] | None:
    """The newest comment of this kind: a conversation may hold several."""
    comments = item.get("comments")
    found = [
        told
        for comment in (comments if isinstance(comments, list) else [])
        if isinstance(comment, dict) and isinstance(told := comment.get(kind), dict)
    ]
    return max(found, key=lambda told: _seconds(told) or 0, default=None)


def _device(user: dict[str, Any]) -> str | None:
    """The device's code name, which the monthly exports tell too; else its product name."""
    about = user.get("deviceMetadata")
    product = about.get("productName") if isinstance(about, dict) else None
    return (sound(user.get("device")) or sound(product))[:200] or None


def _seconds(told: dict[str, Any] | None) -> int | None:
    """Seconds since 1970: an int64, which JSON carries as a text."""
    modified = (told or {}).get("lastModified")
    text = sound(modified.get("seconds")) if isinstance(modified, dict) else ""
    return int(text) if re.fullmatch(r"[0-9]{1,12}", text) else None


def _moment(told: dict[str, Any] | None, what: str) -> datetime:
    seconds = _seconds(told)
    if seconds is None:
        raise RowFault(f"the {what} is not a number of seconds")
    return from_epoch(seconds, what)


def _moment_or_none(told: dict[str, Any] | None) -> datetime | None:
    try:
        return _moment(told, "date of the answer")
    except RowFault:
        return None
