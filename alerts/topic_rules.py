"""Irritants: topics of the whole app whose share of the reviews grows, and their share of the bad reviews with it."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date

import numpy as np

from alerts.choices import Choices
from alerts.detectors import Judgement, Thresholds, new_irritant, new_irritant_scan
from alerts.detectors.calibration import false_alarm_years
from alerts.detectors.stars import Floats
from alerts.finding import calm_since, make_finding
from alerts.life import Finding, Held, Key
from alerts.star_rules import mostly_judged
from alerts.streams import Bools, History, Ints, newest
from alerts.watched import Watched

KNOWN_DAYS = 28  # of history before a topic can be called new
KNOWN_REVIEWS = 100


def topic_scores(history: History) -> Floats:
    """Score every topic at the end of every day: (topics, days).

    The lesser of two: the growth of the topic's share of all reviews, and of its share of the bad ones. On a day of
    bad mood every complaint is heard more often; only what grows among the complaints is an irritant of its own.
    Where bad reviews are too few for the second, the first decides.
    """
    mentions, judged = history.mentions["app"], history.judged["app"]
    everywhere = new_irritant_scan(mentions, history.reviews["app"], judged)
    return np.fmin(everywhere, new_irritant_scan(mentions, history.bad_reviews(), judged))


def topic_findings(
    history: History, scored: Floats, day: date, live: Mapping[Key, Held], watch: Watched, chosen: Choices
) -> Iterable[Finding]:
    """Judge the topics that `scored` (topics, days) calls loud, and those that have a live incident."""
    judged, app = history.judged["app"], history.streams[0]
    at = newest(judged, history.first_day, day)
    if at is None or not history.topics or app.days_known(at) < KNOWN_DAYS:
        return
    limits = chosen.thresholds("new_irritant")
    least = limits.watch
    mentions = history.mentions["app"]
    for row, topic in enumerate(history.topics):
        subject = f"topic:{topic}"
        known = live.get(("new_irritant", subject))
        over = history.over.get(subject) if known is None else None
        if known is None and over is None and not scored[row, history.index(at)] >= least:
            continue
        frozen = known.frozen(at) if known else None
        said = mentions[row : row + 1]
        seen = judged if over is None else judged & ~over
        found = _irritant(history, said, at, judged=seen, frozen=frozen, limits=limits)
        if found is None:
            if known is not None:  # fewer than three mentions in 14 days: this is calm, not silence
                yield _quiet_topic(subject, at, calm_since(judged, history, known, at))
        elif known is not None or (found.effect.n_before >= KNOWN_REVIEWS and mostly_judged(app, found, at)):
            yield from make_finding(
                history, subject, found, at, known=known, judged=judged, streams=watch.topics, here=len(history.topics)
            )


def _quiet_topic(subject: str, day: date, calm: int) -> Finding:
    return Finding("new_irritant", subject, None, 0.0, day, day, 1, day, day, 0.0, {}, {}, calm)


def _irritant(
    history: History, said: Ints, day: date, *, judged: Bools, frozen: date | None, limits: Thresholds
) -> Judgement | None:
    """Judge one topic's mentions (1, days) as `topic_scores` does; the effect is its share of all reviews."""
    found, among = (
        new_irritant(
            said, reviews, history.first_day, day, judged=judged, frozen_baseline_end=frozen, thresholds=limits
        )[0]
        for reviews in (history.reviews["app"], history.bad_reviews())
    )
    if found is None or among is None or among.score >= found.score:
        return found
    score = among.score
    return replace(
        found, score=score, level=limits.level(score), false_alarm_years=false_alarm_years("new_irritant", score)
    )
