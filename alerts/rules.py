"""What is watched: the app's stars, those of its channels and busy storefronts, its newest versions, its topics.

`look` is one glance at one app: it reads the history, judges, and adds three telling verbatims. `judge` is the same
without the database, so that a replay runs it on every past day.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from alerts.detectors import (
    DEFAULT_THRESHOLDS,
    Judgement,
    Rule,
    bad_release,
    new_irritant,
    new_irritant_scan,
    rating_drop,
    rating_drop_scan,
)
from alerts.detectors.bad_release import GUARD_DAYS
from alerts.detectors.stars import Floats
from alerts.evidence import changed, quotes
from alerts.life import Finding, Held, Key, held
from alerts.streams import BUSY, BUSY_DAYS, Bools, History, Launch, Stream, newest, read_history
from alerts.unseen import unseen
from models.apps import App
from models.incidents import Incident
from models.rollups import DailyStars, DailyTopics

KNOWN_DAYS = 28  # of history before a topic can be called new
KNOWN_REVIEWS = 100


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores at the end of every day, baselines moving: `stars` (streams, days), `topics` (topics, days)."""

    stars: Floats
    topics: Floats


@dataclass(frozen=True, slots=True)
class Watched:
    """How many streams of each kind the team watches over all its apps: what "over your 100" means."""

    streams: int = 1
    apps: int = 1
    topics: int = 1

    def of(self, rule: str) -> int:
        """Return how many there are of what the rule judges."""
        return {"rating_drop": self.streams, "bad_release": self.apps, "new_irritant": self.topics}[rule]


def look(session: Session, app: App, day: date, *, until_counts: bool = False) -> list[Finding]:
    """Judge one app at the end of `day`: what is at watch or alert, and how the subjects of live incidents are.

    Where `day` is not complete yet, the newest complete day of the two before it is judged instead. With
    `until_counts` the caller vouches that every source has just been read, and `day` counts as it is.
    """
    history = read_history(session, app, day, until_counts=until_counts)
    live = list(session.scalars(select(Incident).where(Incident.app_id == app.id, Incident.state != "resolved")))
    found = judge(history, scores(history), day, held(live), watched(session, day))
    return [with_quotes(session, finding, app.id) for finding in found]


def with_quotes(session: Session, finding: Finding, app_id: int) -> Finding:
    """Add three telling verbatims to a finding that is above."""
    if finding.level is None:
        return finding
    return replace(
        finding,
        evidence={**finding.evidence, "quotes": quotes(session, app_id, finding.subject, finding.evidence)},
    )


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
    return Watched(streams=apps + (pairs if pairs > apps else 0) + storefronts, apps=pairs, topics=spoken)


def scores(history: History) -> Scores:
    """Score every day of the history at once; a look then judges only what is loud."""
    counts = np.stack([stream.counts for stream in history.streams])
    judged = np.stack([stream.judged for stream in history.streams])
    stars = rating_drop_scan(counts, judged)
    if not history.topics:
        return Scores(stars, np.zeros((0, counts.shape[1])))
    return Scores(stars, new_irritant_scan(history.mentions["app"], history.reviews["app"], history.judged["app"]))


def judge(history: History, scored: Scores, day: date, live: Mapping[Key, Held], streams: Watched) -> list[Finding]:
    """Run every rule on `day`; `live` are the subjects of live incidents, whose baselines stay frozen."""
    found = [
        *_drops(history, scored, day, live, streams),
        *_versions(history, day, live, streams),
        *_topics(history, scored, day, live, streams),
    ]
    return unseen(history, live, found, day)


def _drops(history: History, scored: Scores, day: date, live: Mapping[Key, Held], watch: Watched) -> Iterable[Finding]:
    least = DEFAULT_THRESHOLDS["rating_drop"].watch
    for row, stream in enumerate(history.streams):
        at = stream.last_judged(day)
        known = live.get(("rating_drop", stream.subject))
        if at is None:
            continue
        if known is None and not (scored.stars[row, history.index(at)] >= least and _watchable(stream, at)):
            continue
        frozen = known.frozen(at) if known else None
        found = rating_drop(stream.counts, stream.first_day, at, judged=stream.judged, frozen_baseline_end=frozen)
        if found is not None and (known is not None or _mostly_judged(stream, found, at)):
            yield from _finding(history, stream.subject, found, at, known=known, judged=stream.judged, watch=watch)


def _watchable(stream: Stream, day: date) -> bool:
    return not stream.subject.startswith("storefront:") or stream.busy(day)


def _mostly_judged(stream: Stream, found: Judgement, day: date) -> bool:
    """Whether most days of the window are complete: a source outage inhibits what it would falsify."""
    window = stream.judged[(found.since - stream.first_day).days : (day - stream.first_day).days + 1]
    return bool(window.size) and float(window.mean()) > 0.5


def _versions(history: History, day: date, live: Mapping[Key, Held], watch: Watched) -> Iterable[Finding]:
    newest_of = {launch.channel: launch for launch in history.launches if launch.day <= day}
    for launch in history.launches:
        subject = f"version:{launch.channel}:{launch.version}"
        known = live.get(("bad_release", subject))
        if launch.channel not in history.judged or (known is None and newest_of.get(launch.channel) is not launch):
            continue
        judged = history.judged[launch.channel]
        at = newest(judged, history.first_day, day)
        mine = history.versions.get((launch.channel, launch.version))
        if at is None or mine is None or not history.first_day < launch.day <= at:
            continue
        over = (at - launch.day).days >= GUARD_DAYS
        found = None
        if not over:
            found = bad_release(
                mine,
                history.stars_of(launch.channel),
                first_day=history.first_day,
                released=launch.day,
                look=at,
                judged=judged,
            )
        if found is not None:
            yield from _finding(history, subject, found, at, known=known, judged=judged, watch=watch)
        elif over and known is not None:
            yield _guard_ended(launch, subject, at, _calm(judged, history, known, at))


def _guard_ended(launch: Launch, subject: str, day: date, calm: int) -> Finding:
    """After 14 days a version is no longer compared with the days before it: from there on only calm days count."""
    return Finding(
        rule="bad_release",
        subject=subject,
        level=None,
        score=0.0,
        day=day,
        since=launch.day,
        window_days=(day - launch.day).days + 1,
        baseline_from=launch.day,
        baseline_to=launch.day,
        false_alarm_years=0.0,
        effect={},
        calm_days=calm,
    )


def _topics(history: History, scored: Scores, day: date, live: Mapping[Key, Held], watch: Watched) -> Iterable[Finding]:
    judged, app = history.judged["app"], history.streams[0]
    at = newest(judged, history.first_day, day)
    if at is None or not history.topics or app.days_known(at) < KNOWN_DAYS:
        return
    least = DEFAULT_THRESHOLDS["new_irritant"].watch
    mentions, reviews = history.mentions["app"], history.reviews["app"]
    for row, topic in enumerate(history.topics):
        subject = f"topic:{topic}"
        known = live.get(("new_irritant", subject))
        if known is None and not scored.topics[row, history.index(at)] >= least:
            continue
        frozen = known.frozen(at) if known else None
        (found,) = new_irritant(
            mentions[row : row + 1], reviews, history.first_day, at, judged=judged, frozen_baseline_end=frozen
        )
        if found is None:
            if known is not None:  # fewer than three mentions in 14 days: this is calm, not silence
                yield _quiet_topic(subject, at, _calm(judged, history, known, at))
        elif known is not None or (found.effect.n_before >= KNOWN_REVIEWS and _mostly_judged(app, found, at)):
            yield from _finding(history, subject, found, at, known=known, judged=judged, watch=watch)


def _quiet_topic(subject: str, day: date, calm: int) -> Finding:
    return Finding("new_irritant", subject, None, 0.0, day, day, 1, day, day, 0.0, {}, {}, calm)


def _finding(
    history: History,
    subject: str,
    found: Judgement,
    day: date,
    *,
    known: Held | None,
    judged: Bools,
    watch: Watched,
) -> Iterable[Finding]:
    if found.level is None and known is None:
        return
    rule: Rule = found.rule
    yield Finding(
        rule=rule,
        subject=subject,
        level=found.level,
        score=found.score,
        day=day,
        since=found.since,
        window_days=found.window_days,
        baseline_from=found.baseline_from,
        baseline_to=found.baseline_to,
        false_alarm_years=found.false_alarm_years,
        effect={name: round(value, 4) for name, value in asdict(found.effect).items()},
        evidence=changed(history, subject, found, day, watch.of(rule)) if found.level else {},
        calm_days=_calm(judged, history, known, day) if known and found.level is None else 0,
    )


def _calm(judged: Bools, history: History, known: Held, day: date) -> int:
    """Count the judged days since the incident was last above: days with a hole are neither loud nor calm."""
    first = max(history.index(known.last_above) + 1, 0)
    return int(judged[first : history.index(day) + 1].sum())
