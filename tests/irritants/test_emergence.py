"""The stated rate of false irritants holds: at most one a year and app of each kind, in apps without any fault."""

import numpy as np
import pytest

from analysis import irritants as life
from benchmarks.emergence import Rate, made_up, phrases, seen, topics


@pytest.mark.parametrize("volume", [20, 300])
def test_topics_channels_and_slow_growth(volume: float) -> None:
    false = topics(np.random.default_rng([1, int(volume)]), volume, apps=4)
    assert set(false) == {"topic", "channel", "slow"}
    assert max(one.interval[0] for one in false.values()) <= 1.0, false
    assert max(one.a_year for one in false.values()) <= 1.5, false  # eight app-years: 1.5 is 1 and what chance adds
    assert sum(one.found for one in false.values()) > 0, "a threshold that nothing ever passes is not calibrated"


def test_phrases() -> None:
    rng = np.random.default_rng(2)
    assert phrases(rng, made_up(rng), 80, apps=3).a_year <= 1.0


def test_lower_thresholds_break_the_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(life, "NOTICED", {1.0: 3.0, 1000.0: 3.0})
    false = topics(np.random.default_rng([1, 20]), 20, apps=4)
    assert false["topic"].a_year > 1.5


def test_the_threshold_follows_the_volume_of_the_days_before() -> None:
    curve = {5.0: 3.0, 20.0: 4.0, 80.0: 3.5}
    reviews = np.array([5] * 60 + [20] * 60 + [80] * 60 + [1000] * 60)
    found = life.thresholds(curve, reviews)
    assert found[0] == 4.0  # nothing is known yet: the highest
    assert found[59] == pytest.approx(3.0)
    assert 3.0 < found[65] < 4.0  # half way through the change
    assert found[75] == pytest.approx(4.0)  # the last two weeks ask for more than the quiet ones before
    assert found[119] == pytest.approx(4.0)
    assert found[-1] == pytest.approx(3.5)  # beyond the curve's end it stays
    judged = np.ones(len(reviews), np.bool_)
    judged[100:120] = False  # an outage: 36 of the 56 days before
    reviews[100:120] = 0
    assert life.thresholds(curve, reviews, judged)[120] == pytest.approx(4.0)
    assert life.thresholds(curve, reviews)[120] < 3.9


def test_the_interval_of_a_rate_is_that_of_poisson() -> None:
    # Garwood's exact limits of a count of 10 and of 0.
    assert Rate(10, 1.0).interval == pytest.approx((4.795, 18.39), abs=0.02)
    assert Rate(0, 2.0).interval == pytest.approx((0.0, 3.69 / 2), abs=0.05)


def test_what_is_real_is_seen() -> None:
    caught, day = seen(np.random.default_rng(5), 80, (0.003, 0.05), apps=40)
    assert caught >= 0.9
    assert day <= 3
