"""Apple's customer review feed: its JSON and its XML as one shape.

The feed answers 200 to everything. Its oddities were seen in feeds recorded from 2015 to 2026: a single review is
an object and not a list; no review means no `entry`; an unknown app has no link rel=self; the first entry of older
feeds is the app itself; the JSON of 2020 has no dates while its XML has them; XML carries the text twice (text and
html); links name an internal host and the other format, so that they are read for their page number only.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from xml.etree.ElementTree import Element, ParseError, tostring

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from collectors.base import SourceError
from collectors.values import RowFault, plausible, quarantine, small_count, sound, whole_stars
from models.records import QuarantinedRow, VerbatimRecord

ATOM = "{http://www.w3.org/2005/Atom}"
IM = "{http://itunes.apple.com/rss}"
_APP_ITSELF = ("name", "artist", "price", "image", "releaseDate")
_REVIEWER = re.compile(r"/id([0-9]+)")
_LAST_PAGE = re.compile(r"/page=([0-9]{1,3})(?:/|$|\?)")


@dataclass(slots=True)
class FeedPage:
    """One answer of the feed.

    `undated` holds reviews without a date by id (bytes as they came); `last` is the number of pages the feed claims;
    `known` is False where the answer lacks what every known app has; `app_itself` counts entries that describe the app.
    """

    verbatims: list[VerbatimRecord] = field(default_factory=list)
    undated: dict[str, QuarantinedRow] = field(default_factory=dict)
    quarantined: list[QuarantinedRow] = field(default_factory=list)
    last: int | None = None
    known: bool = False
    app_itself: int = 0

    @property
    def size(self) -> int:
        """How many reviews the answer held, readable or not."""
        return len(self.verbatims) + len(self.undated) + len(self.quarantined)


def read_json(body: bytes, storefront: str) -> FeedPage:
    """Read the JSON form. Raises SourceError(format) where the answer is not a feed."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _no_feed(body, "JSON") from error
    feed = document.get("feed") if isinstance(document, dict) else None
    if not isinstance(feed, dict):
        raise _no_feed(body, "JSON")
    entries = _listed(feed.get("entry"))
    links = {_attribute(link, "rel"): _attribute(link, "href") for link in _listed(feed.get("link"))}
    return _page(((_json_fields(entry), entry) for entry in entries), links, storefront)


def read_xml(body: bytes, storefront: str) -> FeedPage:
    """Read the XML form. Raises SourceError(format) where the answer is not a feed."""
    try:
        root = fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError, RecursionError) as error:
        raise _no_feed(body, "XML") from error
    if root.tag != f"{ATOM}feed":
        raise _no_feed(body, "XML")
    links = {link.get("rel", ""): link.get("href", "") for link in root.findall(f"{ATOM}link")}
    entries = root.findall(f"{ATOM}entry")
    return _page(((_xml_fields(entry), tostring(entry)) for entry in entries), links, storefront)


def _no_feed(body: bytes, form: str) -> SourceError:
    """Say that the answer is not what the feed sends."""
    excerpt = body[:300].decode("utf-8", errors="replace")
    seen = "a web page" if excerpt.lstrip().lower().startswith(("<!doctype", "<html")) else "something unreadable"
    text = f"Apple's feed sent {seen} instead of reviews in {form} (cut off, changed, or a captcha)."
    return SourceError(text, "format", excerpt=excerpt)


def _page(entries: "Iterator[tuple[dict[str, str] | None, Any]]", links: dict[str, str], storefront: str) -> FeedPage:
    """Sort the entries of an answer into reviews, undated reviews, the app itself and the unreadable."""
    page = FeedPage(known="self" in links)
    if found := _LAST_PAGE.search(links.get("last", "")):
        page.last = int(found[1])
    for fields, raw in entries:
        if fields is None:
            page.quarantined.append(quarantine(raw, "the entry is not an object"))
        elif "rating" not in fields and "app itself" in fields:
            page.app_itself += 1
        else:
            _sort_in(page, fields, raw, storefront)
    page.known = page.known or bool(page.size)
    return page


def _sort_in(page: FeedPage, fields: dict[str, str], raw: Any, storefront: str) -> None:
    try:
        external_id = _review_id(fields)
        stars = whole_stars(fields.get("rating"))
        if not fields.get("updated"):
            page.undated[external_id] = quarantine(raw, "the feed gives no date for this review")
            return
        page.verbatims.append(_record(external_id, stars, fields, storefront))
    except RowFault as fault:
        page.quarantined.append(quarantine(raw, str(fault)))


def _review_id(fields: dict[str, str]) -> str:
    external_id = fields.get("id", "")
    if not re.fullmatch(r"[0-9]{1,20}", external_id):
        raise RowFault(f"the id {external_id[:40]!r} is not a number")
    return external_id


def _record(external_id: str, stars: int, fields: dict[str, str], storefront: str) -> VerbatimRecord:
    try:
        moment = datetime.fromisoformat(fields["updated"])
    except ValueError as error:
        raise RowFault(f"the date {fields['updated'][:40]!r} cannot be read") from error
    # The number in the reviewer's address outlives a change of nickname.
    reviewer = _REVIEWER.search(fields.get("author uri", ""))
    return VerbatimRecord(
        external_id=external_id,
        written_at=plausible(moment),
        body=fields.get("content", ""),
        title=fields.get("title", ""),
        stars=stars,
        storefront=storefront,
        version=fields.get("version") or None,
        author=(f"id{reviewer[1]}" if reviewer else fields.get("author name")) or None,
        thumbs_up=small_count(fields.get("vote sum")),
        url=fields.get("link") or None,
    )


def _listed(value: Any) -> list[Any]:
    """A list as it is, one object as a list of it, nothing as an empty list."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _label(value: Any) -> str:
    return sound(value.get("label")) if isinstance(value, dict) else ""


def _attribute(value: Any, name: str) -> str:
    attributes = value.get("attributes") if isinstance(value, dict) else None
    return sound(attributes.get(name)) if isinstance(attributes, dict) else ""


def _json_fields(entry: Any) -> dict[str, str] | None:
    """The fields of a JSON entry, or None where it is no object."""
    if not isinstance(entry, dict):
        return None
    author = entry.get("author")
    author = author if isinstance(author, dict) else {}
    # Several contents or links come as a list, as in XML: the plain text is wanted.
    contents = _listed(entry.get("content"))
    plain = [content for content in contents if _attribute(content, "type") != "html"]
    links = _listed(entry.get("link"))
    fields = {
        "id": _label(entry.get("id")),
        "title": _label(entry.get("title")),
        "content": _label(plain[0]) if plain else "",
        "updated": _label(entry.get("updated")),
        "version": _label(entry.get("im:version")),
        "author name": _label(author.get("name")),
        "author uri": _label(author.get("uri")),
        "vote sum": _label(entry.get("im:voteSum")),
        "link": _attribute(links[0], "href") if links else "",
    }
    if "im:rating" in entry:
        fields["rating"] = _label(entry["im:rating"])
    if any(f"im:{name}" in entry for name in _APP_ITSELF):
        fields["app itself"] = "yes"
    return fields


def _xml_fields(entry: Element) -> dict[str, str]:
    """The fields of an XML entry under the same names."""

    def text(path: str) -> str:
        return sound(entry.findtext(path))

    plain = [content for content in entry.findall(f"{ATOM}content") if content.get("type") != "html"]
    link = entry.find(f"{ATOM}link")
    fields = {
        "id": text(f"{ATOM}id"),
        "title": text(f"{ATOM}title"),
        "content": sound(plain[0].text) if plain else "",
        "updated": text(f"{ATOM}updated"),
        "version": text(f"{IM}version"),
        "author name": text(f"{ATOM}author/{ATOM}name"),
        "author uri": text(f"{ATOM}author/{ATOM}uri"),
        "vote sum": text(f"{IM}voteSum"),
        "link": sound(link.get("href")) if link is not None else "",
    }
    if entry.find(f"{IM}rating") is not None:
        fields["rating"] = text(f"{IM}rating")
    if any(entry.find(f"{IM}{name}") is not None for name in _APP_ITSELF):
        fields["app itself"] = "yes"
    return fields
