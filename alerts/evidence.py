"""What stands behind a finding: what changed in the counts, and three verbatims that tell it.

Evidence is a JSON document: `window` and `baseline` (from, to, days, reviews), `topics` that rose (topic, n, before and
after as shares of reviews), `version` that most of it is on (channel, version, share of the negative reviews) or None,
`releases` in the window, `holes` in the coverage, `weeks` (the means of the last eight weeks, None where empty),
`chance` (years on one stream, months over all, streams), `quotes` (id, text, stars, version, channel, storefront, day,
topics, urgent, url).
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

import numpy as np
from sqlalchemy import or_, select, true
from sqlalchemy.orm import Session

from alerts.detectors import Judgement, chance
from alerts.detectors.calibration import Calibrated
from alerts.lane_counts import said
from alerts.streams import History, Ints
from models.feedback import Verbatim, VerbatimTopic

QUOTES = 3
CANDIDATES = 200
LONGEST_QUOTE = 400
WEEKS = 8
LEAST_SHARE = 0.35  # of the negative reviews, to be named as the version it is about
LEAST_TOPIC = 3
RELEASE_DAYS = 7  # before the window, in which a release may still be its cause

_WORDS = re.compile(r"\w{4,}")
_STARS = np.arange(1, 6)


def channel_of(subject: str) -> str | None:
    """Return the channel that a subject is about, None for the whole app or a topic."""
    kind, _, rest = subject.partition(":")
    return rest.split(":")[0] if kind in {"channel", "storefront", "version"} else None


def changed(
    history: History, subject: str, judgement: Judgement, day: date, streams: int, line: Calibrated | None = None
) -> dict[str, Any]:
    """Return the evidence that the counts give, all but the quotes. `streams` is how many are watched in all."""
    channel = channel_of(subject)
    n = judgement.effect
    return {
        "window": {"from": str(judgement.since), "to": str(day), "days": judgement.window_days, "reviews": n.n_after},
        "baseline": {
            "from": str(judgement.baseline_from),
            "to": str(judgement.baseline_to),
            "reviews": n.n_before,
        },
        "topics": _risen(history, channel or "app", judgement, day),
        "version": _version(history, subject, judgement.since, day),
        "releases": [
            {"channel": a.channel, "version": a.version, "day": str(a.day), "inferred": a.inferred}
            for a in history.launches
            if channel in (None, a.channel) and judgement.since - timedelta(days=RELEASE_DAYS) <= a.day <= day
        ],
        "holes": _holes(history, channel, judgement.baseline_from, day),
        "weeks": _weeks(history, subject, day),
        "chance": _chance(line or judgement.rule, judgement.score, streams),
    }


def _chance(rule: Calibrated, score: float, streams: int) -> dict[str, Any]:
    found = chance(rule, score, max(streams, 1))
    return {
        "years": round(found.years_on_one_stream, 3),
        "months": round(found.months_over_yours, 3),
        "streams": found.streams,
    }


def _risen(history: History, where: str, judgement: Judgement, day: date) -> list[dict[str, Any]]:
    """The topics whose share of reviews rose most from the baseline to the window, at most three."""
    if where not in history.mentions:
        return []
    window = slice(history.index(judgement.since), history.index(day) + 1)
    usual = slice(max(history.index(judgement.baseline_from), 0), history.index(judgement.baseline_to) + 1)
    mentions, reviews = history.mentions[where], history.reviews[where]
    seen = mentions[:, window].sum(axis=1)
    after = seen / max(int(reviews[window].sum()), 1)
    before = (mentions[:, usual].sum(axis=1) + 1) / (int(reviews[usual].sum()) + 100)
    rose = [int(t) for t in np.argsort(before - after) if seen[t] >= LEAST_TOPIC and after[t] >= 1.5 * before[t]]
    return [
        {
            "topic": history.topics[t],
            "before": round(float(before[t]), 4),
            "after": round(float(after[t]), 4),
            "n": int(seen[t]),
        }
        for t in rose[:3]
    ]


def _version(history: History, subject: str, since: date, day: date) -> dict[str, Any] | None:
    kind, _, rest = subject.partition(":")
    if kind == "version":
        channel, _, version = rest.partition(":")
        return {"channel": channel, "version": version, "share": 1.0}
    where = channel_of(subject)
    window = slice(history.index(since), history.index(day) + 1)
    told = {
        (channel, version): int(counts[window].sum())
        for (channel, version), counts in history.negatives.items()
        if version and where in (None, channel)
    }
    by_version: Counter[str] = Counter()  # a version has one number in both stores
    for (_, version), count in told.items():
        by_version[version] += count
    if not by_version or not (total := sum(by_version.values())):
        return None
    version, most = max(by_version.items(), key=lambda pair: pair[1])
    channels = [channel for (channel, name), count in told.items() if name == version and count >= 0.2 * most]
    if most < LEAST_SHARE * total:
        return None
    return {"channel": channels[0] if len(channels) == 1 else "", "version": version, "share": round(most / total, 3)}


def _holes(history: History, channel: str | None, first: date, day: date) -> list[dict[str, Any]]:
    """Runs of days of a source that are not complete."""
    found: list[dict[str, Any]] = []
    for hole in history.holes:
        if channel not in (None, hole.channel) or not first <= hole.day <= day:
            continue
        last = found[-1] if found else None
        if (
            last
            and (last["source"], last["state"]) == (hole.source, hole.state)
            and (date.fromisoformat(last["to"]) + timedelta(days=1) == hole.day)
        ):
            last["to"] = str(hole.day)
            continue
        found.append(
            {
                "channel": hole.channel,
                "source": hole.source,
                "from": str(hole.day),
                "to": str(hole.day),
                "state": hole.state,
                "reason": hole.reason,
            }
        )
    return found


def _weeks(history: History, subject: str, day: date) -> list[float | None]:
    counts: Ints = next((s.counts for s in history.streams if s.subject == subject), history.streams[0].counts)
    end = history.index(day) + 1
    means: list[float | None] = []
    for week in range(WEEKS, 0, -1):
        stars = counts[max(end - 7 * week, 0) : max(end - 7 * (week - 1), 0)].sum(axis=0)
        total = int(stars.sum())
        means.append(round(float(stars @ _STARS) / total, 2) if total else None)
    return means


def quotes(
    session: Session, app_id: int, subject: str, evidence: Mapping[str, Any], rule: str = ""
) -> list[dict[str, Any]]:
    """Choose three telling verbatims of the window: negative, urgent first, on what rose, typical, and no two alike.

    Those of the urgent lane and of a keyword are quoted whatever their stars.
    """
    topics = [risen["topic"] for risen in evidence["topics"]]
    kind, _, rest = subject.partition(":")
    v = Verbatim
    wanted = (
        select(v)
        .where(
            v.app_id == app_id,
            v.day.between(date.fromisoformat(evidence["window"]["from"]), date.fromisoformat(evidence["window"]["to"])),
            true() if rule in {"urgent", "keyword"} else or_(v.label == "negative", v.stars <= 2),
        )
        .order_by(v.written_at.desc())
        .limit(CANDIDATES)
    )
    if kind == "topic":
        topics = [rest]
        wanted = wanted.where(
            v.id.in_(
                select(VerbatimTopic.verbatim_id).where(
                    VerbatimTopic.app_id == app_id, VerbatimTopic.topic == rest, VerbatimTopic.sentiment < 0
                )
            )
        )
    if rule == "urgent":
        wanted = wanted.where(v.urgent)
    if kind == "keyword":
        wanted = wanted.where(said(rest))
    if (channel := channel_of(subject)) is not None:
        wanted = wanted.where(v.channel == channel)
    if kind == "version":
        wanted = wanted.where(v.version == rest.partition(":")[2])
    if kind == "storefront":
        wanted = wanted.where(v.storefront == rest.split(":")[1])
    rows = list(session.scalars(wanted))
    spoken = _topics_of(session, app_id, [row.id for row in rows])
    main = (evidence.get("version") or {}).get("version")
    return [
        {
            "id": row.id,
            "text": _whole(row),
            "stars": row.stars,
            "version": row.version,
            "channel": row.channel,
            "storefront": row.storefront,
            "day": str(row.day),
            "topics": sorted(spoken.get(row.id, ())),
            "urgent": row.urgent,
            "url": row.url,
        }
        for row in _telling(rows, spoken, topics, main)
    ]


def _topics_of(session: Session, app_id: int, ids: list[int]) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    t = VerbatimTopic
    for number, topic in session.execute(
        select(t.verbatim_id, t.topic).where(t.app_id == app_id, t.verbatim_id.in_(ids), t.sentiment < 0)
    ):
        found.setdefault(number, set()).add(topic)
    return found


def _telling(
    rows: list[Verbatim], spoken: Mapping[int, set[str]], topics: list[str], version: str | None
) -> Iterable[Verbatim]:
    words = {row.id: set(_WORDS.findall(_whole(row).casefold())) for row in rows}
    common = Counter(word for bag in words.values() for word in bag)

    def order(row: Verbatim) -> tuple[float, ...]:
        bag = words[row.id]
        typical = sum(common[word] for word in bag) / (len(rows) * (len(bag) + 3))
        on_topic = max((len(topics) - topics.index(t) for t in spoken.get(row.id, ()) if t in topics), default=0)
        telling = 30 <= len(_whole(row)) <= LONGEST_QUOTE
        return (not row.urgent, -on_topic, not telling, row.version != version if version else 0, -typical)

    chosen: list[Verbatim] = []
    for row in sorted(rows, key=order):
        if not _whole(row).strip():
            continue
        alike = any(_alike(words[row.id], words[one.id]) or _whole(row) == _whole(one) for one in chosen)
        again = row.author is not None and any(row.author == one.author for one in chosen)
        if not alike and not again:
            chosen.append(row)
        if len(chosen) == QUOTES:
            break
    return chosen


def _alike(one: set[str], other: set[str]) -> bool:
    return bool(one and other) and len(one & other) / len(one | other) > 0.6


def _whole(row: Verbatim) -> str:
    """The title belongs to what was said, unless the body repeats it."""
    title, body = row.title.strip(), row.body.strip()
    if not title or body.casefold().startswith(title.casefold()):
        return body
    return f"{title}{'' if title[-1] in '.!?…' else '.'} {body}".strip()
