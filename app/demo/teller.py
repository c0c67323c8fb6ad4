"""Telling one listing's days: who writes what, on which version, with how many stars, and who comes back."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import TypeVar
from uuid import UUID

from app.demo import plot
from app.demo.chance import cumulated, draw, poisson, tilted
from app.demo.facts import RatingCount, Release, Review, Wording
from app.demo.plot import Listing, PlotBurst, PlotIrritant
from app.demo.writing import SERVICE, WORDS, Draft, Writer

A = TypeVar("A")
B = TypeVar("B")

_HOURS = (3, 1, 0, 0, 0, 2, 6, 9, 9, 8, 8, 9, 8, 7, 7, 7, 8, 9, 10, 10, 9, 8, 6, 4)  # UTC
_HOUR_ODDS = cumulated(tuple(float(h) for h in _HOURS))
_STARS = (0.066, 0.036, 0.062, 0.168, 0.668)
_SHORT = {1: 0.2, 2: 0.14, 3: 0.2, 4: 0.36, 5: 0.52}
_MENDED = (0.16, 0.5, 1.0)  # cumulated: three, four, five stars
_DEVICES = (
    "Samsung Galaxy A54", "Samsung Galaxy S23", "Samsung Galaxy A14", "Google Pixel 8", "Xiaomi Redmi Note 12",
    "Xiaomi 13", "OPPO A78", "OnePlus Nord 3", "Samsung Galaxy S21 FE", "Honor 90", "Fairphone 5", "Motorola G84",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mood:
    """A day: factor on the volume, tilt of the stars."""

    volume: float
    tilt: float


class Teller:
    """Tells the days of one listing, in order."""

    def __init__(self, listing: Listing, today: date, releases: tuple[Release, ...], rng: Random) -> None:
        self._listing = listing
        self._today = today
        self._rng = rng
        self._random = rng.random
        self._writer = Writer(rng)
        self._ours = [r for r in releases if r.channel == listing.channel]
        self._number = 11_000_000_000 + 40 * plot.LISTINGS.index(listing)
        self._languages = cumulated(tuple(listing.languages.values()))
        self._language_names = tuple(listing.languages)
        self._topics = tuple(plot.TOPIC_SHARES)
        self._topic_odds = cumulated(tuple(plot.TOPIC_SHARES.values()))
        self._out: list[tuple[date, str]] = [(r.released_at.date(), r.version) for r in self._ours]

    def day(self, day: date, mood: Mood) -> list[Review]:
        """The reviews of one day, in order."""
        listing = self._listing
        usual = listing.per_day * mood.volume
        odds = tilted(_STARS, mood.tilt + listing.tilt)
        angry = 0.0
        told: list[tuple[datetime, Callable[[datetime], Review]]] = []
        for irritant in plot.IRRITANTS:
            if listing.channel not in irritant.channels:
                continue
            rate = self._rate(irritant, day)
            angry += rate
            earliest = 7 if rate and self._released_on(irritant.began, day) else 0
            stars = cumulated(irritant.stars)
            told += [
                (self._moment(day, earliest), _later(self._complaint, irritant, stars))
                for _ in range(poisson(usual * rate, self._random))
            ]
        normal = cumulated(odds)
        told += [
            (self._moment(day, 0), _later(self._ordinary, normal, None))
            for _ in range(poisson(usual * (1 - 0.25 * min(angry, 1.0)), self._random))
        ]
        for burst in plot.BURSTS:
            ago = (self._today - day).days
            if listing.channel in burst.channels and 0 <= burst.days_ago - ago < burst.days:
                burst_odds = cumulated(burst.stars) if burst.stars else normal
                told += [
                    (self._moment(day, 0), _later(self._ordinary, burst_odds, burst))
                    for _ in range(poisson(usual * burst.extra, self._random))
                ]
        told.sort(key=lambda item: item[0])
        return [write(moment) for moment, write in told]

    def _released_on(self, version: str, day: date) -> bool:
        return (day, version) in self._out

    def _rate(self, irritant: PlotIrritant, day: date) -> float:
        """Complaints of the irritant that day, as a share of the usual reviews."""
        began = next(d for d, v in self._out if v == irritant.began)
        mended = next(d for d, v in self._out if v == irritant.mended)
        age, healed = (day - began).days, (day - mended).days
        if age < 0 or healed >= len(plot.RELIEF):
            return 0.0
        uptake = plot.UPTAKE[age] if age < len(plot.UPTAKE) else 0.95
        return irritant.peak * uptake * (plot.RELIEF[healed] if healed >= 0 else 1.0)

    def _moment(self, day: date, earliest: int) -> datetime:
        hour = draw(_HOUR_ODDS, self._random())
        if hour < earliest:
            hour = earliest + int(self._random() * (24 - earliest))
        second = int(self._random() * 3600)
        return datetime.combine(day, time(hour, second // 60, second % 60), UTC)

    def _version(self, moment: datetime) -> str:
        """The version a person has on that day: mostly the newest, sometimes an older one."""
        out = [r for r in self._ours if r.released_at <= moment]
        for release in reversed(out[-4:]):
            age = (moment - release.released_at).days
            uptake = plot.UPTAKE[age] if age < len(plot.UPTAKE) else 0.95
            if self._random() < uptake:
                return release.version
        return out[-1].version if out else self._ours[0].version

    def _complaint(self, irritant: PlotIrritant, stars: tuple[float, ...], moment: datetime) -> Review:
        language = self._language()
        if language not in WORDS:
            language = self._listing.locale
        given = 1 + draw(stars, self._random())
        kind = "complaint"
        if given >= 4:
            kind = "mixed"
        elif self._random() < 0.05:
            kind = "irony"
        elif self._random() < 0.006:
            kind = "personal"
        draft = Draft(kind, language, given, irritant.key, update=True, version=irritant.began)
        version = irritant.began if self._random() < 0.94 else self._version(moment)
        review = self._review(draft, moment, version, irritant.topic, irritant.key)
        mended = next(d for d, v in self._out if v == irritant.mended)
        if given <= 2 and moment.date() < mended and self._random() < 0.1:
            edited = datetime.combine(mended, time(9), UTC) + timedelta(hours=self._random() ** 2 * 160)
            return self._mend(review, edited, irritant.mended)
        return review

    def _mend(self, review: Review, at: datetime, version: str) -> Review:
        """The customer comes back after the fix and raises the stars."""
        if at.date() > self._today:
            return review
        stars = 3 + draw(_MENDED, self._random())
        title, body = self._writer.write(Draft("mended", review.language, stars, version=version))
        if self._random() < 0.4:
            body = f"{body}\n{review.body}"
        kept = review.title if self._random() < 0.6 or not review.title else title
        return replace(
            review,
            stars=stars,
            title=kept,
            body=body,
            edited_at=at,
            before=_wording(review),
            version=review.version and version,
        )

    def _ordinary(self, odds: tuple[float, ...], burst: PlotBurst | None, moment: datetime) -> Review:
        language = self._language()
        given = 1 + draw(odds, self._random())
        version = self._version(moment)
        if self._random() < (burst.short if burst else _SHORT[given]):
            return self._review(Draft("short", language, given), moment, version, None, None)
        kind = self._kind(given)
        topic = None
        if kind in {"complaint", "mixed", "irony", "personal"}:
            topic = self._topics[draw(self._topic_odds, self._random())]
        if kind == "irony" and topic in SERVICE:
            kind = "complaint"  # irony is about the app
        draft = Draft(kind, language, given, topic, update=self._random() < 0.12, version=version)
        return self._review(draft, moment, version, topic, None)

    def _kind(self, stars: int) -> str:
        chance = self._random()
        if stars == 5:
            return (
                "praise" if chance < 0.885 else "request" if chance < 0.945 else "mixed" if chance < 0.99 else "irony"
            )
        if stars == 4:
            return "praise" if chance < 0.5 else "request" if chance < 0.74 else "mixed"
        if stars == 3:
            return "mixed" if chance < 0.55 else "request" if chance < 0.75 else "complaint"
        return "complaint" if chance < 0.9 else "irony" if chance < 0.985 else "personal"

    def _language(self) -> str:
        return self._language_names[draw(self._languages, self._random())]

    def _review(self, draft: Draft, moment: datetime, version: str, topic: str | None, planted: str | None) -> Review:
        listing = self._listing
        writer = self._writer
        title, body = writer.write(draft)
        apple = listing.channel == "app_store"
        if apple:
            # ids grow in the order of writing, as Apple's do; the four listings never share one
            self._number += 200 + 200 * int(self._random() * 40)
            identity = str(self._number)
        else:
            identity = str(UUID(int=self._rng.getrandbits(128), version=4))
        reply = replied_at = None
        words = WORDS.get(draft.language)
        if words and self._random() < (0.34 if draft.stars <= 2 else 0.12 if draft.stars == 3 else 0.04):
            reply = writer.pick(words.replies_bad if draft.stars <= 3 else words.replies_good)
            replied_at = moment + timedelta(hours=6 + self._random() * 90)
        name = writer.pick((words or WORDS["fr"]).names)
        if self._random() < 0.45:
            name += self.pick_suffix()
        review = Review(
            id=identity, channel=listing.channel, storefront=listing.storefront, locale=listing.locale,
            language=draft.language, author=name, author_id=100_000_000 + self._rng.getrandbits(30),
            stars=draft.stars, title=title if apple else "", body=body, written_at=moment,
            version=version if apple or self._random() > 0.27 else None,
            device=None if apple else writer.pick(_DEVICES), topic=topic, planted=planted, reply=reply,
            replied_at=replied_at, thumbs_up=int(self._random() ** 8 * 12),
        )  # fmt: skip
        if planted is None and draft.kind in {"praise", "request"} and self._random() < 0.012:
            edited = moment + timedelta(hours=2 + self._random() * 400)
            if edited.date() > self._today:
                return review
            return replace(
                review,
                edited_at=edited,
                before=Wording(max(1, review.stars - 1), review.title, body[: len(body) // 2 + 8], review.version),
            )
        return review

    def pick_suffix(self) -> str:
        """What people add to a name that is taken."""
        return self._writer.pick(("", "_", ".", " ")) + str(int(self._random() * 99) + 1)


def _wording(review: Review) -> Wording:
    return Wording(review.stars, review.title, review.body, review.version)


def _later(write: Callable[[A, B, datetime], Review], first: A, second: B) -> Callable[[datetime], Review]:
    return lambda moment: write(first, second, moment)


def count_ratings(listing: Listing, days: list[date], told: list[Review]) -> Iterator[RatingCount]:
    """The counters: about seven ratings without text for each review, three quarters of them untouched by the day."""
    given: dict[date, list[int]] = {}
    for review in told:
        given.setdefault(review.written_at.date(), [0] * 5)[review.stars - 1] += 1
    total = [listing.ratings_before * share for share in listing.histogram]
    for day in days:
        stars = given.get(day, [0] * 5)
        count = sum(stars)
        for i in range(5):
            total[i] += stars[i] + 7 * (0.75 * count * listing.histogram[i] + 0.25 * stars[i])
        yield RatingCount(
            listing.channel, listing.storefront, day,
            (round(total[0]), round(total[1]), round(total[2]), round(total[3]), round(total[4])),
        )  # fmt: skip
