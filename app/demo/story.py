"""The demo's story: eighteen months of a made-up bank app's reviews, releases and ratings, told from a seed.

The plot (what breaks when) is in plot.py, the words in words_fr.py and words_en.py. Days vary as real ones do
(weekly pattern, holidays, day shocks of about 0.2 stars, slow drift), so that a detector has something to withstand.
"""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from random import Random

from app.demo import plot
from app.demo.facts import APP_NAME, APP_STORE_ID, PACKAGE, Burst, Planted, RatingCount, Release, Review, Story, Wording
from app.demo.plot import Channel, PlotIrritant
from app.demo.teller import Mood, Teller, count_ratings

__all__ = [
    "APP_NAME",
    "APP_STORE_ID",
    "PACKAGE",
    "Burst",
    "Planted",
    "RatingCount",
    "Release",
    "Review",
    "Story",
    "Wording",
    "tell",
]

_RELEASE_TIME = time(6, 0)
_WEEK = (1.09, 1.06, 1.02, 1.0, 1.03, 0.94, 0.86)  # Monday first
_HOLIDAYS = {(1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25)}


def tell(today: date, months: int = 18, seed: int = 7) -> Story:
    """Tell the story that ends on `today` (UTC day), `months` long. The same arguments give the same story."""
    length = round(months * 30.4375)
    first_day = today - timedelta(days=length - 1)
    days = [first_day + timedelta(days=i) for i in range(length)]
    releases = _releases(today)
    weather = _weather(days, today, Random(f"{seed}/weather"))  # noqa: S311 - a story, not a secret
    reviews: list[Review] = []
    ratings: list[RatingCount] = []
    for listing in plot.LISTINGS:
        rng = Random(f"{seed}/{listing.channel}/{listing.storefront}/{listing.locale}")  # noqa: S311
        teller = Teller(listing, today, releases, rng)
        told = [review for day, mood in zip(days, weather, strict=True) for review in teller.day(day, mood)]
        reviews += told
        ratings += count_ratings(listing, days, told)
    reviews.sort(key=lambda r: (r.written_at, r.id))
    planted = tuple(p for p in (_planted(i, today) for i in plot.IRRITANTS) if p.began_day >= first_day)
    bursts = tuple(
        Burst(b.key, b.name_fr, b.name_en, today - timedelta(days=b.days_ago), b.days)
        for b in plot.BURSTS
        if today - timedelta(days=b.days_ago) >= first_day
    )
    return Story(today, first_day, tuple(reviews), releases, _merge_play(ratings), planted, bursts)


def _releases(today: date) -> tuple[Release, ...]:
    found = [
        Release(
            channel,
            r.version,
            datetime.combine(
                today - timedelta(days=r.days_ago - (r.play_delay if channel == "google_play" else 0)),
                _RELEASE_TIME,
                UTC,
            ),
            r.notes_fr,
            r.notes_en,
        )
        for r in plot.RELEASES
        for channel in r.channels
    ]
    return tuple(sorted(found, key=lambda r: (r.released_at, r.channel)))


def _planted(irritant: PlotIrritant, today: date) -> Planted:
    days = {r.version: today - timedelta(days=r.days_ago + _delay(r, irritant)) for r in plot.RELEASES}
    return Planted(
        irritant.key, irritant.name_fr, irritant.name_en, irritant.topic, irritant.also, irritant.channels,
        irritant.began, days[irritant.began], irritant.mended, days[irritant.mended],
    )  # fmt: skip


def _delay(release: plot.PlotRelease, irritant: PlotIrritant) -> int:
    """Minus the days that an irritant of Google Play alone begins after the release's own day."""
    return 0 if "app_store" in irritant.channels else -release.play_delay


def _weather(days: list[date], today: date, rng: Random) -> list[Mood]:
    drift = 0.0
    moods = []
    for day in days:
        drift = 0.985 * drift + rng.gauss(0, 0.011)
        volume = _WEEK[day.weekday()] * rng.gammavariate(40, 1 / 40)
        if (day.month, day.day) in _HOLIDAYS:
            volume *= 0.62
        if day.month == 8:
            volume *= 0.86
        if (day.month == 12 and day.day >= 24) or (day.month == 1 and day.day <= 2):
            volume *= 0.8
        for release in plot.RELEASES:
            if 0 <= release.days_ago - (today - day).days < 3:
                volume *= 1.12
        moods.append(Mood(volume, drift + rng.gauss(0, 0.11)))
    return moods


def _merge_play(ratings: list[RatingCount]) -> tuple[RatingCount, ...]:
    """Google Play has one counter for all languages: add them up."""
    merged: dict[tuple[Channel, str | None, date], RatingCount] = {}
    for rating in ratings:
        key = (rating.channel, rating.storefront, rating.day)
        known = merged.get(key)
        if known is not None:
            a, b, c, d, e = (x + y for x, y in zip(known.histogram, rating.histogram, strict=True))
            merged[key] = replace(rating, histogram=(a, b, c, d, e))
        else:
            merged[key] = rating
    return tuple(merged.values())
