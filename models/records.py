"""What collectors hand over: plain, frozen facts in aware UTC, with no trace of the system they came from.

A record says what the source said, not what we make of it: masking, hashing of the author, the local day and the
analysis happen between here and the tables.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

PersonKey = tuple[Literal["customer", "email", "phone"], str]
"""What a person is known by, as the source tells it: a customer's number, an e-mail, a telephone number."""

QuestionType = Literal["nps", "csat", "satisfied", "effort"]
"""What a question measures: declared by a person, never guessed from its scale."""


@dataclass(frozen=True, slots=True)
class VerbatimRecord:
    """One customer's words: a store review, a survey answer or a ticket message.

    `external_id` is the source's own, stable over edits. `written_at` and `edited_at` are aware UTC; a source that
    tells only the last change gives it as `written_at`. `stars` is 1 to 5, or None where the channel has none.
    `storefront` is a lower-case two-letter country, `locale` the declared language (fr, fr-CA). `author` is the raw
    identity; it is hashed before storage and never stored. `keys` are what the same person may be known by in another
    channel; they are hashed too. `thread` is the ticket it was written in. `personal_id`: the external id holds what
    may name a person (an e-mail), and is hashed.
    """

    external_id: str
    written_at: datetime
    body: str
    title: str = ""
    stars: int | None = None
    storefront: str | None = None
    locale: str | None = None
    version: str | None = None
    build: str | None = None
    device: str | None = None
    os: str | None = None
    author: str | None = None
    edited_at: datetime | None = None
    reply: str | None = None
    replied_at: datetime | None = None
    thumbs_up: int | None = None
    url: str | None = None
    keys: tuple[PersonKey, ...] = ()
    thread: str | None = None
    personal_id: bool = False


@dataclass(frozen=True, slots=True)
class RatingRecord:
    """A store's own counter at one moment: the average (1 to 5) and how many stars were ever given.

    `count` is None where the source tells the average only: unknown, never zero. `histogram` counts one to five stars
    where the store tells it. Ratings are not reviews: most carry no text.
    """

    taken_at: datetime
    average: float | None
    count: int | None
    storefront: str | None = None
    histogram: tuple[int, int, int, int, int] | None = None


@dataclass(frozen=True, slots=True)
class ReleaseRecord:
    """A version that the store offers or offered, since when, and the notes its customers read.

    `released_at` is None where the source tells no date; `seen_at` is then the moment of this look, where the version
    is the one on offer. `build` is the main one, `builds` are all of them. `rollout` is the share of customers (0 to
    1) that a staged release reaches, `rollout_state` its state (active, paused, halted, complete); both None where the
    source tells nothing of stages.
    """

    version: str
    released_at: datetime | None
    notes: str = ""
    build: str | None = None
    storefront: str | None = None
    rollout: float | None = None
    rollout_state: str | None = None
    builds: tuple[str, ...] = ()
    seen_at: datetime | None = None


CrashKind = Literal["crash", "anr", "hang", "error"]
"""crash: the app ended; anr, hang: it stood still (Android, Apple); error: it went wrong and the app survived."""

IssueState = Literal["open", "resolved", "ignored", ""]


@dataclass(frozen=True, slots=True)
class CrashIssueRecord:
    """A defect as its source groups it. Moments are aware UTC; versions are the names that customers know.

    The versions are those that it was first and last seen in as far as this answer shows; what was stored before
    stands where its moment is earlier (or later). `state` "" means that the source tells none.
    """

    external_id: str
    kind: CrashKind = "crash"
    title: str = ""
    subtitle: str = ""
    first_version: str = ""
    last_version: str = ""
    first_seen_at: datetime | None = None
    last_seen_at: datetime | None = None
    state: IssueState = ""
    url: str | None = None


@dataclass(frozen=True, slots=True)
class DailyCrashesRecord:
    """Events of one day. `version` "" is all versions, `issue` "" all issues: the source's totals, never our sums.

    `issue` is the external id of a CrashIssueRecord that came with it or before. `users` are distinct people.
    """

    day: date
    events: int
    kind: CrashKind = "crash"
    version: str = ""
    issue: str = ""
    users: int | None = None
    users_rounded: bool = False
    added: bool = False
    """Whether the events come on top of those stored (one report of one device) instead of replacing them."""


@dataclass(frozen=True, slots=True)
class DailySessionsRecord:
    """What ran on one day, in one version or all (""), and the shares (0 to 1) without a crash or an ANR.

    None: not told. `withheld`: known there and hidden (too few users), never zero. `zone`: whose days these are,
    where not the app's own ("America/Los_Angeles", "UTC").
    """

    day: date
    version: str = ""
    sessions: int | None = None
    users: int | None = None
    users_rounded: bool = False
    crashed_sessions: int | None = None
    crashed_users: int | None = None
    crash_free_sessions: float | None = None
    crash_free_users: float | None = None
    anr_free_users: float | None = None
    withheld: bool = False
    zone: str = ""


SignalKind = Literal["new_issue", "regression", "velocity", "anomaly", "digest"]


@dataclass(frozen=True, slots=True)
class SignalRecord:
    """What a crash tool noticed by itself: a new issue, one that came back, one that spreads, an anomaly, a digest.

    `issue` is the external id of the issue it speaks of ("": of none).
    """

    external_id: str
    kind: SignalKind
    at: datetime
    title: str
    version: str = ""
    issue: str = ""
    url: str | None = None


@dataclass(frozen=True, slots=True)
class ReplacedDays:
    """Days (both included) that this answer tells completely: what was stored of that part before is taken back.

    `part`: "crashes" (totals by day and version), "issues" (the same by issue) or "sessions". `kinds` limits the
    first two to these kinds of crash (empty: all).
    """

    first: date
    last: date
    part: Literal["crashes", "issues", "sessions"]
    kinds: tuple[CrashKind, ...] = ()


@dataclass(frozen=True, slots=True)
class AnswerRecord:
    """A respondent's score on one question of a survey; the comment beside it is a VerbatimRecord.

    `type` is nps (0 to 10), csat or effort (`low` to `high`) or satisfied (1 yes, 0 no), as declared. `respondent`
    tells respondents of one survey apart; it and `keys` are hashed before storage. `wave`, `segment`, `version` are ""
    where the survey tells none.
    """

    survey: str
    question: str
    type: QuestionType
    score: float
    low: int
    high: int
    answered_at: datetime
    respondent: str
    wave: str = ""
    segment: str = ""
    version: str = ""
    keys: tuple[PersonKey, ...] = ()


@dataclass(frozen=True, slots=True)
class TicketRecord:
    """The state of a ticket at `updated_at`; what its customer wrote are VerbatimRecords with its id as `thread`.

    `partial`: it tells only what it holds (a webhook's few words), all else stays; without `created_at` it changes only
    a ticket that is known. `satisfied` is the customer's verdict, `rating` its 1 to 5 where the desk asks for one.
    """

    external_id: str
    updated_at: datetime
    created_at: datetime | None = None
    via: str = ""
    status: str = ""
    first_answer_at: datetime | None = None
    resolved_at: datetime | None = None
    satisfied: bool | None = None
    rating: int | None = None
    deleted: bool = False
    version: str = ""
    keys: tuple[PersonKey, ...] = ()
    partial: bool = False


@dataclass(frozen=True, slots=True)
class QuarantinedRow:
    """A row that could not be read: its bytes as they came, and the reason in words."""

    raw: bytes
    reason: str
