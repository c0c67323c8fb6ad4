"""Bursts within the day, on one app's hours: of all bad reviews, and of those that name one topic."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np

from alerts.choices import Choices
from alerts.detectors import judge_burst, judge_topic_burst, scan_bursts, scan_topic_bursts
from alerts.detectors.burst import BurstScan
from alerts.detectors.calibration import Calibrated
from alerts.detectors.judgement import Judgement
from alerts.detectors.stars import Floats
from alerts.detectors.topic_burst import TopicBurstScan
from alerts.finding import calm_since, make_finding
from alerts.hours import Hours
from alerts.life import Finding, Held, Key
from alerts.streams import History, newest

LATE_HOURS = 12
"""Hours before the day that are looked at again: stores publish reviews late, and a burst may begin in the evening."""


@dataclass(frozen=True, slots=True)
class BurstScores:
    """Both scans over the same hours; NaN scores count as nothing in `loud` and `loud_topics` ((topics,) hours)."""

    hours: Hours
    all: BurstScan
    topics: TopicBurstScan
    loud: Floats
    loud_topics: Floats


def burst_scores(hours: Hours) -> BurstScores:
    """Score every hour at once."""
    whole = scan_bursts(hours.negatives[None], hours.reviews[None])
    topics = scan_topic_bursts(hours.mentions, hours.negatives, hours.reviews)
    return BurstScores(hours, whole, topics, _quiet(whole.score[0]), _quiet(topics.score))


def _quiet(scores: Floats) -> Floats:
    return np.where(np.isnan(scores), -np.inf, scores)


def burst_findings(
    history: History, scored: BurstScores, day: date, live: Mapping[Key, Held], apps: int, chosen: Choices
) -> Iterable[Finding]:
    """Judge the hours of a day and of the evening before: the loudest, and the loudest of each topic."""
    judged = history.judged["app"]
    at = newest(judged, history.first_day, day)
    hours = scored.hours
    if at is None or at < hours.first_day:
        return
    end = min(((at - hours.first_day).days + 1) * 24, len(hours.negatives))
    span = slice(max(end - 24 - LATE_HOURS, 0), end)
    told: list[tuple[str, Judgement]] = []
    loudest = span.start + int(np.argmax(scored.loud[span]))
    found = judge_burst(scored.all, 0, loudest, hours.first_hour, chosen.thresholds("burst"))
    if found is not None and found.level is not None:
        told.append(("app", found))
    for row, topic in enumerate(hours.topics):
        loudest = span.start + int(np.argmax(scored.loud_topics[row, span]))
        if scored.loud_topics[row, loudest] >= chosen.thresholds("topic_burst").watch:
            one = judge_topic_burst(scored.topics, row, loudest, hours.first_hour, chosen.thresholds("topic_burst"))
            if one is not None:
                told.append((f"topic:{topic}", one))
    for subject, judgement in told:
        line: Calibrated = "topic_burst" if subject != "app" else "burst"
        for made in make_finding(
            history, subject, judgement, at, known=None, judged=judged, streams=apps, line=line, here=1
        ):
            yield replace(made, evidence=_with_hours(made.evidence, judgement))
    above = {subject for subject, _ in told}
    for (rule, subject), known in live.items():
        if rule == "burst" and subject not in above:
            yield _calm(subject, at, calm_since(judged, history, known, at))


def _with_hours(evidence: Mapping[str, Any], found: Judgement) -> dict[str, Any]:
    hours = found.window_hours or 1
    seen, usual = round(found.effect.after * hours), found.effect.before * hours
    window = {**evidence["window"], "hours": hours, "reviews": seen}
    window["to"] = str(min(date.fromisoformat(window["to"]), found.since + timedelta(days=found.window_days - 1)))
    return {**evidence, "window": window, "burst": {"seen": seen, "usual": round(usual, 1), "hours": hours}}


def _calm(subject: str, day: date, calm: int) -> Finding:
    return Finding("burst", subject, None, 0.0, day, day, 1, day, day, 0.0, {}, {}, calm)
