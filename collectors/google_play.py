"""Google Play reviews in one language, newest first, page by page with a token."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from collectors.base import EMPTY, Page, Probe, SourceError, WalkEnd
from collectors.google_play_details import fetch_details
from collectors.http import Http, Walk, host_of
from collectors.play_format import (
    LARGEST_PAGE,
    PLAY,
    language,
    package_name,
    read_reviews,
    review_rows,
    reviews_request,
)
from models.records import QuarantinedRow, VerbatimRecord

RECENT = 3
"""Pages whose ids are kept: what is written or deleted during a walk moves reviews by a page at most."""
_FORM = {"content-type": "application/x-www-form-urlencoded;charset=UTF-8"}


@dataclass(slots=True)
class _Answer:
    rows: list[VerbatimRecord]
    bad: list[QuarantinedRow]
    token: str | None

    @property
    def size(self) -> int:
        return len(self.rows) + len(self.bad)


@dataclass(slots=True)
class _Walked:
    """What a walk has seen, in little memory however long it is: a million reviews are five thousand pages.

    `recent` are the ids of the last pages, which a shift may show twice; `marks` one id of every page before, so that a
    list that begins again is noticed wherever its pages are cut. `stale` counts pages in a row that were seen before.
    """

    recent: deque[frozenset[str]] = field(default_factory=lambda: deque(maxlen=RECENT))
    marks: set[str] = field(default_factory=set)
    tokens: set[str] = field(default_factory=set)
    stale: int = 0
    last: str = ""
    notes: list[str] = field(default_factory=list)
    fault: SourceError | None = None


class GooglePlay:
    """The reviews of one app in one language (`lang`, such as fr). The country has no effect on them.

    A walk may go on later after the page whose `resume` it is given; where Google no longer takes that token, it
    begins again at the newest review and says so.
    """

    kind = "google_play"

    def __init__(
        self,
        app_id: str,
        lang: str = "fr",
        gl: str = "fr",
        base_url: str = PLAY,
        *,
        http: Http,
        page_size: int = LARGEST_PAGE,
    ) -> None:
        self.app_id = package_name(app_id)
        self.lang = language(lang)
        self.gl = language(gl)
        self._base = base_url
        self._http = http
        self._count = max(1, min(page_size, LARGEST_PAGE))

    def pages(self, resume: str | None = None) -> Iterator[Page]:
        """Yield pages of at most 199 reviews from the newest backwards.

        Raises SourceError: throttled (429 or PlayGatewayError), unreachable, gone, format (a captcha, or rows that are
        no longer what they were), repeated where tokens or reviews come round again.
        """
        walked = _Walked()
        token = resume
        full, largest = True, 0
        with self._http.walk() as walk:
            while True:
                first = not walked.recent and not walked.tokens
                answer = self._read(walk, token, walked)
                if first and answer is None:
                    token, answer = None, self._read(walk, None, walked)
                assert answer is not None
                if not answer.size or answer.token is None:
                    answer = self._again(walk, token, answer, walked)
                if first and token is None and not answer.size:
                    yield self._nothing(walk, walked)
                    return
                end = None if walked.fault else self._end(answer, full)
                # Google's pages are as large as it likes: a page is short when a page before was larger.
                largest = max(largest, answer.size)
                full = answer.size >= largest
                page, looped = _page(answer, end, walked)
                yield page
                if walked.fault is not None:
                    raise walked.fault
                if end is not None:
                    return
                if looped:
                    raise SourceError(
                        "Google Play sends the same reviews again and again; the walk stops there.", "repeated"
                    )
                token = answer.token

    def probe(self) -> list[Probe]:
        """Ask for a page of few reviews."""
        name = f"Google Play reviews, {self.lang}"
        try:
            with self._http.walk() as walk:
                answer = self._ask(walk, None, count=5)
        except SourceError as error:
            return [Probe(name, False, error.message)]
        if answer.size:
            return [Probe(name, True, "The newest reviews can be read.")]
        return [Probe(name, False, f"Google Play answers, but shows no review in the language {self.lang}.")]

    def _ask(self, walk: Walk, token: str | None, count: int | None = None) -> _Answer:
        url, body = reviews_request(
            self.app_id, lang=self.lang, gl=self.gl, count=count or self._count, token=token, base_url=self._base
        )
        answer = walk.post(url, content=body, headers=_FORM, missing="format")
        try:
            rows, following = read_reviews(answer.body)
        except SourceError as error:
            if error.kind == "throttled":
                # Said with a 200: the host is left alone all the same, by every process.
                error.host = host_of(self._base)
                error.retry_after = self._http.pace.hold(host_of(self._base), error.retry_after)
            raise
        good, bad = review_rows(rows, self.lang, self.app_id)
        return _Answer(good, bad, following)

    def _read(self, walk: Walk, token: str | None, walked: _Walked) -> _Answer | None:
        """Ask for a page, twice where the first answer is an error or cut off; None: an old token is not taken."""
        try:
            return self._ask(walk, token)
        except SourceError as error:
            # Faults of the network have been tried again by then; what is odd in an answer may pass.
            if error.kind not in {"unreachable", "format"} or error.host:
                raise
        try:
            return self._ask(walk, token)
        except SourceError as error:
            if token is not None and not walked.tokens and not error.host and error.kind == "unreachable":
                walked.notes.append("Google Play no longer takes the place where the last walk stopped: begun anew")
                return None
            raise

    def _again(self, walk: Walk, token: str | None, answer: _Answer, walked: _Walked) -> _Answer:
        """Ask a second time where an answer says that there is no more: Google says so at random."""
        try:
            second = self._read(walk, token, walked)
        except SourceError as error:
            if not answer.size:
                raise
            # The rows are sound and are yielded first; the walk ends after them.
            walked.fault = error
            return answer
        if second is None or (second.size <= answer.size and second.token is None):
            return answer
        walked.notes.append("the first answer was cut short; the second try showed more")
        return second

    def _nothing(self, walk: Walk, walked: _Walked) -> Page:
        """Judge an empty first page by the app's own page."""
        try:
            details = fetch_details(walk, self.app_id, self.lang, self.gl, self._base)
        except SourceError as error:
            if error.kind == "gone":
                raise
            note = f"Google Play shows no review, and the app's page could not confirm it: {error.message}"
            return Page(end="unconfirmed", note=note)
        if details.ratings == 0 or details.reviews == 0:
            return Page(end="exhausted", progress=1.0, note="The app has no review yet.")
        how_many = details.reviews if details.reviews is not None else details.ratings
        note = f"Google Play shows no review in {self.lang}, but the app has {how_many} in all languages."
        return Page(end="unconfirmed", note="; ".join((*walked.notes, note)), doubt=EMPTY)

    def _end(self, answer: _Answer, full: bool) -> WalkEnd | None:
        """Say whether the walk ends here, once two answers agree.

        A page of the size asked for, with nothing behind it, is not believed; nor is nothing at all behind a full page.
        """
        if answer.size and answer.token is not None:
            return None
        if answer.size:
            return "unconfirmed" if answer.size >= self._count else "exhausted"
        return "unconfirmed" if full or answer.token is not None else "exhausted"


def _page(answer: _Answer, end: WalkEnd | None, walked: _Walked) -> tuple[Page, bool]:
    """Make the page of an answer and say whether the walk goes in circles."""
    notes, walked.notes = walked.notes, []
    fresh: dict[str, VerbatimRecord] = {}
    for row in answer.rows:
        if not any(row.external_id in page for page in walked.recent):
            fresh.setdefault(row.external_id, row)
    if repeated := len(answer.rows) - len(fresh):
        notes.append(f"{repeated} of {answer.size} reviews had been read before in this walk")
    met = not walked.marks.isdisjoint(fresh)
    walked.last = next(reversed(fresh), walked.last)
    walked.stale = walked.stale + 1 if answer.rows and (met or not fresh) else 0
    if fresh:
        walked.recent.append(frozenset(fresh))
        walked.marks.add(next(iter(fresh)))
    looped = walked.stale >= 2 or answer.token in walked.tokens
    if answer.token is not None:
        walked.tokens.add(answer.token)
    resume = None if end or looped else answer.token
    page = Page(
        verbatims=tuple(fresh.values()),
        quarantined=tuple(answer.bad),
        resume=resume,
        end=end,
        progress=1.0 if end else None,
        note="; ".join(notes),
        doubt=walked.last if end == "unconfirmed" else "",
    )
    return page, looped
