"""Crash-free shares with their interval: it holds the truth in noisy worlds, and pretends to no more than is known."""

import numpy as np
import pytest

from alerts.detectors import CrashCounts, crash_free_change, crash_free_share
from alerts.detectors.crash_spike import DAY_NOISE, LASTING_NOISE


def world(rng: np.random.Generator, rate: float, days: int, sessions: int, *, lasting: bool = False) -> CrashCounts:
    """A version's counts, its rate off by a tenth from day to day (and for good, where `lasting`)."""
    own = rate * (rng.gamma(1 / LASTING_NOISE, LASTING_NOISE) if lasting else 1.0)
    daily = own * rng.gamma(1 / DAY_NOISE, DAY_NOISE, days)
    return CrashCounts(float(rng.poisson(daily * sessions).sum()), float(days * sessions), days, people=False)


@pytest.mark.parametrize(("rate", "days", "sessions"), [(0.002, 3, 300), (0.005, 14, 9_000), (0.02, 28, 100_000)])
def test_the_interval_holds_the_truth_as_often_as_it_says(rate: float, days: int, sessions: int) -> None:
    rng = np.random.default_rng(4)
    found = [crash_free_share(world(rng, rate, days, sessions)) for _ in range(800)]
    held = np.mean([one.low <= 1 - rate <= one.high for one in found])
    assert 0.92 <= held <= 0.985


def test_two_versions_without_a_fault_are_seldom_called_different() -> None:
    rng = np.random.default_rng(5)
    pairs = [[world(rng, 0.006, 14, 50_000, lasting=True) for _ in range(2)] for _ in range(600)]
    called = np.mean([crash_free_change(*pair).verdict in {"worse", "better"} for pair in pairs])
    assert 0.01 <= called <= 0.08
    ill = [crash_free_change(world(rng, 0.018, 14, 5_000), pair[1]).verdict for pair in pairs[:100]]
    assert set(ill) == {"worse"}


def test_people_who_come_back_are_not_counted_as_others() -> None:
    crowd = CrashCounts(140.0, 14_000.0, 14, people=False)
    same = CrashCounts(140.0, 14_000.0, 14, people=True)
    wide, one_day = crash_free_share(same), crash_free_share(CrashCounts(10.0, 1_000.0, 1, people=True))
    narrow = crash_free_share(crowd)
    assert wide.share == narrow.share == pytest.approx(0.99)
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)
    assert wide.high - wide.low == pytest.approx(one_day.high - one_day.low, rel=0.1)


def test_no_crash_is_no_certainty() -> None:
    few = crash_free_share(CrashCounts(0.0, 200.0, 2, people=False))
    assert (few.share, few.high) == (1.0, 1.0)
    assert few.low == pytest.approx(0.981, abs=0.001)
    assert crash_free_share(CrashCounts(50.0, 40.0, 1, people=False)).share == 0.0
    with pytest.raises(ValueError, match="something that ran"):
        crash_free_share(CrashCounts(0.0, 0.0, 0, people=False))


def test_what_is_known_well_is_called_the_same_and_what_is_not_undecidable() -> None:
    much = [CrashCounts(500.0, 100_000.0, 14, people=False), CrashCounts(505.0, 100_000.0, 14, people=False)]
    little = [CrashCounts(1.0, 200.0, 2, people=False), much[1]]
    assert crash_free_change(much[0], much[1]).verdict == "alike"
    assert crash_free_change(little[0], little[1]).verdict == "too_noisy"
