"""What is watched: the app's stars, those of its channels and busy storefronts, its newest versions, its topics.

`look` is one glance at one app: it reads the history, judges, and adds three telling verbatims. `judge` is the same
without the database, so that a replay runs it on every past day.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts.bursts import BurstScores, burst_findings, burst_scores
from alerts.choices import DEFAULT, Choices, read_choices
from alerts.crashes import crash_findings
from alerts.detectors import rating_drop_scan
from alerts.detectors.stars import Floats
from alerts.evidence import quotes
from alerts.hours import read_hours
from alerts.lane_counts import read_lanes
from alerts.lanes import LANE_RULES, lane_findings
from alerts.life import Finding, Held, Key, held
from alerts.recovery import with_ends
from alerts.settled import Settled, leaving_out, settled
from alerts.star_rules import drop_findings, release_findings
from alerts.streams import History, read_history
from alerts.topic_rules import topic_findings, topic_scores
from alerts.unseen import unseen
from alerts.watched import Watched, watched
from models.apps import App
from models.incidents import Incident
from models.stability_series import crash_series

__all__ = ["Scores", "Watched", "judge", "look", "read_all", "scores", "watched", "with_quotes"]


BY_THEMSELVES = LANE_RULES | {"crash_spike"}
"""Rules that do not live on the counts of reviews: alerts.unseen does not speak for them."""


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores of every day, baselines moving: `stars` (streams, days), `topics` (topics, days); and of every hour."""

    stars: Floats
    topics: Floats
    bursts: BurstScores | None = None


def look(session: Session, app: App, day: date, *, until_counts: bool = False) -> list[Finding]:
    """Judge one app at the end of `day`: what is at watch or alert, and how the subjects of live incidents are.

    Where `day` is not complete yet, the newest complete day of the two before it is judged instead. With
    `until_counts` the caller vouches that every source has just been read, and `day` counts as it is.
    """
    watch = watched(session, day)
    chosen = read_choices(session, app.id, watch.levels())
    history = read_all(session, app, day, chosen, until_counts=until_counts)
    live = list(session.scalars(select(Incident).where(Incident.app_id == app.id, Incident.state != "resolved")))
    history = leaving_out(history, _seen_to_be_over(session, app.id, history))
    found = with_ends(history, live, judge(history, scores(history), day, held(live), watch, chosen), day)
    return [with_quotes(session, finding, app.id) for finding in found]


def _seen_to_be_over(session: Session, app_id: int, history: History) -> list[Settled]:
    """The incidents of the days that are looked at which ended because their stars came back."""
    past = session.scalars(
        select(Incident).where(
            Incident.app_id == app_id,
            Incident.state == "resolved",
            Incident.evidence.has_key("recovered"),
            Incident.opened_day >= history.first_day,
        )
    )
    return [one for incident in past if (one := settled(incident)) is not None]


def read_all(
    session: Session, app: App, until: date, chosen: Choices, days: int | None = None, *, until_counts: bool = False
) -> History:
    """Read the history of a look, or with `days` that of a replay: then every hour of it is read review by review."""
    history = read_history(session, app, until, until_counts=until_counts, **({} if days is None else {"days": days}))
    hours = None
    if chosen.on("burst"):
        whole = {} if days is None else {"days": days, "exact_days": days}
        hours = read_hours(session, app, until, **whole)
    lanes = read_lanes(session, app, history.first_day, until, chosen)
    crashes = crash_series(session, app.id, history.first_day, until) if chosen.on("crash_spike") else {}
    return replace(history, hours=hours, lanes=lanes, crashes=crashes)


def with_quotes(session: Session, finding: Finding, app_id: int) -> Finding:
    """Add three telling verbatims to a finding that is above."""
    if finding.level is None:
        return finding
    return replace(
        finding,
        evidence={
            **finding.evidence,
            "quotes": quotes(session, app_id, finding.subject, finding.evidence, finding.rule),
        },
    )


def scores(history: History) -> Scores:
    """Score every day of the history at once; a look then judges only what is loud."""
    counts = np.stack([stream.counts for stream in history.streams])
    judged = np.stack([stream.judged for stream in history.streams])
    stars = rating_drop_scan(counts, judged)
    topics = np.zeros((0, counts.shape[1]))
    if history.topics:
        topics = topic_scores(history)
    return Scores(stars, topics, burst_scores(history.hours) if history.hours is not None else None)


def judge(
    history: History,
    scored: Scores,
    day: date,
    live: Mapping[Key, Held],
    streams: Watched,
    chosen: Choices = DEFAULT,
) -> list[Finding]:
    """Run every rule on `day`; `live` are the subjects of live incidents, whose baselines stay frozen.

    A rule that is off finds nothing new; its live incidents are still followed to their end.
    """
    found = [
        *drop_findings(history, scored.stars, day, live, streams, chosen),
        *release_findings(history, day, live, streams, chosen),
        *topic_findings(history, scored.topics, day, live, streams, chosen),
        *crash_findings(history, day, live, streams.of("crash_spike"), chosen),
    ]
    if scored.bursts is not None:
        found += burst_findings(history, scored.bursts, day, live, streams.whole, chosen)
    wanted = [
        finding
        for finding in found
        if finding.level is None
        or finding.key in live
        or (
            chosen.on(finding.rule)
            and finding.effect.get("reviews", finding.effect["n_after"]) >= chosen.min_reviews.get(finding.rule, 0)
        )
    ]
    by_reviews = [finding for finding in wanted if finding.rule not in BY_THEMSELVES]
    told = unseen(history, {key: kept for key, kept in live.items() if key[0] not in BY_THEMSELVES}, by_reviews, day)
    told += [finding for finding in wanted if finding.rule in BY_THEMSELVES]
    if history.lanes is not None:
        told += lane_findings(history.lanes, day, dict(live), chosen)
    return told
