"""The app's page on Google Play: its counter of ratings with the histogram, and the current release."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from collectors.base import Page, Probe, SourceError
from collectors.http import Http, Walk
from collectors.play_format import DETAIL, PLAY, RECENT_CHANGES, details_data, details_url, language, package_name
from collectors.values import RowFault, from_epoch, sound
from models.records import RatingRecord, ReleaseRecord


@dataclass(frozen=True, slots=True)
class AppDetails:
    """What the app's page tells. `reviews` counts the ratings that carry a text, in all languages."""

    app_id: str
    name: str
    average: float | None
    ratings: int
    reviews: int | None
    histogram: tuple[int, int, int, int, int] | None
    version: str | None
    updated_at: datetime | None
    notes: str
    developer: str


def read_details(page: str, app_id: str) -> AppDetails:
    """Read an app's page. Raises SourceError(format) where it is not one."""
    data = details_data(page)
    name = sound(DETAIL["title"].extract_content(data))
    if not name:
        text = "Google Play sent a page without the app's data (a consent page, a captcha, or a changed format)."
        raise SourceError(text, "format", excerpt=page[:300])

    def take(field: str) -> Any:
        return DETAIL[field].extract_content(data)

    average, version = take("score"), take("version")
    try:
        updated_at = from_epoch(take("updated"), "release date")
    except RowFault:
        updated_at = None
    return AppDetails(
        app_id=app_id,
        name=name,
        average=float(average) if type(average) in {int, float} and 1 <= average <= 5 else None,
        ratings=_count(take("ratings")) or 0,
        reviews=_count(take("reviews")),
        histogram=_histogram(take("histogram")),
        # "Varies with device", in whatever language, has no digit.
        version=sound(version) if isinstance(version, str) and any(map(str.isdigit, version)) else None,
        updated_at=updated_at,
        notes=sound(RECENT_CHANGES.extract_content(data)),
        developer=sound(take("developer")),
    )


def _count(value: Any) -> int | None:
    if type(value) is float and math.isfinite(value) and value.is_integer():
        value = int(value)
    return value if type(value) is int and 0 <= value < 2**31 else None


def _histogram(value: Any) -> tuple[int, int, int, int, int] | None:
    if not isinstance(value, list) or len(value) != 5:
        return None
    counts = [_count(part) for part in value]
    one, two, three, four, five = (count if count is not None else -1 for count in counts)
    if min(one, two, three, four, five) < 0 or one + two + three + four + five == 0:
        return None
    return one, two, three, four, five


def fetch_details(walk: Walk, app_id: str, lang: str, gl: str, base_url: str = PLAY) -> AppDetails:
    """Fetch and read an app's page. Raises SourceError: gone where Google Play does not know the app."""
    try:
        answer = walk.get(details_url(app_id, lang, gl, base_url))
    except SourceError as error:
        if error.kind != "gone":
            raise
        raise SourceError(
            f"Google Play does not know the app {app_id} (language {lang}, country {gl}); check its name.", "gone"
        ) from error
    return read_details(answer.text, app_id)


class GooglePlayDetails:
    """Counter and current release of one app. Since 2021 the counter is that of the country asked (`gl`)."""

    kind = "google_play_details"

    def __init__(self, app_id: str, lang: str = "fr", gl: str = "fr", base_url: str = PLAY, *, http: Http) -> None:
        self.app_id = package_name(app_id)
        self.lang = language(lang)
        self.gl = language(gl)
        self._base = base_url
        self._http = http

    def pages(self, resume: str | None = None) -> Iterator[Page]:
        """Yield one page: a rating and, where the page names version and date, the release. Raises SourceError."""
        with self._http.walk() as walk:
            found = fetch_details(walk, self.app_id, self.lang, self.gl, self._base)
        if found.average is None and found.histogram is not None:
            raise SourceError(
                "Google Play's page gives stars without an average: its format has probably changed.", "format"
            )
        rating = RatingRecord(
            self._http.now(), found.average, found.ratings, storefront=self.gl.lower(), histogram=found.histogram
        )
        releases: tuple[ReleaseRecord, ...] = ()
        note = ""
        if found.version and found.updated_at:
            releases = (ReleaseRecord(found.version, found.updated_at, found.notes),)
        else:
            note = "the page names no version (it varies with the device) or no date of update"
        yield Page(ratings=(rating,), releases=releases, end="exhausted", progress=1.0, note=note)

    def probe(self) -> list[Probe]:
        """Read the app's page once."""
        name = "Google Play page"
        try:
            with self._http.walk() as walk:
                found = fetch_details(walk, self.app_id, self.lang, self.gl, self._base)
        except SourceError as error:
            return [Probe(name, False, error.message)]
        return [Probe(name, True, f"{found.name}, {found.ratings} ratings.")]
