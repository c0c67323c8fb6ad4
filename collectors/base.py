"""The contract of a source: pages of records from the newest backwards, and errors that say what to do."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from models.records import (
    AnswerRecord,
    CrashIssueRecord,
    DailyCrashesRecord,
    DailySessionsRecord,
    QuarantinedRow,
    RatingRecord,
    ReleaseRecord,
    ReplacedDays,
    SignalRecord,
    TicketRecord,
    VerbatimRecord,
)

EMPTY = "empty"
"""The doubt about a list that shows nothing."""

WalkEnd = Literal["exhausted", "source_limit", "unconfirmed"]

"""Why a walk stopped by itself.

exhausted     the source said, and a second way confirmed, that there is nothing older
source_limit  the source shows no more than this (Apple's feed: 500 a storefront); older ones may exist
unconfirmed   the answer was empty or short and nothing could confirm it: unknown, never "no reviews"
"""


@dataclass(frozen=True, slots=True)
class Page:
    """The records of one request.

    `resume` lets a later walk go on after this page (None: it cannot). `end` is set on the last page only.
    `progress` is the share of the walk that is done (0 to 1) where the source tells its size. `note` is one
    sentence for the run's log where something was odd (a repeated row, a fallback to XML). `reaches` is the moment
    since when the walk has shown everything, where the source's own limit says so and not the oldest row. `until` is
    the moment up to which it can have, where the source publishes late.

    `replaced` names the days whose crash figures this page tells completely; other figures replace their own row only.
    A page of figures names what it covers in `reaches` and `until`: the walk stops once that is known ground.

    `answers` and `tickets` stand beside the verbatims. `cursor` is the place of a source that tells what changed since:
    kept with the page, given back to the next walk as the setting `cursor`; such a source is read forwards, from there
    to now, and its first page says with `reaches` since when.

    With `end` unconfirmed, `doubt` names the place where the list ended ("empty" where it showed nothing at all and
    every other way agreed), so that later walks that end there again can confirm it; `sure` is the moment since when
    everything was shown all the same (None: since the oldest row). '' where nothing can be said: a way did not answer.
    """

    verbatims: tuple[VerbatimRecord, ...] = ()
    ratings: tuple[RatingRecord, ...] = ()
    releases: tuple[ReleaseRecord, ...] = ()
    crash_issues: tuple[CrashIssueRecord, ...] = ()
    daily_crashes: tuple[DailyCrashesRecord, ...] = ()
    daily_sessions: tuple[DailySessionsRecord, ...] = ()
    signals: tuple[SignalRecord, ...] = ()
    replaced: tuple[ReplacedDays, ...] = ()
    quarantined: tuple[QuarantinedRow, ...] = ()
    resume: str | None = None
    end: WalkEnd | None = None
    progress: float | None = None
    note: str = ""
    reaches: datetime | None = None
    until: datetime | None = None
    answers: tuple[AnswerRecord, ...] = ()
    tickets: tuple[TicketRecord, ...] = ()
    cursor: str | None = None
    doubt: str = ""
    sure: datetime | None = None


@dataclass(frozen=True, slots=True)
class Probe:
    """What `cocoon doctor` reports of one check: what was tried, whether it works, and what to do if not."""

    name: str
    works: bool
    message: str


class Collector(Protocol):
    """A source. It knows HTTP and its own format; it knows neither the database nor the schedule."""

    kind: str

    def pages(self, resume: str | None = None) -> Iterator[Page]:
        """Yield pages from the newest (or from after `resume`) backwards; raise SourceError when it cannot go on.

        The caller may stop at any page. A page that is yielded is sound: its rows were read and validated.
        """
        ...

    def probe(self) -> list[Probe]:
        """Try what a walk needs, reading as little as possible."""
        ...


FaultKind = Literal["throttled", "unreachable", "refused", "gone", "format", "repeated"]


@dataclass
class SourceError(Exception):
    """The source failed. The message is a sentence that a squad member can act on.

    throttled    it asked us to slow down (429, Apple's 403); `retry_after` in seconds where it said how long
    unreachable  time-out, broken connection, 5xx: worth trying again later
    refused      wrong or missing right: lasting until a person acts
    gone         the app is not known there: lasting
    format       the answer is not what the source sends (a captcha page, truncated or changed JSON)
    repeated     it sends the same page for ever; what was read before stays valid

    `status` is the number of the HTTP answer (0: there was none), `excerpt` the beginning of its body.
    """

    message: str
    kind: FaultKind = "unreachable"
    retry_after: float | None = None
    host: str = ""
    excerpt: str = field(default="", repr=False)
    status: int = 0

    def __str__(self) -> str:
        return self.message

    @property
    def lasting(self) -> bool:
        """Whether trying again by itself cannot help."""
        return self.kind in {"refused", "gone"}
