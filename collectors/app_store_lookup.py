"""Apple's lookup API: the store's own counter of ratings, the current version and its notes, per storefront."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from collectors.base import Page, Probe, SourceError
from collectors.http import Http, Walk
from collectors.values import RowFault, plausible, quarantine, sound
from models.records import QuarantinedRow, RatingRecord, ReleaseRecord

ITUNES = "https://itunes.apple.com"


@dataclass(frozen=True, slots=True)
class LookedUp:
    """What the lookup tells of one app in one storefront; `average` (1 to 5) is None where nobody has rated."""

    app_id: str
    name: str
    average: float | None
    count: int
    version: str
    released_at: str
    notes: str
    bundle_id: str
    seller: str
    raw: bytes


def look_up(walk: Walk, app_id: str, storefront: str, base_url: str = ITUNES) -> LookedUp | None:
    """Ask the lookup API for one app; None where it knows no such app in this storefront (asked twice).

    Raises SourceError. Source: Apple, "iTunes Search API", lookup examples.
    """
    for _ in range(2):
        params = {"id": app_id, "country": storefront}
        answer = walk.get(f"{base_url.rstrip('/')}/lookup", params=params, forbidden="throttled", missing="format")
        results = _results(answer.body)
        if results:
            return _looked_up(results[0], answer.body)
    return None


def _results(body: bytes) -> list[dict[str, Any]]:
    excerpt = body[:300].decode("utf-8", errors="replace")
    fault = SourceError("Apple's lookup sent something else than its JSON (cut off, changed, or a captcha).", "format")
    fault.excerpt = excerpt
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise fault from error
    results = document.get("results") if isinstance(document, dict) else None
    if not isinstance(results, list) or not all(isinstance(result, dict) for result in results):
        raise fault
    # An id may also belong to a song or a developer: only software is an app.
    return [result for result in results if result.get("wrapperType", "software") == "software"]


def _looked_up(result: dict[str, Any], body: bytes) -> LookedUp:
    count = result.get("userRatingCount", 0)
    average = result.get("averageUserRating")
    if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count < 2**31:
        raise SourceError("Apple's lookup gives no sound number of ratings; its format may have changed.", "format")
    number = float(average) if isinstance(average, int | float) and not isinstance(average, bool) else None
    return LookedUp(
        app_id=sound(result.get("trackId")),
        name=sound(result.get("trackName")),
        average=number if number is not None and count and 1 <= number <= 5 else None,
        count=count,
        version=sound(result.get("version")),
        released_at=sound(result.get("currentVersionReleaseDate")),
        notes=sound(result.get("releaseNotes")),
        bundle_id=sound(result.get("bundleId")),
        seller=sound(result.get("sellerName")),
        raw=body,
    )


def listed(app_id: str, storefront: str) -> tuple[str, str]:
    """The app's number and its storefront in lower case; raises ValueError where either cannot be one."""
    if not re.fullmatch(r"[0-9]{1,20}", app_id):
        raise ValueError(f"an App Store id is a number, not {app_id!r}")
    if not re.fullmatch(r"[A-Za-z]{2}", storefront):
        raise ValueError(f"a storefront is a country of two letters, not {storefront!r}")
    return app_id, storefront.lower()


class AppStoreLookup:
    """Counter and current release of one app in one storefront; one page, one request."""

    kind = "app_store_lookup"

    def __init__(self, app_id: str, storefront: str, base_url: str = ITUNES, *, http: Http) -> None:
        self.app_id, self.storefront = listed(app_id, storefront)
        self._base = base_url.rstrip("/")
        self._http = http

    def pages(self, resume: str | None = None) -> Iterator[Page]:
        """Yield one page with a rating and, where the lookup dates it, the current release. Raises SourceError."""
        with self._http.walk() as walk:
            found = self._found(walk)
        rating = RatingRecord(self._http.now(), found.average, found.count, storefront=self.storefront)
        releases: tuple[ReleaseRecord, ...] = ()
        quarantined: tuple[QuarantinedRow, ...] = ()
        if found.version:
            try:
                moment = plausible(datetime.fromisoformat(found.released_at), "release date")
                releases = (ReleaseRecord(found.version, moment, found.notes, storefront=self.storefront),)
            except RowFault as fault:
                quarantined = (quarantine(found.raw, str(fault)),)
            except ValueError:
                reason = f"the release date {found.released_at[:40]!r} cannot be read"
                quarantined = (quarantine(found.raw, reason),)
        yield Page(ratings=(rating,), releases=releases, quarantined=quarantined, end="exhausted", progress=1.0)

    def probe(self) -> list[Probe]:
        """Look the app up once."""
        name = f"App Store lookup, {self.storefront}"
        try:
            with self._http.walk() as walk:
                found = self._found(walk)
        except SourceError as error:
            return [Probe(name, False, error.message)]
        return [Probe(name, True, f"{found.name} {found.version}, {found.count} ratings.")]

    def _found(self, walk: Walk) -> LookedUp:
        found = look_up(walk, self.app_id, self.storefront, self._base)
        if found is None:
            raise SourceError(
                f"The App Store does not know the app {self.app_id} in the storefront {self.storefront}; check the "
                "number, or remove this storefront.",
                "gone",
            )
        return found
