"""The stated rate of false irritants holds: about one a year and app of each kind, in apps without any fault."""

import numpy as np
import pytest

from analysis import irritants as life
from benchmarks.emergence import made_up, phrases, seen, topics


@pytest.mark.parametrize("volume", [20, 300])
def test_topics_channels_and_slow_growth(volume: float) -> None:
    false = topics(np.random.default_rng([1, int(volume)]), volume, apps=4)
    assert set(false) == {"topic", "channel", "slow"}
    assert max(false.values()) <= 1.5, false  # eight app-years: 1.5 is 1 and what chance adds
    assert sum(false.values()) > 0, "a threshold that nothing ever passes is not calibrated"


def test_phrases() -> None:
    rng = np.random.default_rng(2)
    assert phrases(rng, made_up(rng), 80, apps=3) <= 1.0


def test_lower_thresholds_break_the_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(life, "NOTICED", 3.0)
    false = topics(np.random.default_rng([1, 20]), 20, apps=4)
    assert false["topic"] > 1.5


def test_what_is_real_is_seen() -> None:
    caught, day = seen(np.random.default_rng(5), 80, (0.003, 0.05), apps=40)
    assert caught >= 0.9
    assert day <= 3
