"""Irritants, crashes and bursts: formulas by hand, planted changes, withheld denominators, campaigns."""

from datetime import UTC, date, datetime, timedelta
from math import log, sqrt

import numpy as np
import pytest

from alerts.detectors import (
    Judgement,
    Shortfall,
    burst,
    burst_scan,
    crash_spike,
    crash_spike_scan,
    new_irritant,
    new_irritant_scan,
    new_irritant_shortfall,
    release_crash_spike,
)
from alerts.detectors.burst import scan_bursts

FIRST = date(2026, 1, 1)
HOUR = datetime(2026, 1, 1, tzinfo=UTC)


def day(index):
    return FIRST + timedelta(days=index)


def topics(days=100, seed=2):
    """Three topics at 80 reviews a day: calm, new at 5 % from day 95, never said."""
    rng = np.random.default_rng(seed)
    reviews = np.full(days, 80)
    said = np.stack([rng.binomial(80, 0.04, days), rng.binomial(80, 0.002, days), np.zeros(days, dtype=int)])
    said[1, 95:] = rng.binomial(80, 0.05, max(days - 95, 0))
    return said, reviews


def test_the_irritant_formula_is_the_printed_one():
    reviews, said = np.full(57, 80), np.zeros((1, 57), dtype=int)
    said[0, :56:2] = 1
    said[0, 56] = 6
    found = new_irritant(said, reviews, FIRST, day(56))[0]
    share = 29 / (56 * 80 + 100)
    mean = share * 80
    z = sqrt(2 * (6 * log(6 / mean) - (6 - mean))) / sqrt(1 + mean * (0.10 + 0.25**2) + mean / 29)
    assert found.window_days == 1
    assert found.score == pytest.approx(z)
    assert (found.effect.before, found.effect.after) == (pytest.approx(share), 6 / 80)
    assert (found.effect.n_before, found.effect.n_after) == (56 * 80, 80)


def test_a_new_irritant_is_seen_and_calm_ones_are_not():
    said, reviews = topics()
    calm, new, never = new_irritant(said, reviews, FIRST, day(98))
    assert calm.level is None
    assert new.level == "alert"
    assert new.effect.difference - new.effect.half_width > 0
    assert new.since >= day(94)
    assert new.baseline_to == new.since - timedelta(days=1)
    assert never is None
    assert new_irritant(said, reviews, FIRST, day(94))[1].level is None


def test_more_reviews_alone_are_no_irritant():
    said, reviews = topics()
    said[0, 95:] = 13
    many = reviews.copy()
    many[95:] *= 4
    assert new_irritant(said, many, FIRST, day(98))[0].level is None
    assert new_irritant(said, reviews, FIRST, day(98))[0].level == "alert"


def test_irritant_scan_and_look_agree_and_skip_incomplete_days():
    said, reviews = topics()
    judged = np.ones(100, dtype=bool)
    judged[97:] = False
    for mask in (None, judged):
        scores = new_irritant_scan(said, reviews, mask)
        look = new_irritant(said, reviews, FIRST, day(99), judged=mask)
        assert look[1].score == pytest.approx(scores[1, 99])
    assert new_irritant_scan(said, reviews, judged)[1, 99] < new_irritant_scan(said, reviews)[1, 99]


def test_an_irritant_with_a_frozen_baseline_stays_loud():
    said, reviews = topics(days=160)
    free = new_irritant(said, reviews, FIRST, day(159))[1]
    held = new_irritant(said, reviews, FIRST, day(159), frozen_baseline_end=day(94))[1]
    assert free.level is None
    assert held.level == "alert"
    assert held.baseline_to == day(94)


def test_irritant_silence_has_a_reason():
    said, reviews = topics()
    assert new_irritant_shortfall(said[2], reviews) == Shortfall("few_recent", 3)
    assert new_irritant_shortfall(said[1], reviews) is None
    assert new_irritant_shortfall(said[1], reviews, np.zeros(100, dtype=bool)).reason == "not_judged"
    # A first import: everything is new, so nothing is.
    fresh = np.zeros(20, dtype=int)
    fresh[-1] = 40
    assert new_irritant((fresh // 4)[None], fresh, FIRST, day(19)) == [None]
    assert new_irritant_shortfall(fresh // 4, fresh) == Shortfall("few_before", 50)


def crashes(factor=1.0, days=60, seed=6):
    rng = np.random.default_rng(seed)
    sessions = np.full(days, 10_000.0)
    rate = np.where(np.arange(days) >= 50, 0.005 * factor, 0.005)
    return rng.poisson(sessions * rate).astype(float), sessions


def test_the_crash_formula_is_the_printed_one():
    every, sessions = np.full(60, 50.0), np.full(60, 10_000.0)
    mine, ran = np.zeros(60), np.zeros(60)
    mine[50:53], ran[50:53] = 10.0, 1_000.0
    found = release_crash_spike(mine, ran, every, sessions, first_day=FIRST, released=day(50), look=day(52))
    old = 28 * 50 + 0.5
    mean = 3_000 * old / 280_000
    z = sqrt(2 * (30 * log(30 / mean) - (30 - mean))) / sqrt(1 + mean * (0.01 + 0.01 / 3) + mean / old)
    assert isinstance(found, Judgement)
    assert found.score == pytest.approx(z)
    assert found.effect.after == 0.01
    assert found.effect.n_after == 3_000


def test_a_crashing_app_is_seen_and_a_calm_one_is_not():
    worse = crash_spike(*crashes(2.0), FIRST, day(53))
    assert worse.level == "alert"
    assert worse.effect.difference == pytest.approx(0.005, rel=0.15)
    assert worse.since == day(54 - worse.window_days)
    assert crash_spike(*crashes(), FIRST, day(53)).level is None
    assert worse.score == pytest.approx(crash_spike_scan(*(part[None] for part in crashes(2.0)))[0, 53])


def test_withheld_denominators_are_no_judgement():
    counts, sessions = crashes(2.0)
    sessions[40:] = np.nan
    assert crash_spike(counts, sessions, FIRST, day(59)) == Shortfall("no_denominator", 0)
    whole = np.full(60, 10_000.0)
    guard = release_crash_spike(counts, sessions, counts, whole, first_day=FIRST, released=day(50), look=day(53))
    assert guard == Shortfall("no_denominator", 0)
    few = np.where(np.arange(60) >= 50, 3.0, 0.0)
    guard = release_crash_spike(few, few, counts, whole, first_day=FIRST, released=day(50), look=day(53))
    assert guard == Shortfall("few_recent", 8)
    late = release_crash_spike(few, few, counts, whole, first_day=FIRST, released=day(10), look=day(53))
    assert late.reason == "outside_window"


def test_one_withheld_day_is_left_out():
    counts, sessions = crashes(2.0)
    full = crash_spike(counts, sessions, FIRST, day(53))
    sessions[53] = np.nan
    without = crash_spike(counts, sessions, FIRST, day(53))
    assert without.level == "alert"
    assert without.window_days == full.window_days
    assert without.effect.n_after == full.effect.n_after - 10_000


def hours(days=60, volume=200, seed=8):
    rng = np.random.default_rng(seed)
    rate = volume / 24 * np.tile(0.4 + 1.2 * (np.arange(24) >= 12), days)
    bad = rng.poisson(rate * 0.2)
    return bad, bad + rng.poisson(rate * 0.8)


def test_an_outage_is_seen_within_hours():
    bad, every = hours()
    start = 50 * 24 + 13
    extra = np.random.default_rng(1).poisson(8 * 4, 6)
    bad[start : start + 6] += extra
    every[start : start + 6] += extra
    found = burst(bad, every, HOUR, HOUR + timedelta(hours=start + 1))
    assert found.level == "alert"
    assert found.effect.after > 3 * found.effect.before
    assert found.effect.n_after == found.window_hours <= 3
    assert found.since == (HOUR + timedelta(hours=start)).date()
    assert burst(bad, every, HOUR, HOUR + timedelta(hours=start - 1)).level is None


def test_the_usual_rush_hour_and_a_campaign_are_no_burst():
    bad, every = hours()
    assert np.nanmax(burst_scan(bad[None], every[None])) < 4.5
    many_bad, many = hours(volume=1_000, seed=9)
    bad[50 * 24 :], every[50 * 24 :] = many_bad[50 * 24 :], many[50 * 24 :]
    assert np.nanmax(burst_scan(bad[None], every[None])[0, 50 * 24 :]) < 4.5


def test_reviews_that_all_come_in_the_evening_are_no_burst():
    rng = np.random.default_rng(4)
    rate = np.tile(np.where(np.isin(np.arange(24), (19, 20)), 40.0, 0.2), 60)
    bad = rng.poisson(rate * 0.2)
    every = bad + rng.poisson(rate * 0.8)
    found = scan_bursts(bad[None], every[None])
    evening = np.arange(50 * 24, 60 * 24).reshape(10, 24)[:, 20]
    # The two evening hours bring 16 bad reviews; a flat day would expect 1.4, three hours taken together 11.
    assert (found.expected[0, evening][found.window[0, evening] == 2] > 8).all()
    assert np.nanmax(found.score[0, 50 * 24 :]) < 3


def test_the_future_does_not_touch_a_burst_and_a_young_stream_is_not_judged():
    bad, every = hours()
    scores = burst_scan(bad[None], every[None])[0]
    np.testing.assert_allclose(burst_scan(bad[None, :900], every[None, :900])[0], scores[:900])
    assert np.isnan(scores[: 7 * 24]).all()
    assert burst(bad, every, HOUR, HOUR + timedelta(hours=30)) is None
    with pytest.raises(ValueError, match="outside"):
        burst(bad, every, HOUR, HOUR + timedelta(days=90))
