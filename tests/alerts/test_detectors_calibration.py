"""From a score to "once in N years", from a budget to thresholds, and both true on the simulator."""

import numpy as np
import pytest

from alerts.detectors import (
    DEFAULT_THRESHOLDS,
    LINES,
    chance,
    episodes,
    false_alarm_years,
    false_alarms_per_stream_year,
    rating_drop_scan,
    split_budget,
    threshold_for_budget,
)
from benchmarks.simulator import star_world


def test_the_lines_of_the_design():
    assert false_alarms_per_stream_year("rating_drop", 4.0) == pytest.approx(10 ** (2.41 - 0.83 * 4))
    assert false_alarms_per_stream_year("bad_release", 3.75) == pytest.approx(10 ** (0.97 - 0.48 * 3.75))
    # About one false irritant a month over 25 topics at 3.16, one a quarter at 3.66.
    assert 25 * false_alarms_per_stream_year("new_irritant", 3.16) == pytest.approx(12, rel=0.05)
    assert 25 * false_alarms_per_stream_year("new_irritant", 3.66) == pytest.approx(4, rel=0.05)


def test_the_honest_sentence():
    said = chance("rating_drop", 4.6, streams=100)
    assert said.years_on_one_stream == pytest.approx(25.6, rel=0.01)
    assert said.months_over_yours == pytest.approx(12 * said.years_on_one_stream / 100)
    assert false_alarm_years("rating_drop", 40.0) == 1000
    with pytest.raises(ValueError, match="at least one"):
        chance("rating_drop", 4.0, streams=0)


@pytest.mark.parametrize("rule", list(LINES))
def test_a_budget_comes_back_as_its_own_number_of_alarms(rule):
    threshold = threshold_for_budget(rule, 0.5, 100)
    line = LINES[rule]
    assert 10 ** (line.intercept - line.slope * threshold) * 100 / 12 == pytest.approx(0.5)
    assert threshold_for_budget(rule, 0.1, 100) > threshold > threshold_for_budget(rule, 0.5, 10)
    assert DEFAULT_THRESHOLDS[rule].watch < DEFAULT_THRESHOLDS[rule].alert


def test_a_budget_is_shared_by_rules_then_by_levels():
    shared = split_budget(2.0, {("rating_drop", "app"): 5, ("rating_drop", "storefront"): 100, ("burst", "app"): 5})
    assert shared[("rating_drop", "app")] == threshold_for_budget("rating_drop", 0.5, 5)
    assert shared[("rating_drop", "storefront")] == threshold_for_budget("rating_drop", 0.5, 100)
    assert shared[("burst", "app")] == threshold_for_budget("burst", 1.0, 5)
    assert split_budget(2.0, {("burst", "app"): 0}) == {}
    with pytest.raises(ValueError, match="positive"):
        threshold_for_budget("burst", 0.0, 5)


def test_the_printed_once_in_n_is_true_within_two_on_the_simulator():
    world = star_world(np.random.default_rng(20), 150, 1_215, 40.0)
    scores = rating_drop_scan(world.counts)[:, 120:]
    years = scores.size / 365
    for printed in (1.0, 2.0, 5.0):
        threshold = threshold_for_budget("rating_drop", 1 / printed / 12, 1)
        openings = sum(len(episodes(stream, threshold)) for stream in scores)
        assert 0.5 < openings / years * printed < 2.0
