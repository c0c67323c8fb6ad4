"""App Store Connect's documents (JSON:API): customer reviews with their answers, versions with their phased release.

Fields that are not known are passed over. Source: Apple, App Store Connect API (CustomerReview, AppStoreVersion).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx

from collectors.base import SourceError
from collectors.file_values import country
from collectors.http import Answer
from collectors.values import RowFault, plausible, quarantine, sound, whole_stars
from models.records import QuarantinedRow, ReleaseRecord, VerbatimRecord

# Apple's own code for Kosovo, which ISO 3166 does not have.
_APPLES_OWN = {"XKS": "xk"}
# The share of customers with automatic updates that a phased release reaches on its days 1 to 7.
# Source: Apple, App Store Connect Help, "Release a version update in phases".
PHASED = (0.01, 0.02, 0.05, 0.10, 0.20, 0.50, 1.0)
# States of a version that is or was in the hands of customers (AppVersionState, and the older AppStoreVersionState).
SOLD = frozenset({"READY_FOR_DISTRIBUTION", "READY_FOR_SALE", "REPLACED_WITH_NEW_VERSION"})
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of a list: its items, what came with them by (type, id), the next page's cursor, how many in all."""

    items: list[Json]
    included: dict[tuple[str, str], Json]
    cursor: str | None
    total: int | None


@dataclass(frozen=True, slots=True)
class Version:
    """A version of the app: Connect's id for it, its name, and its release where Connect dates it."""

    id: str
    name: str
    created: datetime | None
    release: ReleaseRecord | None


def read_listing(document: Json) -> Listing:
    """Read a page of a list. Raises SourceError(format) where it is none."""
    items = document.get("data")
    if not isinstance(items, list):
        raise SourceError("App Store Connect sent an answer without its list: its format may have changed.", "format")
    included = document.get("included")
    found = {
        (sound(item.get("type")), sound(item.get("id"))): item
        for item in (included if isinstance(included, list) else [])
        if isinstance(item, dict)
    }
    following = _object(document, "links").get("next")
    total = _object(document, "meta", "paging").get("total")
    return Listing(
        items, found, _cursor(following) if following else None, total if type(total) is int and total >= 0 else None
    )


def _cursor(link: object) -> str:
    """Take the place from the link to the next page: the address itself is ours, a token goes nowhere else."""
    try:
        cursor = sound(httpx.URL(sound(link)).params.get("cursor"))
    except httpx.InvalidURL:
        cursor = ""
    if not cursor:
        raise SourceError("App Store Connect names a next page without its cursor: its format has changed.", "format")
    return cursor


def read_reviews(listing: Listing) -> tuple[list[VerbatimRecord], list[QuarantinedRow]]:
    """Read the reviews of a page; rows that cannot be trusted are set aside.

    Raises SourceError(format) where most of at least three rows cannot be read: that is a change of the format.
    """
    good: list[VerbatimRecord] = []
    bad: list[QuarantinedRow] = []
    for item in listing.items:
        try:
            good.append(_review(item, listing))
        except RowFault as fault:
            bad.append(quarantine(item, str(fault)))
    if len(bad) >= 3 and len(bad) > len(listing.items) / 2:
        text = f"{len(bad)} of {len(listing.items)} reviews of App Store Connect could not be read ({bad[0].reason})."
        raise SourceError(text, "format")
    return good, bad


def _review(item: Any, listing: Listing) -> VerbatimRecord:
    if not isinstance(item, dict) or not sound(item.get("id")):
        raise RowFault("the review has no id")
    told = _object(item, "attributes")
    reply, replied_at = _reply(item, listing)
    territory = sound(told.get("territory")).upper()
    return VerbatimRecord(
        external_id=sound(item["id"])[:200],
        written_at=_moment(told.get("createdDate"), "date"),
        body=sound(told.get("body")),
        title=sound(told.get("title")),
        stars=whole_stars(told.get("rating")),
        storefront=_APPLES_OWN.get(territory) or country(territory),
        author=sound(told.get("reviewerNickname")) or None,
        reply=reply,
        replied_at=replied_at,
    )


def _reply(item: Json, listing: Listing) -> tuple[str | None, datetime | None]:
    """The answer that customers see; one that waits to be published is none yet."""
    key = _object(item, "relationships", "response", "data")
    told = _object(listing.included.get((sound(key.get("type")), sound(key.get("id"))), {}), "attributes")
    text = sound(told.get("responseBody"))
    if not text or sound(told.get("state")) not in {"PUBLISHED", ""}:
        return None, None
    try:
        return text, _moment(told.get("lastModifiedDate"), "date of the answer")
    except RowFault:
        return text, None


def read_versions(listing: Listing) -> list[Version]:
    """Read the versions of a page; what names no version is passed over."""
    return [
        version for item in listing.items if isinstance(item, dict) and (version := _version(item, listing)) is not None
    ]


def _version(item: Json, listing: Listing) -> Version | None:
    told = _object(item, "attributes")
    identity, name = sound(item.get("id")), sound(told.get("versionString"))
    if not identity or not name:
        return None
    return Version(identity, name, _moment_or_none(told.get("createdDate")), _release(item, name, listing))


def _release(item: Json, name: str, listing: Listing) -> ReleaseRecord | None:
    """The release, where customers have or had it. Connect dates it only where it is phased.

    `createdDate` is weeks before; of other versions the build and the notes are told, and which one is on sale.
    """
    phase = _object(_related(item, "appStoreVersionPhasedRelease", listing), "attributes")
    started = _moment_or_none(phase.get("startDate"))
    state = sound(phase.get("phasedReleaseState"))
    build = sound(_object(_related(item, "build", listing), "attributes").get("version")) or None
    if started is None or state not in {"ACTIVE", "PAUSED", "COMPLETE"}:
        told = _object(item, "attributes")
        if {sound(told.get("appVersionState")), sound(told.get("appStoreState"))} & SOLD:
            return ReleaseRecord(name, None, _notes(item, listing), build=build)
        return None
    day = phase.get("currentDayNumber")
    share = PHASED[min(day, 7) - 1] if type(day) is int and day >= 1 else None
    return ReleaseRecord(
        name,
        started,
        _notes(item, listing),
        build=build,
        rollout=1.0 if state == "COMPLETE" else share,
        rollout_state=state.lower(),
    )


def _notes(item: Json, listing: Listing) -> str:
    """The notes that customers read: in French where there are any, else in the first language that has some."""
    keys = _object(item, "relationships", "appStoreVersionLocalizations").get("data")
    told = [
        _object(listing.included.get((sound(key.get("type")), sound(key.get("id"))), {}), "attributes")
        for key in (keys if isinstance(keys, list) else [])
        if isinstance(key, dict)
    ]
    told.sort(key=lambda one: not sound(one.get("locale")).startswith("fr"))
    return next((notes for one in told if (notes := sound(one.get("whatsNew")))), "")


def _related(item: Json, name: str, listing: Listing) -> Json:
    key = _object(item, "relationships", name, "data")
    return listing.included.get((sound(key.get("type")), sound(key.get("id"))), {})


def _object(value: Any, *names: str) -> Json:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def _moment(value: object, what: str) -> datetime:
    try:
        return plausible(datetime.fromisoformat(sound(value)), what)
    except RowFault:
        raise
    except ValueError as error:
        raise RowFault(f"the {what} {sound(value)[:40]!r} cannot be read") from error


def _moment_or_none(value: object) -> datetime | None:
    try:
        return _moment(value, "date")
    except RowFault:
        return None


def hourly_rest(answer: Answer) -> tuple[int, int] | None:
    """Read X-Rate-Limit (user-hour-lim:3500;user-hour-rem:500;) as (limit, rest); None where it says nothing."""
    told: dict[str, int] = {}
    for part in answer.headers.get("x-rate-limit", "").split(";"):
        name, _, number = part.strip().partition(":")
        if number.isascii() and number.isdigit():
            told[name] = int(number[:9])
    if "user-hour-lim" not in told or "user-hour-rem" not in told:
        return None
    return told["user-hour-lim"], told["user-hour-rem"]
