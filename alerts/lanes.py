"""Lanes that need no statistics to speak: urgent verbatims, the team's own keywords, and answers that are overdue.

One incident for each lane and app (or keyword), however many verbatims are in it: thirty of them are one message.
"""

from collections.abc import Iterable
from datetime import date, timedelta

import numpy as np

from alerts.choices import Choices
from alerts.detectors.excess import surge_score
from alerts.detectors.judgement import Level
from alerts.lane_counts import OLDEST, Ints, Lanes
from alerts.life import Finding, Held, Key

LANE_RULES = frozenset({"urgent", "keyword", "unanswered"})
WINDOW = 2  # days that are looked at together
USUAL_DAYS = 56
CLUSTER = 3  # urgent verbatims in two days, more than usual, that are an alert where the team chose no number
RARE = 0.5  # a week: where urgent verbatims are rarer than one a fortnight each is an alert
CLUSTER_SCORE = 2.5


def lane_findings(lanes: Lanes, day: date, live: dict[Key, Held], chosen: Choices) -> Iterable[Finding]:
    """Judge the lanes at a day: what is at watch or alert, and the calm of live incidents."""
    at = (day - lanes.first_day).days
    if chosen.on("urgent"):
        yield from _counted("urgent", "app", lanes.urgent, at, day, live, chosen.urgent_minimum)
    if chosen.on("keyword"):
        for word, counts in lanes.keywords.items():
            yield from _counted("keyword", f"keyword:{word}", counts, at, day, live, chosen.keyword_minimum)
    for rule, subject in live:
        gone = rule == "keyword" and subject.partition(":")[2] not in lanes.keywords
        if rule in LANE_RULES and (gone or not chosen.on(rule)):
            yield _finding(rule, subject, None, 0.0, day, 1, {}, over=True)
    if chosen.on("unanswered"):
        yield from _overdue(lanes, day, live, chosen.answer_days)


def _counted(
    rule: str, subject: str, counts: Ints, at: int, day: date, live: dict[Key, Held], minimum: int | None
) -> Iterable[Finding]:
    seen = int(counts[max(at + 1 - WINDOW, 0) : at + 1].sum())
    if not seen:
        known = live.get((rule, subject))
        if known is not None:
            yield _finding(rule, subject, None, 0.0, day, 1, {}, calm=(day - known.last_above).days)
        return
    before = counts[max(at + 1 - WINDOW - USUAL_DAYS, 0) : max(at + 1 - WINDOW, 0)]
    usual = WINDOW * (float(before.sum()) + 0.5) / max(len(before), 7)
    score = float(surge_score(np.array(float(seen)), np.array(usual), np.array(0.25)))
    if minimum is not None:
        loud = seen >= minimum
    else:
        rare = usual / WINDOW * 7 < RARE
        loud = rare or (seen >= CLUSTER and score >= CLUSTER_SCORE)
    effect = {"before": round(usual, 3), "after": float(seen), "n_after": seen, "n_before": int(before.sum())}
    yield _finding(rule, subject, "alert" if loud else "watch", max(score, 0.0), day, WINDOW, effect)


def _overdue(lanes: Lanes, day: date, live: dict[Key, Held], limit: int) -> Iterable[Finding]:
    oldest, newest = day - timedelta(days=OLDEST), day - timedelta(days=limit)
    late = [
        written
        for written, answered in lanes.waiting
        if oldest <= written < newest and (answered is None or answered > day)
    ]
    if late:
        effect = {"before": 0.0, "after": float(len(late)), "n_after": len(late), "n_before": 0, "limit": limit}
        yield _finding("unanswered", "app", "alert", float(len(late)) ** 0.5, day, (day - min(late)).days + 1, effect)
    elif ("unanswered", "app") in live:
        yield _finding("unanswered", "app", None, 0.0, day, 1, {}, over=True)


def _finding(
    rule: str,
    subject: str,
    level: Level | None,
    score: float,
    day: date,
    window: int,
    effect: dict[str, float],
    *,
    calm: int = 0,
    over: bool = False,
) -> Finding:
    since = day - timedelta(days=window - 1)
    evidence = {}
    if level is not None:
        evidence = {
            "window": {"from": str(since), "to": str(day), "days": window, "reviews": int(effect["n_after"])},
            "topics": [],
            "releases": [],
            "holes": [],
        }
    return Finding(
        rule=rule,
        subject=subject,
        level=level,
        score=score,
        day=day,
        since=since,
        window_days=window,
        baseline_from=since - timedelta(days=USUAL_DAYS),
        baseline_to=since - timedelta(days=1),
        false_alarm_years=0.0,
        effect=effect,
        evidence=evidence,
        calm_days=calm,
        over=over,
    )
