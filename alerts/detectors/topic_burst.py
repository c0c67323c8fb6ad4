"""Do people suddenly complain of one thing? Hourly mentions of each topic: a few of them say what counts cannot yet."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from alerts.detectors.burst import BUSY, VOLUME_NOISE, WINDOWS, LoudestHours, judge_hours, usual_hours, window_volume
from alerts.detectors.calibration import DEFAULT_THRESHOLDS
from alerts.detectors.excess import surge_score
from alerts.detectors.judgement import Judgement, Thresholds
from alerts.detectors.stars import running

LEAST_MENTIONS = 4
TOPIC_NOISE = 0.10 + 0.25**2 + 0.10  # relative variances: a topic's day, its slow movements, a day of bad mood
PRIOR_REVIEWS = 100.0  # a topic never seen counts as one mention in a hundred reviews, then as less


@dataclass(frozen=True, slots=True)
class TopicBurstScan(LoudestHours):
    """The loudest window of each topic at each hour, all (topics, hours)."""


def scan_topic_bursts(
    mentions: NDArray[np.number], negatives: NDArray[np.number], reviews: NDArray[np.number]
) -> TopicBurstScan:
    """Score one app's topics: the surge of negative mentions over the topic's usual rate × the window's volume.

    `mentions` (topics, hours), `negatives` and `reviews` (hours,), as for `scan_bursts`. An outage at a small app is a
    handful of bad reviews, but they name one thing: four mentions in five hours of what is named once a week are
    rarer than ten bad reviews in a day. Raises ValueError on unequal hours.
    """
    if mentions.shape[1:] != reviews.shape:
        raise ValueError("mentions and reviews cover the same hours")
    usual = usual_hours(negatives[None], reviews[None])
    hours = np.arange(len(reviews))
    end = np.maximum(hours - 23, 0)
    start = end - np.minimum(usual.hours_before, end)
    said, kept = running(mentions), running(mentions * usual.weight)
    before = kept[:, end] - kept[:, start]
    hourly = (before + usual.before_all / (usual.before_all + PRIOR_REVIEWS)) / usual.hours_before
    # More reviews give more topics the chance to reach four mentions: false alarms grow in proportion.
    busier = np.clip(np.log10(np.maximum(usual.reviews_a_day, 1) / BUSY), -1, 2)
    nothing = np.full(mentions.shape, np.nan)
    best = TopicBurstScan(nothing, np.zeros(mentions.shape, np.int64), nothing, nothing)
    for window in WINDOWS:
        first = np.maximum(hours + 1 - window, 0)
        y = said[:, hours + 1] - said[:, first]
        others, volume = window_volume(usual, hours, first)
        mean = hourly * (usual.shape[:, hours + 1] - usual.shape[:, first]) * volume
        noise = TOPIC_NOISE + 1 / (others + 1 / VOLUME_NOISE) + 1 / (before + 1)
        score = np.where((y >= LEAST_MENTIONS) & usual.known, surge_score(y, mean, noise) - busier, np.nan)
        better = ~(score <= best.score) & ~np.isnan(score)
        best = TopicBurstScan(
            np.where(better, score, best.score),
            np.where(better, window, best.window),
            np.where(better, mean, best.expected),
            np.where(better, y, best.seen),
        )
    return best


def judge_topic_burst(
    found: TopicBurstScan,
    topic: int,
    at: int,
    first_hour: datetime,
    thresholds: Thresholds = DEFAULT_THRESHOLDS["topic_burst"],
) -> Judgement | None:
    """Return the judgement of one topic at one hour (index `at`), None where no window can speak.

    The effect is in negative mentions an hour; `n_after` and `n_before` are hours. Its frequency is that of all 25
    topics of an app together, as the line was measured.
    """
    seen = float(found.seen[topic, at])
    variance = seen * (1 + TOPIC_NOISE * seen)
    return judge_hours(found, variance, topic, at, first_hour, "topic_burst", thresholds)
