"""The end that shows: an incident whose stars have come back ends on that evidence, not after weeks of calm alone.

Calm takes five weeks: the longest window forgets a bad day after three, and fourteen calm days follow. Where a store's
stars are back (all of them, or those of a version that came out since), its topics are said no more than usual and
nothing else of it is above, it is over, and the message says by what. No data is no evidence: days that are not
complete count neither as good nor as bad, and a store that says nothing keeps the incident open.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import sqrt
from typing import Any

import numpy as np

from alerts.detectors.recovery import BACK, BETTER, Rise, rise
from alerts.evidence import channel_of
from alerts.leading import STAR_RULES
from alerts.life import APART, Finding
from alerts.settled import fell_on, keys_of
from alerts.streams import Bools, History, Ints
from models.incidents import Incident

LOOKS_BACK = (5, 7, 10, 14)  # days since which all stars may have been back
ADOPTED = 0.5  # of a store's reviews of the last days, that are to be written on a version before it speaks for all
LAST_DAYS = 3  # in which a topic is to be said no more than usual
FADED = 0.5  # of how often it was said in the fall, once a new version ended it
SAME_FALL = 0.5  # of the app's fall, from which a store has its part in it
LEAST_FALL = 0.1  # stars
TOPIC_DAYS = 56  # that say how often a topic is usually said
PARTS = STAR_RULES | {"new_irritant", "burst", "crash_spike"}
"""Rules whose parts can be seen to be over; an incident with another part waits for its calm days."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """What shows the end: where, since which day, by which version ("" where none is the cause)."""

    subject: str
    channel: str
    since: date
    version: str
    rise: Rise


def with_ends(history: History, live: Sequence[Incident], found: Sequence[Finding], day: date) -> list[Finding]:
    """Return a look's findings, those of each incident that is seen to be over replaced by its end."""
    kept = list(found)
    for incident in live:
        ended = _ended(history, incident, kept, day)
        if ended is not None:
            keys = keys_of(incident)
            kept = [finding for finding in kept if finding.key not in keys]
            kept.append(ended)
    return kept


def _ended(history: History, incident: Incident, found: Sequence[Finding], day: date) -> Finding | None:
    keys = keys_of(incident)
    stars = [subject for rule, subject in keys if rule in STAR_RULES]
    if incident.state == "resolved" or incident.rule in APART or not stars or {rule for rule, _ in keys} - PARTS:
        return None
    told = {finding.key: finding for finding in found}
    if any(told[key].unseen for key in keys if key in told):
        return None
    by_others = [told.get(key) for key in keys if key[0] in {"crash_spike", "burst"}]
    crashes = [key for key in keys if key[0] == "crash_spike"]
    if any(key not in told for key in crashes) or any(one is not None and one.level is not None for one in by_others):
        return None
    shown = _stars_back(history, incident, stars, day)
    if not shown:
        return None
    topics = [subject.partition(":")[2] for _, subject in keys if subject.startswith("topic:")]
    since = max(one.since for one in shown)
    fading = all(one.version for one in shown)
    if not all(_said_less(history, topic, fell_on(incident), since, day, fading=fading) for topic in topics):
        return None
    return _end(incident, max(shown, key=lambda one: (one.version != "", one.rise.reviews)), day)


def _stars_back(history: History, incident: Incident, subjects: Iterable[str], day: date) -> list[Recovery]:
    """What shows that each store with a part in the fall is back; empty where one of them is not, or is not seen."""
    places = {subject for subject in subjects if subject.startswith("storefront:")}
    channels = {channel for subject in subjects if (channel := channel_of(subject)) and subject not in places}
    fell, least = fell_on(incident), _earliest(incident)
    if not fell > history.first_day:
        return []
    if "app" in subjects:
        channels |= _with_a_part(history, fell, incident.last_above_day)
    alone = [place for place in places if channel_of(place) not in channels]
    found: list[Recovery | None] = [_channel_back(history, channel, fell, least, day) for channel in sorted(channels)]
    found += [_stream_back(history, place, fell, least, day) for place in alone]
    return [one for one in found if one is not None] if all(found) else []


def _earliest(incident: Incident) -> date:
    """The first day since which it may be back: not before it was seen, nor before a person opened it again."""
    return max(incident.opened_day, date.fromisoformat(incident.evidence.get("reopened", "0001-01-01")))


def _with_a_part(history: History, fell: date, until: date) -> set[str]:
    """The stores that fell with the app; all of them where none stands out."""
    falls = {}
    for channel in ("app", *sorted(set(history.judged) - {"app"})):
        counts = history.streams[0].counts if channel == "app" else history.stars_of(channel)
        falls[channel] = _mean(history, counts, fell - timedelta(days=84), fell - timedelta(days=1)) - _mean(
            history, counts, fell, until
        )
    rated = {channel for channel in falls if channel != "app" and history.stars_of(channel).any()}
    least = max(SAME_FALL * falls["app"], LEAST_FALL)
    return {channel for channel in rated if falls[channel] >= least} or rated


def _mean(history: History, counts: Ints, first: date, last: date) -> float:
    total = counts[max(history.index(first), 0) : history.index(last) + 1].sum(axis=0)
    return float(total @ np.arange(1, 6)) / float(total.sum()) if total.sum() else 0.0


def _channel_back(history: History, channel: str, fell: date, least: date, day: date) -> Recovery | None:
    """Whether a store's stars are back: those of a version that came since the fall, else all of them."""
    every, judged = history.stars_of(channel), history.judged.get(channel)
    last = _last(judged, history.index(day))
    if judged is None or last is None:
        return None
    launches = [one for one in history.launches if one.channel == channel and not one.hardly_out]
    for launch in reversed(launches):
        mine = history.versions.get((channel, launch.version))
        if mine is None or not max(fell + timedelta(days=1), least) <= launch.day <= day:
            continue
        since = history.index(launch.day)
        if since > last or _share(history, channel, launch.version, last) < ADOPTED:
            continue
        seen = rise(every, mine, fell=history.index(fell), since=since, last=last, judged=judged, released=True)
        if seen is not None and seen.normal and seen.score >= BETTER:
            return Recovery(f"version:{channel}:{launch.version}", channel, launch.day, launch.version, seen)
    return _back(history, f"channel:{channel}", every, judged, fell, least, last)


def _stream_back(history: History, subject: str, fell: date, least: date, day: date) -> Recovery | None:
    stream = next((one for one in history.streams if one.subject == subject), None)
    last = _last(stream.judged, history.index(day)) if stream is not None else None
    if stream is None or last is None:
        return None
    return _back(history, subject, stream.counts, stream.judged, fell, least, last)


def _back(
    history: History, subject: str, counts: Ints, judged: Bools, fell: date, least: date, last: int
) -> Recovery | None:
    """Whether all stars of a stream are back since one of the last days."""
    for days in LOOKS_BACK:
        since = last + 1 - days
        if since < max(history.index(fell) + 1, history.index(least)):
            continue
        seen = rise(counts, counts, fell=history.index(fell), since=since, last=last, judged=judged, released=False)
        if seen is not None and seen.normal and seen.score >= BACK and 2 * seen.days > days:
            start = history.first_day + timedelta(days=since)
            return Recovery(subject, channel_of(subject) or "", start, "", seen)
    return None


def _last(judged: Bools | None, row: int) -> int | None:
    """The newest complete day up to `row`, None where it lies three days back or more."""
    if judged is None:
        return None
    return next((at for at in range(row, max(row - 3, -1), -1) if judged[at]), None)


def _share(history: History, channel: str, version: str, last: int) -> float:
    """The share of a store's reviews of the last three days, of those that name a version, that name this one."""
    days = slice(max(last - 2, 0), last + 1)
    told = {name: int(n[days].sum()) for (where, name), n in history.versions.items() if where == channel and name}
    return told.get(version, 0) / max(sum(told.values()), 1)


def _said_less(history: History, topic: str, fell: date, since: date, day: date, *, fading: bool) -> bool:
    """Whether a topic is said no more than before the fall, over the last complete days since stars are back.

    `fading`: a new version ended it. Who is still on the old one goes on complaining: half as often is enough then.
    """
    if topic not in history.topics:
        return True
    judged, mentions = history.judged["app"], history.mentions["app"][history.topics.index(topic)]
    reviews, start, end = history.reviews["app"], history.index(fell), history.index(day) + 1
    usual = slice(max(start - TOPIC_DAYS, 0), start)
    share = (mentions[usual] @ judged[usual] + 1) / (reviews[usual] @ judged[usual] + 100)
    rows = np.flatnonzero(judged[:end])[-LAST_DAYS:]
    rows = rows[rows >= history.index(since)]
    if not rows.size:
        return False
    said, expected = int(mentions[rows].sum()), float(share * reviews[rows].sum())
    fall = slice(start, history.index(since))
    worst = (mentions[fall] @ judged[fall]) / max(int(reviews[fall] @ judged[fall]), 1)
    if fading and said <= FADED * worst * reviews[rows].sum():
        return True
    return said < 3 or said <= expected + 2 * sqrt(expected * (1 + 0.16 * expected) + 0.25)


def _end(incident: Incident, shown: Recovery, day: date) -> Finding:
    seen = shown.rise
    effect: dict[str, Any] = {
        "before": round(seen.worst, 4),
        "after": round(seen.now, 4),
        "n_after": seen.reviews,
        "n_before": 0,
    }
    told = {
        "subject": shown.subject,
        "channel": shown.channel,
        "version": shown.version,
        "since": str(shown.since),
        "usual": round(seen.before, 4),
        "worst": round(seen.worst, 4),
        "now": round(seen.now, 4),
        "reviews": seen.reviews,
        "score": round(seen.score, 3),
        "day": str(day),
    }
    return Finding(
        rule=incident.rule,
        subject=incident.subject,
        level=None,
        score=0.0,
        day=day,
        since=shown.since,
        window_days=(day - shown.since).days + 1,
        baseline_from=fell_on(incident),
        baseline_to=shown.since - timedelta(days=1),
        false_alarm_years=0.0,
        effect=effect,
        evidence={"recovered": told},
        over=True,
    )
