"""What the demo's story is made of: reviews, releases, counters, and what was planted."""

from dataclasses import dataclass, replace
from datetime import date, datetime

from app.demo.plot import Channel

APP_NAME = "Banque Mésange"
APP_STORE_ID = 1533000042
PACKAGE = "fr.banque.mesange"


@dataclass(frozen=True, slots=True)
class Wording:
    """What a review said: stars (1 to 5), title (App Store only) and body, on which version."""

    stars: int
    title: str
    body: str
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Review:
    """One made-up review, with what is true of it. Times are aware UTC.

    `stars`, `title` and `body` are the last wording; `before` is what stood until `edited_at`, if it was edited.
    `storefront` is set on the App Store, `locale` is Google Play's corpus (hl); `language` is what the text is in.
    `topic` is what it complains of (None: nothing), `planted` the key of the irritant that made it.
    """

    id: str
    channel: Channel
    storefront: str | None
    locale: str
    language: str
    author: str
    author_id: int
    stars: int
    title: str
    body: str
    written_at: datetime
    version: str | None
    device: str | None = None
    topic: str | None = None
    planted: str | None = None
    edited_at: datetime | None = None
    before: Wording | None = None
    reply: str | None = None
    replied_at: datetime | None = None
    thumbs_up: int = 0

    def as_of(self, moment: datetime) -> "Review | None":
        """The review as the store showed it at that moment: None before it was written, unedited before its edit."""
        if moment < self.written_at:
            return None
        shown = self
        if self.edited_at is not None and self.before is not None and moment < self.edited_at:
            was = self.before
            shown = replace(
                shown,
                stars=was.stars,
                title=was.title,
                body=was.body,
                version=was.version,
                edited_at=None,
                before=None,
            )
        if self.replied_at is not None and moment < self.replied_at:
            shown = replace(shown, reply=None, replied_at=None)
        return shown


@dataclass(frozen=True, slots=True)
class Release:
    """A version that a store offers from `released_at` on, with its notes in French and English."""

    channel: Channel
    version: str
    released_at: datetime
    notes_fr: str
    notes_en: str


@dataclass(frozen=True, slots=True)
class RatingCount:
    """A store's counter at the end of a day (UTC): how many of one to five stars were ever given."""

    channel: Channel
    storefront: str | None
    day: date
    histogram: tuple[int, int, int, int, int]

    @property
    def count(self) -> int:
        """How many ratings."""
        return sum(self.histogram)

    @property
    def average(self) -> float:
        """Mean stars."""
        return sum((i + 1) * n for i, n in enumerate(self.histogram)) / self.count


@dataclass(frozen=True, slots=True)
class Planted:
    """An irritant of the plot: true from `began_day` (its release) until `mended_day` (the release that mends it)."""

    key: str
    name_fr: str
    name_en: str
    topic: str
    also: tuple[str, ...]
    channels: tuple[Channel, ...]
    began_version: str
    began_day: date
    mended_version: str
    mended_day: date


@dataclass(frozen=True, slots=True)
class Burst:
    """Harmless extra reviews from `first_day` for `days` days: nothing should be alerted."""

    key: str
    name_fr: str
    name_en: str
    first_day: date
    days: int


@dataclass(frozen=True)
class Story:
    """Everything that happened to the app until `today`. `reviews` are in the order of `written_at`."""

    today: date
    first_day: date
    reviews: tuple[Review, ...]
    releases: tuple[Release, ...]
    ratings: tuple[RatingCount, ...]
    planted: tuple[Planted, ...]
    bursts: tuple[Burst, ...]
    name: str = APP_NAME
    app_store_id: int = APP_STORE_ID
    package: str = PACKAGE

    def current_release(self, channel: Channel, moment: datetime) -> Release:
        """The newest release that the store offers at that moment (the first one, if none is out yet)."""
        ours = [r for r in self.releases if r.channel == channel]
        return max((r for r in ours if r.released_at <= moment), key=lambda r: r.released_at, default=ours[0])
