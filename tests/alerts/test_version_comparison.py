"""The comparison of two versions: its interval holds on the simulator, and it says what it does not know."""

import numpy as np
import pytest

from alerts.detectors import Comparison, Missing, Tenure, compare_versions, share_change
from alerts.detectors.version_comparison import _Side, differences
from benchmarks.simulator import Ints, World, star_world, topic_world

RELEASES = [40, 66, 90, 118, 145, 172, 195, 220]
RELEASED = RELEASES[-1]


def tenure(world: World, number: int) -> tuple[Ints, int, int]:
    """A version's stars in every stream: as the newest, then among those who have not updated yet."""
    ends = [*RELEASES[1:], world.counts.shape[1], world.counts.shape[1]]
    start, end = RELEASES[number], ends[number]
    counts = np.zeros_like(world.newest)
    counts[:, start:end] = world.newest[:, start:end]
    later = ends[number + 1]
    counts[:, end:later] = (world.counts - world.newest)[:, end:later]
    return counts, start, end


def simulated(volume: float, days: int, planted: float, back: int, streams: int = 300) -> tuple[float, float]:
    """Coverage of the 95 % interval, and how often "worse" is said, for the newest version at the age of `days`."""
    rng = np.random.default_rng([5, int(volume), days, back])
    world = star_world(rng, streams, RELEASED + days, volume, releases=RELEASES, release_shift={RELEASED: planted})
    sides = [_Side(*tenure(world, number)) for number in range(len(RELEASES))]
    earlier = [(sides[n], sides[n - 1]) for n in range(1, len(RELEASES) - 1)]
    found = differences(sides[-1], sides[-1 - back], world.counts, earlier)
    enough = (found.this.reviews[:, 0] >= 5) & (found.that.reviews[:, 0] >= 20)
    error = found.difference[enough, 0] - planted
    half = 1.96 * np.sqrt(found.variance[enough, 0])
    return float((np.abs(error) <= half).mean()), float((found.difference[enough, 0] + half < 0).mean())


@pytest.mark.parametrize("back", [1, 4])
@pytest.mark.parametrize("volume", [5, 20, 80, 300])
def test_the_interval_covers_what_it_promises(volume: int, back: int) -> None:
    found = [simulated(volume, days, planted, back) for days in (3, 10) for planted in (0.0, -0.4)]
    covered = [coverage for coverage, _ in found]
    assert 0.92 <= np.mean(covered) <= 0.98, covered
    assert min(covered) >= 0.885, covered  # 300 streams: two standard errors below 0.92
    false = [worse for _, worse in found[::2]]
    assert np.mean(false) <= 0.05, false


def test_a_clear_fault_is_called_worse_and_thin_versions_too_early() -> None:
    rng = np.random.default_rng(3)
    days = 80
    counts = {
        "7.1": rng.multinomial(60, [0.1, 0.05, 0.1, 0.2, 0.55], size=days),
        "7.2": rng.multinomial(60, [0.5, 0.1, 0.1, 0.1, 0.2], size=days),
    }
    counts["7.1"][70:] = 0
    counts["7.2"][:70] = 0
    every = counts["7.1"] + counts["7.2"]
    old = Tenure(counts["7.1"], 40, 70)
    found = compare_versions(Tenure(counts["7.2"], 70, days), old, every, [])
    assert isinstance(found, Comparison)
    assert found.verdict == "worse"
    assert found.difference + found.half_width < 0
    assert found.difference == pytest.approx(found.after - found.before, abs=1e-9)
    assert found.visible > found.half_width
    assert (found.n_before, found.n_after) == (28 * 60, 10 * 60)

    few = np.zeros_like(every)
    few[78] = few[79] = (1, 0, 1, 3, 5)
    early = compare_versions(Tenure(few, 78, days), old, counts["7.1"] + few, [])
    assert isinstance(early, Comparison)
    assert early.verdict == "too_early"
    assert early.more_reviews is not None
    assert early.more_days is not None
    assert early.more_reviews == pytest.approx(10 * early.more_days, abs=1)

    few[78] = few[79] = 0
    few[79, 4] = 3
    assert compare_versions(Tenure(few, 78, days), old, every, []) == Missing("this", 2)
    nothing = Tenure(np.zeros_like(every), 10, 40)
    assert compare_versions(old, nothing, every, []) == Missing("that", 20)


def test_more_reviews_really_are_enough() -> None:
    """When the page said "n more reviews, d days", the interval is half a star wide d days later."""
    rng = np.random.default_rng(11)
    days = 120
    old, new = np.zeros((days, 5), np.int64), np.zeros((days, 5), np.int64)
    old[:100] = rng.multinomial(10, [0.06, 0.06, 0.1, 0.28, 0.5], size=100)
    new[100:] = rng.multinomial(10, [0.06, 0.06, 0.1, 0.28, 0.5], size=20)
    before = Tenure(old, 60, 100)
    early = compare_versions(Tenure(new, 100, 102), before, old + new, [])
    assert isinstance(early, Comparison)
    assert early.more_days is not None
    later = compare_versions(Tenure(new, 100, 102 + early.more_days), before, old + new, [])
    assert isinstance(later, Comparison)
    assert later.half_width == pytest.approx(0.5, abs=0.03)
    assert early.half_width > 0.6


def test_the_apps_own_early_days_are_taken_off() -> None:
    """An app whose every release begins half a star lower says nothing by doing so once more."""
    rng = np.random.default_rng(2)
    days, every = 230, np.zeros((230, 5), np.int64)
    tenures = []
    for start, end in zip(RELEASES, [*RELEASES[1:], days], strict=True):
        counts = np.zeros((days, 5), np.int64)
        counts[start : start + 7] = rng.multinomial(80, [0.3, 0.1, 0.1, 0.1, 0.4], size=7)
        counts[start + 7 : end] = rng.multinomial(80, [0.1, 0.1, 0.1, 0.1, 0.6], size=max(end - start - 7, 0))
        every += counts
        tenures.append(Tenure(counts, start, min(end, start + 7) if start == RELEASED else end))
    earlier = [(tenures[n], tenures[n - 1]) for n in range(1, 7)]
    plain = compare_versions(tenures[-1], tenures[-2], every, [])
    corrected = compare_versions(tenures[-1], tenures[-2], every, earlier)
    assert isinstance(plain, Comparison)
    assert isinstance(corrected, Comparison)
    assert corrected.early < -0.15
    assert corrected.difference == pytest.approx(plain.difference - corrected.early)


def test_days_with_holes_are_left_out() -> None:
    days = 60
    old = np.tile([1, 1, 1, 2, 5], (days, 1))
    new = old.copy()
    old[40:], new[:40] = 0, 0
    new[50] = (400, 0, 0, 0, 0)
    judged = np.ones(days, np.bool_)
    judged[50] = False
    found = compare_versions(Tenure(new, 40, days), Tenure(old, 12, 40), old + new, [], judged=judged)
    assert isinstance(found, Comparison)
    assert found.difference == pytest.approx(0.0, abs=1e-9)


def test_topics_rise_and_fall_beyond_chance_only() -> None:
    risen = share_change(40, 400, 10, 1000, 10, 28)
    assert risen.moved == 1
    assert risen.low < risen.ratio < risen.high
    assert (risen.before, risen.after) == (0.01, 0.1)
    assert share_change(1, 400, 60, 1000, 10, 28).moved == -1
    assert share_change(3, 400, 4, 1000, 10, 28).moved == 0
    assert share_change(0, 400, 0, 1000, 10, 28).moved == 0
    with pytest.raises(ValueError, match="reviews"):
        share_change(0, 0, 1, 10, 1, 1)


def test_calm_topics_rarely_move() -> None:
    rng = np.random.default_rng(8)
    mentions, reviews = topic_world(rng, 60, 200, 80)
    moved, covered = [], []
    for y, n in zip(mentions, reviews, strict=True):
        found = share_change(
            int(y[150:160].sum()), int(n[150:160].sum()), int(y[122:150].sum()), int(n[122:150].sum()), 10, 28
        )
        moved.append(found.moved != 0)
        covered.append(found.low <= 1 <= found.high)
    assert np.mean(moved) <= 0.015
    assert 0.92 <= np.mean(covered) <= 0.995
