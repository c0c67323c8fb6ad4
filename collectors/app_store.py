"""App Store reviews of one storefront, from Apple's public feed: ten pages of fifty, newest first."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from collectors.app_store_lookup import ITUNES, listed, look_up
from collectors.apple_feed import FeedPage, read_json, read_xml
from collectors.base import EMPTY, Page, Probe, SourceError, WalkEnd
from collectors.http import Http, Walk
from models.records import QuarantinedRow, VerbatimRecord

PAGES = 10
PAGE_SIZE = 50
Way = tuple[Literal["json", "xml"], int]

# Two forms of the address and two formats. The same app was seen to answer no review on one and fifty on another.
_FORMS = (
    "/{storefront}/rss/customerreviews/page={page}/id={app_id}/sortby=mostrecent/{format}",
    "/{storefront}/rss/customerreviews/id={app_id}/sortBy=mostRecent/page={page}/{format}",
)
_WAYS: tuple[Way, ...] = (("json", 0), ("json", 1), ("xml", 0), ("xml", 1))


@dataclass(slots=True)
class _Reading:
    """One page of the feed, by the first way that told something.

    `agreed`: every way was asked and shows nothing. `lost`: reviews that the JSON shows without a date and the XML
    does not show on this page. `dateless`: no way gave dates at all.
    """

    page: FeedPage
    lost: list[QuarantinedRow] = field(default_factory=list)
    agreed: bool = False
    dateless: bool = False
    note: str = ""


@dataclass(slots=True)
class _Walked:
    """What a walk has seen: the way that worked last, the rows by id, how many pages the feed claims.

    `short`: a page before had fewer than fifty. `holes`: pages that should hold reviews and showed none. `stale`:
    pages in a row that brought nothing new. `filled`: the last page that showed reviews, `ended` its last review.
    `sure`: the oldest review before the first hole. `fault`: what stopped the walk after the page being yielded.
    """

    way: int = 0
    rows: dict[str, VerbatimRecord] = field(default_factory=dict)
    last: int | None = None
    short: bool = False
    holes: set[int] = field(default_factory=set)
    filled: int = 0
    ended: str = ""
    sure: datetime | None = None
    stale: int = 0
    fault: SourceError | None = None


class AppStoreFeed:
    """The reviews of one app in one storefront.

    `pages()` always begins at the newest review: the feed is ten requests long, and its pages shift with every new or
    deleted review, so that no place in it can be kept (`resume` is ignored). A deletion between two requests moves
    the head of the next page up onto the one just read, where it would be missed: after each further page the one
    before is read again, so that what was yielded so far is complete wherever the caller stops. Apple's documentation
    of the feed: none; its behaviour was recorded (see docs/sources.md).
    """

    kind = "app_store_feed"

    def __init__(self, app_id: str, storefront: str, base_url: str = ITUNES, *, http: Http) -> None:
        self.app_id, self.storefront = listed(app_id, storefront)
        self._base = base_url.rstrip("/")
        self._http = http

    def pages(self, resume: str | None = None) -> Iterator[Page]:
        """Yield up to ten pages from the newest review backwards.

        Raises SourceError: gone where neither the feed nor the lookup knows the app in this storefront, throttled
        for 403 and 429, format, unreachable, and repeated where the feed sends the same rows for ever.
        """
        walked = _Walked()
        with self._http.walk() as walk:
            for number in range(1, PAGES + 1):
                reading = self._read(walk, number, walked)
                if number == 1 and not reading.page.size and not reading.dateless:
                    yield self._nothing(walk, reading)
                    return
                page = self._step(walk, number, reading, walked)
                yield page
                if walked.fault is not None:
                    raise walked.fault
                if page.end is not None:
                    return

    def probe(self) -> list[Probe]:
        """Read the first page of the feed once."""
        name = f"App Store feed, {self.storefront}"
        try:
            with self._http.walk() as walk:
                page = self._fetch(walk, 1, _WAYS[0])
        except SourceError as error:
            return [Probe(name, False, error.message)]
        if page.size:
            return [Probe(name, True, f"The first page shows {page.size} reviews.")]
        return [Probe(name, False, "The feed answers, but shows no review; the walk will ask it in other ways.")]

    def _fetch(self, walk: Walk, number: int, way: Way) -> FeedPage:
        form, address = way
        path = _FORMS[address].format(storefront=self.storefront, page=number, app_id=self.app_id, format=form)
        # The feed answers 200 even for apps it does not know: a 404 says nothing about the app.
        answer = walk.get(self._base + path, forbidden="throttled", missing="format")
        return (read_json if form == "json" else read_xml)(answer.body, self.storefront)

    def _read(self, walk: Walk, number: int, walked: _Walked) -> _Reading:
        """Read one page by the way that worked last, then by the others until one tells dated reviews."""
        undated: dict[str, QuarantinedRow] = {}
        faults: list[SourceError] = []
        empty = FeedPage()
        answers = 0
        for way in (walked.way, *(other for other in range(len(_WAYS)) if other != walked.way)):
            if undated and _WAYS[way][0] == "json":
                continue
            try:
                page = self._fetch(walk, number, _WAYS[way])
            except SourceError as error:
                # A host that gave no answer yet is down: the other forms would only take its time.
                if error.kind in {"throttled", "refused"} or (error.kind == "unreachable" and not answers):
                    raise
                faults.append(error)
                continue
            answers += 1
            if page.undated and _WAYS[way][0] == "json":
                undated = page.undated
            elif page.size:
                return self._accepted(page, way, undated, walked)
            else:
                empty.known = empty.known or page.known
                empty.last = max(empty.last or 0, page.last or 0) or None
        if undated:
            return _Reading(empty, lost=list(undated.values()), dateless=True)
        if not answers:
            raise next((fault for fault in faults if fault.kind == "format"), faults[0])
        return _Reading(empty, agreed=not faults)

    def _accepted(self, page: FeedPage, way: int, undated: dict[str, QuarantinedRow], walked: _Walked) -> _Reading:
        """Take the page that a way told, and remember the way."""
        notes = []
        if way != walked.way:
            reason = (
                "the JSON feed gives no dates" if undated else "the first form of the address showed nothing readable"
            )
            notes.append(f"read as {_WAYS[way][0].upper()} by address form {_WAYS[way][1] + 1}, because {reason}")
        walked.way = way
        dated = {row.external_id for row in page.verbatims} | page.undated.keys()
        lost = [row for external_id, row in undated.items() if external_id not in dated]
        if lost:
            notes.append(
                f"{len(lost)} reviews stand in the JSON feed without a date and not in the XML feed of this page"
            )
        page.quarantined.extend(page.undated.values())
        page.undated = {}
        return _Reading(page, lost, note="; ".join(notes))

    def _nothing(self, walk: Walk, reading: _Reading) -> Page:
        """Judge a feed that shows nothing on its first page: no app, no reviews, or no answer."""
        try:
            found = look_up(walk, self.app_id, self.storefront, self._base)
        except SourceError as error:
            if not reading.page.known and error.kind not in {"throttled", "unreachable"}:
                raise self._gone() from error
            return Page(
                end="unconfirmed", note=f"The feed is empty, and the app's page could not confirm it: {error.message}"
            )
        if found is None:
            if not reading.page.known:
                raise self._gone()
            return Page(end="unconfirmed", note="The feed is empty, and the lookup does not know the app either.")
        if found.count == 0 and reading.agreed:
            return Page(end="exhausted", progress=1.0, note="Nobody has rated the app in this storefront yet.")
        note = f"The feed shows no review in any form, but the app has {found.count} ratings here."
        # Only where every way of asking was answered, the lookup included, can days of the same answer confirm it.
        return Page(end="unconfirmed", note=note, doubt=EMPTY if reading.agreed and reading.page.known else "")

    def _gone(self) -> SourceError:
        return SourceError(
            f"The App Store does not know the app {self.app_id} in the storefront {self.storefront}; check the number, "
            "or remove this storefront.",
            "gone",
        )

    def _step(self, walk: Walk, number: int, reading: _Reading, walked: _Walked) -> Page:
        """Make the page of one reading; sets `walked.fault` where the walk cannot go on after it."""
        page = reading.page
        notes = [reading.note] if reading.note else []
        # An empty page's own claim is not believed against the pages that were read.
        walked.last = page.last if page.size and page.last else max(walked.last or 0, page.last or 0) or None
        late: list[VerbatimRecord] = []
        if number > 1:
            late += self._again(walk, number - 1, walked, notes)
        fresh = _fresh(page.verbatims, walked)
        if repeated := len(page.verbatims) - len(fresh):
            notes.append(f"{repeated} of {page.size} reviews of page {number} had been read before in this walk")
        walked.stale = walked.stale + 1 if page.verbatims and not fresh else 0
        if page.verbatims:
            walked.filled, walked.ended = number, page.verbatims[-1].external_id
            if not walked.holes:
                oldest = min(row.written_at for row in page.verbatims)
                walked.sure = min(walked.sure or oldest, oldest)
        end = None if walked.fault or reading.dateless else self._end(number, reading, walked)
        if end is not None and number > 2:
            # A review that is edited during the walk moves to the top, which was read before.
            late += self._again(walk, 1, walked, notes)
            # Where that failed, the edit is met by the next walk, which begins there.
            walked.fault = None
        walked.short = walked.short or page.size < PAGE_SIZE
        if reading.dateless:
            text = (
                "Apple's JSON feed gives no dates, and its XML feed could not be read: these reviews were not stored."
            )
            walked.fault = SourceError(text, "format")
        elif walked.stale >= 2 and walked.fault is None and end is None:
            text = f"Apple's feed of the storefront {self.storefront} sends the same reviews on every page."
            walked.fault = SourceError(text, "repeated")
        return Page(
            verbatims=(*late, *fresh),
            quarantined=(*page.quarantined, *reading.lost),
            end=None if walked.fault else end,
            progress=1.0 if end else min(1.0, number / max(number, walked.last or PAGES)),
            note="; ".join(notes),
            # Where a page between others shows nothing, only what is newer than it was shown whole.
            doubt=walked.ended if end == "unconfirmed" and not walked.fault else "",
            sure=walked.sure if any(hole < walked.filled for hole in walked.holes) else None,
        )

    def _end(self, number: int, reading: _Reading, walked: _Walked) -> WalkEnd | None:
        """Say whether and how the walk ends with this page."""
        size, last = reading.page.size, walked.last
        if not size:
            if not reading.agreed or (last is not None and number <= last):
                walked.holes.add(number)
            if last is not None and number < min(last, PAGES):
                return None
        elif number == PAGES:
            # Where pages are short here and there, a short tenth page does not say that there is no more.
            if not walked.holes and (size >= PAGE_SIZE or walked.short):
                return "source_limit"
        elif size >= PAGE_SIZE or last != number:
            return None
        return "unconfirmed" if walked.holes else "exhausted"

    def _again(self, walk: Walk, number: int, walked: _Walked, notes: list[str]) -> list[VerbatimRecord]:
        """Read a page a second time for what moved onto it since."""
        if walked.fault is not None:
            return []
        try:
            page = self._read(walk, number, walked).page
        except SourceError as error:
            # What was read is sound and is yielded first; the walk ends after it.
            walked.fault = error
            return []
        if page.size:
            walked.holes.discard(number)
        else:
            walked.holes.add(number)
            notes.append(f"page {number} showed nothing on second reading, so that a review that moved may be missing")
        late = _fresh(page.verbatims, walked)
        if late:
            notes.append(f"{len(late)} reviews moved onto page {number} or changed while the walk went on")
        return late


def _fresh(rows: list[VerbatimRecord], walked: _Walked) -> list[VerbatimRecord]:
    """Keep what this walk has not seen, or has seen in an older wording."""
    fresh: dict[str, VerbatimRecord] = {}
    for row in rows:
        before = walked.rows.get(row.external_id)
        if before is None or (row != before and row.written_at > before.written_at):
            fresh[row.external_id] = walked.rows[row.external_id] = row
    return list(fresh.values())
