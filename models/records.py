"""What collectors hand over: plain, frozen facts in aware UTC, with no trace of the system they came from.

A record says what the source said, not what we make of it: masking, hashing of the author, the local day and the
analysis happen between here and the tables.
"""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class VerbatimRecord:
    """One customer's words: a store review, a survey answer or a ticket message.

    `external_id` is the source's own, stable over edits. `written_at` and `edited_at` are aware UTC; a source that
    tells only the last change gives it as `written_at`. `stars` is 1 to 5, or None where the channel has none.
    `storefront` is a lower-case two-letter country, `locale` the declared language (fr, fr-CA). `author` is the raw
    identity; it is hashed before storage and never stored.
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
    """A version that the store offers, since when, and the notes its customers read.

    `rollout` is the share of customers (0 to 1) that a staged release reaches, `rollout_state` its state (active,
    paused, complete); both None where the source tells nothing of stages.
    """

    version: str
    released_at: datetime
    notes: str = ""
    build: str | None = None
    storefront: str | None = None
    rollout: float | None = None
    rollout_state: str | None = None


@dataclass(frozen=True, slots=True)
class QuarantinedRow:
    """A row that could not be read: its bytes as they came, and the reason in words."""

    raw: bytes
    reason: str
