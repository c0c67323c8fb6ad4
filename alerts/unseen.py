"""Live incidents that cannot be seen any more: their source was removed or paused, or its days are not complete.

Without this, an incident whose stream has vanished would stay open for ever, or worse: no reviews would pass for calm.
"""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Literal

import numpy as np

from alerts.detectors.episodes import CALM_DAYS
from alerts.evidence import channel_of
from alerts.life import UNSEEN_DAYS, Finding, Held, Key
from alerts.streams import History, Ints

Why = Literal["no_data", "not_judged", "too_few"]


def unseen(history: History, live: Mapping[Key, Held], found: Iterable[Finding], day: date) -> list[Finding]:
    """Return `found`, with what cannot be seen of the live incidents said in place of a false calm or an old window.

    A subject is without data when it has had no review for three days and no enabled source vouches for that silence;
    it is not judged when reviews come but no day has been complete for three days. `since` is the first such day.
    Where days are complete and still nothing could be judged for 14 of them, there were too few reviews.
    What is without data opens nothing either: its window would only hold the days before.
    """
    kept = {finding.key: finding for finding in found}
    for key in {**dict.fromkeys(live), **dict.fromkeys(kept)}:
        rule, subject = key
        last = _last_review(history, subject, day)
        judged = _last_judged(history, subject, day)
        vouched = judged is not None and (day - judged).days < UNSEEN_DAYS and _read(history, subject)
        if (day - last).days >= UNSEEN_DAYS and not vouched:
            kept.pop(key, None)
            if key in live:
                kept[key] = _silence(rule, subject, day, last + timedelta(days=1), "no_data")
        elif key not in kept and (judged is None or (day - judged).days >= UNSEEN_DAYS):
            since = judged + timedelta(days=1) if judged is not None else history.first_day
            kept[key] = _silence(rule, subject, day, since, "not_judged")
        elif key not in kept and (day - live[key].last_above).days >= CALM_DAYS:
            since = live[key].last_above + timedelta(days=1)
            kept[key] = _silence(rule, subject, day, since, "too_few")
    return list(kept.values())


def _silence(rule: str, subject: str, day: date, since: date, why: Why) -> Finding:
    days = (day - since).days + 1
    return Finding(rule, subject, None, 0.0, day, since, days, since, since, 0.0, {}, {}, 0, why)


def _last_review(history: History, subject: str, day: date) -> date:
    """The newest day up to `day` with a review; the day before the history where there is none."""
    counts: Ints | None = next((s.counts.sum(axis=1) for s in history.streams if s.subject == subject), None)
    if counts is None:
        counts = history.reviews.get(channel_of(subject) or "app", np.zeros(0, np.int64))
    told = np.flatnonzero(counts[: history.index(day) + 1])
    return history.first_day + timedelta(days=int(told[-1]) if told.size else -1)


def _last_judged(history: History, subject: str, day: date) -> date | None:
    """The newest complete day up to `day`, however long ago."""
    stream = next((s for s in history.streams if s.subject == subject), None)
    judged = stream.judged if stream is not None else history.judged.get(channel_of(subject) or "app")
    if judged is None:
        return None
    complete = np.flatnonzero(judged[: history.index(day) + 1])
    return history.first_day + timedelta(days=int(complete[-1])) if complete.size else None


def _read(history: History, subject: str) -> bool:
    """Whether an enabled source still reads the subject."""
    kind, _, rest = subject.partition(":")
    channel, place = channel_of(subject), rest.partition(":")[2] if kind == "storefront" else ""
    return any(channel in (None, reads) and (not place or where in ("", place)) for reads, where in history.sources)
