"""Episodes of one key from its daily counts: the scan over all reviews and over the bad ones, and the slow growth."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

import numpy as np

from alerts.detectors.new_irritant import scan_topics
from alerts.detectors.slow_growth import WINDOW, scan_slow_growth
from alerts.detectors.stars import Bools
from analysis import irritants as life
from analysis.irritants import Episode, Floats, Ints, Launch, Scan


def scanned(
    key: str,
    mentions: Ints,
    reviews: Ints,
    bad: Ints,
    judged: Bools | None,
    first_day: date,
    threshold: float | Floats,
) -> list[Episode]:
    """Episodes of a key, from its mentions, all reviews and the bad ones a day (days,).

    The lesser of two scores decides, as in the alerts: on a day of bad mood every complaint is heard more often, and
    only what grows among the complaints too is an irritant. Where bad reviews are too few, the first decides.
    """
    looks = np.arange(len(mentions))
    whole = scan_topics(mentions[None, :], reviews, looks, judged)
    among = scan_topics(mentions[None, :], bad, looks, judged)
    scan = Scan(np.fmin(whole.score[0], among.score[0]), whole.window[0], whole.share_before[0])
    return life.episodes(key, mentions, reviews, scan, first_day, threshold)


def crept(key: str, mentions: Ints, reviews: Ints, bad: Ints, judged: Bools | None, first_day: date) -> list[Episode]:
    """Episodes of a key that grew over months, which `scanned` does not see."""
    (whole,), (before,) = scan_slow_growth(mentions[None, :], reviews, judged)
    (among,), _ = scan_slow_growth(mentions[None, :], bad, judged)
    score: Floats = np.fmin(whole, among)
    scan = Scan(score, np.full(len(score), WINDOW), before)
    wanted = life.thresholds(life.NOTICED_SLOW, reviews, judged)
    found = life.episodes(key, mentions, reviews, scan, first_day, wanted)
    return [replace(one, slow=True) for one in found]


def of_topic(
    key: str,
    mentions: Mapping[str, Ints],
    reviews: Mapping[str, Ints],
    bad: Mapping[str, Ints],
    judged: Mapping[str, Bools],
    first_day: date,
    launches: Sequence[Launch] = (),
) -> list[Episode]:
    """Episodes of a topic: over the app, then on each channel alone where the app's do not cover them, then slow ones.

    All mappings are by channel, with "app" for all of them.
    """
    days = len(reviews["app"])
    less = life.eased((one.day for one in launches), first_day, days)
    wanted = life.thresholds(life.NOTICED, reviews["app"], judged.get("app")) - less
    found = scanned(key, mentions["app"], reviews["app"], bad["app"], judged.get("app"), first_day, wanted)
    channels = sorted(set(mentions) - {"app"})
    for channel in channels if len(channels) > 1 else ():
        here = judged.get(channel)
        less = life.eased((one.day for one in launches if one.channel == channel), first_day, days)
        wanted = life.thresholds(life.NOTICED, reviews[channel], here) + life.NOTICED_CHANNEL - less
        for one in scanned(key, mentions[channel], reviews[channel], bad[channel], here, first_day, wanted):
            if not _covered(one, found):
                found.append(replace(one, channels=(channel,)))
    for one in crept(key, mentions["app"], reviews["app"], bad["app"], judged.get("app"), first_day):
        if not _covered(one, found):
            found.append(one)
    return life.joined(found)


def _covered(one: Episode, found: Sequence[Episode]) -> bool:
    return any(other.began <= one.noticed and one.began <= (other.ended or date.max) for other in found)
