"""Rows from quarantine read once more: by the same parser as their source's, after it was mended."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from collectors import apple_feed, play_api_format, play_console_csv, play_format
from collectors.connect_format import Listing
from collectors.connect_format import read_reviews as read_connect
from collectors.file_import import Reader
from collectors.file_mapping import Column
from collectors.file_mapping import Mapping as Columns
from collectors.tables import EXTRA, Layout
from collectors.values import RowFault
from models.records import RatingRecord, VerbatimRecord

Config = Mapping[str, Any]
Read = VerbatimRecord | RatingRecord


def replay(kind: str, config: Config, raw: bytes) -> Read:
    """Read one quarantined row of a source of this kind. Raises RowFault with the reason where it still cannot be."""
    reader = _READERS.get(kind)
    if reader is None:
        raise RowFault("rows of this kind of source are read again by reading the source again")
    try:
        return reader(config, raw)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise RowFault(f"the row cannot be read ({type(error).__name__})") from error


def _json(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise RowFault("the bytes that were kept are no whole row") from error


def _only(good: list[VerbatimRecord], bad: list[str]) -> VerbatimRecord:
    if not good:
        raise RowFault(bad[0] if bad else "the row holds no review")
    return good[0]


def _feed(config: Config, raw: bytes) -> Read:
    storefront = str(config.get("storefront") or "")
    if raw.lstrip().startswith(b"<"):
        body = b'<feed xmlns="http://www.w3.org/2005/Atom">' + raw + b"</feed>"
        page = apple_feed.read_xml(body, storefront)
    else:
        page = apple_feed.read_json(json.dumps({"feed": {"entry": [_json(raw)]}}).encode(), storefront)
    rows = [*page.quarantined, *page.undated.values()]
    return _only(page.verbatims, [row.reason for row in rows])


def _play(config: Config, raw: bytes) -> Read:
    return play_format.review(_json(raw), str(config.get("lang") or ""), str(config.get("app_id") or ""))


def _play_api(config: Config, raw: bytes) -> Read:
    return play_api_format.review(_json(raw), str(config.get("app_id") or ""))


def _connect(config: Config, raw: bytes) -> Read:
    good, bad = read_connect(Listing([_json(raw)], {}, None, None))
    return _only(good, [row.reason for row in bad])


def _export(config: Config, raw: bytes) -> Read:
    row = _json(raw)
    if not isinstance(row, dict):
        raise RowFault("the bytes that were kept are no whole row")
    found = (
        play_console_csv.rating(row)
        if "total average rating" in row
        else play_console_csv.review(row, str(config.get("app_id") or ""))
    )
    if found is None:
        raise RowFault("the row holds no review")
    return found


def _file(config: Config, raw: bytes) -> Read:
    """A row of a file that may be gone: the columns mean what they were taken for then, or what was corrected since."""
    row = _json(raw)
    columns = config.get("map")
    if not isinstance(row, dict) or not isinstance(columns, dict):
        raise RowFault("the bytes that were kept are no whole row")
    if "…" in row:
        row[EXTRA] = row.pop("…")
    mapping = Columns(
        tuple(Column(str(name), str(field)) for name, field in columns.items()),
        Layout("jsonl", False),
        bool(config.get("day_first", True)),
    )
    zone = ZoneInfo(str(config.get("zone") or "Europe/Paris"))
    return Reader(mapping, zone, datetime.now(UTC), config.get("storefront"), config.get("lang")).record(row)


_READERS: dict[str, Callable[[Config, bytes], Read]] = {
    "app_store_feed": _feed,
    "app_store_connect": _connect,
    "google_play": _play,
    "google_play_api": _play_api,
    "play_console_csv": _export,
    "play_console_bucket": _export,
    "file": _file,
}
