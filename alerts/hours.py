"""The hours before a look: bad reviews, all reviews and negative mentions of each topic, for bursts within the day.

Only the last days are counted review by review. The four weeks that say what is usual come from the daily counts,
spread over the day as the last week's reviews are: the same rate, at the cost of a few hundred rows.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.apps import App
from models.feedback import Verbatim, VerbatimTopic
from models.rollups import DailyStars, DailyTopics

Floats = NDArray[np.float64]
EXACT_DAYS = 8
USUAL_DAYS = 31  # 28 days of usual, and the two that are looked at


@dataclass(frozen=True, slots=True)
class Hours:
    """Counts by local hour from `first_day` 00:00: `negatives` (1 and 2 stars), `reviews` (hours,), `mentions`."""

    first_day: date
    negatives: Floats
    reviews: Floats
    topics: tuple[str, ...]
    mentions: Floats

    @property
    def first_hour(self) -> datetime:
        """The start of the first hour, local and naive."""
        return datetime.combine(self.first_day, time())


def read_hours(
    session: Session, app: App, until: date, *, days: int = USUAL_DAYS, exact_days: int = EXACT_DAYS
) -> Hours:
    """Read the hours of the `days` days up to `until` (included), the last `exact_days` of them review by review."""
    first = until - timedelta(days=days - 1)
    exact = max(until - timedelta(days=exact_days - 1), first)
    zone = ZoneInfo(app.timezone)
    begin, end = (datetime.combine(day, time(), zone) for day in (exact, until + timedelta(days=1)))
    rows = (exact - first).days * 24
    negatives, reviews = np.zeros(days * 24), np.zeros(days * 24)
    v, d = Verbatim, DailyStars
    hour = func.date_trunc("hour", func.timezone(app.timezone, v.written_at)).label("hour")
    told = (v.app_id == app.id, v.written_at >= begin, v.written_at < end, v.stars.is_not(None))
    start = datetime.combine(first, time())
    for at, n, bad in session.execute(
        select(hour, func.count(), func.count().filter(v.stars <= 2)).where(*told).group_by(hour)
    ):
        here = int((at - start) / timedelta(hours=1))
        reviews[here], negatives[here] = n, bad
    profile = _profile(reviews[rows:])
    for day, n, bad in session.execute(
        select(d.day, func.sum(d.s1 + d.s2 + d.s3 + d.s4 + d.s5), func.sum(d.s1 + d.s2))
        .where(d.app_id == app.id, d.day >= first, d.day < exact)
        .group_by(d.day)
    ):
        here = (day - first).days * 24
        reviews[here : here + 24], negatives[here : here + 24] = int(n) * profile, int(bad) * profile
    topics, mentions = _mentions(session, app, first, exact, told, profile, days)
    return Hours(first, negatives, reviews, topics, mentions)


def _profile(reviews: Floats) -> Floats:
    """Return the share of a day's reviews that each hour has, a little evened: a week is not much."""
    by_hour = reviews.reshape(-1, 24).sum(axis=0)
    shares: Floats = (by_hour + by_hour.mean() / 4 + 1) / (by_hour + by_hour.mean() / 4 + 1).sum()
    return shares


def _mentions(
    session: Session, app: App, first: date, exact: date, told: tuple[object, ...], profile: Floats, days: int
) -> tuple[tuple[str, ...], Floats]:
    v, t, d = Verbatim, VerbatimTopic, DailyTopics
    hour = func.date_trunc("hour", func.timezone(app.timezone, v.written_at)).label("hour")
    recent = session.execute(
        select(t.topic, hour, func.count())
        .join(v, (v.app_id == t.app_id) & (v.id == t.verbatim_id))
        .where(*told, t.sentiment < 0)  # type: ignore[arg-type]
        .group_by(t.topic, hour)
    ).all()
    topics = tuple(sorted({topic for topic, _, _ in recent}))
    place = {topic: number for number, topic in enumerate(topics)}
    mentions = np.zeros((len(topics), days * 24))
    start = datetime.combine(first, time())
    for topic, at, n in recent:
        mentions[place[topic], int((at - start) / timedelta(hours=1))] = n
    for topic, day, n in session.execute(
        select(d.topic, d.day, func.sum(d.negative))
        .where(d.app_id == app.id, d.day >= first, d.day < exact, d.topic.in_(topics))
        .group_by(d.topic, d.day)
    ):
        here = (day - first).days * 24
        mentions[place[topic], here : here + 24] = int(n) * profile
    return topics, mentions
