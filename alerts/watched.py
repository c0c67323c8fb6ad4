"""How many streams, apps and topics the team watches: what "over your 100" means, and what a budget is split over."""

from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from alerts.detectors.calibration import Calibrated
from alerts.streams import BUSY, BUSY_DAYS
from models.rollups import DailyStars, DailyTopics
from models.stability import DailySessions


@dataclass(frozen=True, slots=True)
class Watched:
    """How many streams of each kind the team watches over all its apps: what "over your 100" means.

    `streams` are star series, `app_streams` those of them that are a whole app, `apps` the apps' channels, `topics`
    the topics of all apps, `whole` the apps.
    """

    streams: int = 1
    apps: int = 1
    topics: int = 1
    whole: int = 1
    crashes: int = 0

    def of(self, rule: str) -> int:
        """Return how many there are of what the rule judges."""
        known = {"rating_drop": self.streams, "bad_release": self.apps, "new_irritant": self.topics}
        return known.get(rule, max(self.crashes, 1) if rule.endswith("crash_spike") else self.whole)

    def levels(self) -> dict[tuple[Calibrated, str], int]:
        """Return how many streams each rule has at each level of detail: what a noise budget is split over."""
        return {
            ("rating_drop", "app"): self.whole,
            ("rating_drop", "stream"): self.streams - self.whole,
            ("bad_release", "app"): self.apps,
            ("new_irritant", "app"): self.topics,
            ("burst", "app"): self.whole,
            ("topic_burst", "app"): self.whole,
            ("crash_spike", "app"): self.crashes,
            ("release_crash_spike", "app"): self.crashes,
        }


def watched(session: Session, day: date) -> Watched:
    """Count what is watched over all apps, as of `day`."""
    d = DailyStars
    recent = d.day.between(day - timedelta(days=BUSY_DAYS - 1), day)
    busy = (
        select(d.app_id, d.channel, d.storefront)
        .where(recent, d.storefront != "")
        .group_by(d.app_id, d.channel, d.storefront)
        .having(func.sum(d.n) >= BUSY * BUSY_DAYS)
        .subquery()
    )
    channels = select(d.app_id, d.channel).where(recent).distinct().subquery()
    apps = session.scalar(select(func.count(func.distinct(channels.c.app_id)))) or 1
    pairs = session.scalar(select(func.count()).select_from(channels)) or 1
    storefronts = session.scalar(select(func.count()).select_from(busy)) or 0
    t = DailyTopics
    topics = select(t.app_id, t.topic).where(t.day.between(day - timedelta(days=BUSY_DAYS - 1), day)).distinct()
    spoken = session.scalar(select(func.count()).select_from(topics.subquery())) or 1
    crashed = select(DailySessions.app_id, DailySessions.channel).where(
        DailySessions.day.between(day - timedelta(days=BUSY_DAYS - 1), day)
    )
    crashes = session.scalar(select(func.count()).select_from(crashed.distinct().subquery())) or 0
    streams = apps + (pairs if pairs > apps else 0) + storefronts
    return Watched(streams=streams, apps=pairs, topics=spoken, whole=apps, crashes=crashes)
