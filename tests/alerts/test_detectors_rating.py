"""The rating drop: its formula by hand, the scan, incomplete days, the frozen baseline, the real drop of Viber."""

import csv
import gzip
from datetime import date, timedelta
from math import sqrt
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.detectors import (
    bad_release,
    episodes,
    rating_drop,
    rating_drop_scan,
    rating_drop_shortfall,
    replay_rating_drop,
)
from alerts.detectors.drop import drop_score
from alerts.detectors.stars import baseline, spell, star_sums

FIRST = date(2026, 1, 1)
USUAL = np.array([0.10, 0.05, 0.10, 0.15, 0.60])
WORSE = np.array([0.35, 0.10, 0.10, 0.10, 0.35])
SHARED = Path(__file__).resolve().parents[2].parent / "shared"


def day(index):
    return FIRST + timedelta(days=index)


def history(days=200, volume=80, worse_from=None, seed=3):
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(volume, USUAL, size=days)
    if worse_from is not None:
        counts[worse_from:] = rng.multinomial(volume, WORSE, size=days - worse_from)
    return counts


def test_the_formula_is_the_printed_one():
    # Day after day the same 20 reviews, so every term can be worked out on paper; then one day of 12 one-star reviews.
    counts = np.tile([2, 1, 2, 3, 12], (100, 1))
    counts[99] = [12, 0, 0, 0, 0]
    sums = star_sums(counts[None])
    usual = baseline(sums, np.array([71]), np.array([99]))
    score, variance = drop_score(spell(sums, np.array([99]), np.array([100])), usual)
    mean = (2 + 2 + 6 + 12 + 60) / 20
    s2 = (2 + 4 + 18 + 48 + 300) / 20 - mean**2
    prior_day = 0.23**2 * s2 / 2
    own_day = 28 * 20 * prior_day / (20 * prior_day + s2)
    day_noise = 28 * prior_day / (own_day + 28)  # the days are equal: the estimate itself is 0
    own_week = 12 * 140 * 0.12**2 / (140 * 0.12**2 + s2)
    drift = 40 * 0.12**2 / (own_week + 40)
    trust = 12 / 20
    noise = day_noise * (1 + 1 / 28) + s2 / 560 + drift
    assert score[0, 0] == pytest.approx(trust * (mean - 1) / sqrt(trust**2 * s2 / 12 + noise))
    assert variance[0, 0] == pytest.approx(s2 / 12 + noise)


def test_the_score_is_the_loudest_window_against_its_harder_baseline():
    counts = history(worse_from=195)
    sums = star_sums(counts[None])
    found = []
    for window in (1, 2, 3, 5, 7, 10, 14, 21):
        recent = spell(sums, np.array([200 - window]), np.array([200]))
        against = []
        for length in (28, 84):
            usual = baseline(sums, np.array([200 - window - length]), np.array([200 - window]))
            against.append(drop_score(recent, usual)[0][0, 0])
        found.append(min(against))
    assert rating_drop(counts, FIRST, day(199)).score == pytest.approx(max(found))


def test_a_fall_is_an_alert_and_says_what_changed():
    found = rating_drop(history(worse_from=195), FIRST, day(199))
    assert found.level == "alert"
    assert found.effect.before == pytest.approx(4.1, abs=0.15)
    assert found.effect.after == pytest.approx(3.0, abs=0.2)
    assert found.effect.difference == found.effect.after - found.effect.before
    assert found.effect.difference + found.effect.half_width < 0
    assert found.since == day(200 - found.window_days)
    assert found.baseline_to == found.since - timedelta(days=1)
    assert (found.baseline_to - found.baseline_from).days + 1 in (28, 84)
    assert found.effect.n_after == 80 * found.window_days
    assert found.false_alarm_years > 8


def test_calm_and_rise_are_no_alert():
    assert rating_drop(history(), FIRST, day(199)).level is None
    better = history()[:, ::-1].copy()
    better[190:] = history()[190:]
    assert rating_drop(better, FIRST, day(199)).score < 1


def test_one_look_and_the_scan_agree_on_every_day():
    counts = history(worse_from=150)
    scores = rating_drop_scan(counts[None])[0]
    for index in (0, 1, 20, 60, 150, 152, 199):
        one = rating_drop(counts, FIRST, day(index))
        assert (one is None and np.isnan(scores[index])) or one.score == pytest.approx(scores[index])


def test_streams_do_not_touch_each_other_and_the_future_does_not_touch_the_past():
    calm, fallen = history(), history(worse_from=150, seed=4)
    both = rating_drop_scan(np.stack([calm, fallen]))
    np.testing.assert_allclose(both[0], rating_drop_scan(calm[None])[0])
    np.testing.assert_allclose(both[1], rating_drop_scan(fallen[None])[0])
    np.testing.assert_allclose(both[1][:150], rating_drop_scan(fallen[None, :150])[0])


def test_incomplete_days_are_not_judged():
    counts = history(worse_from=195)
    judged = np.ones(200, dtype=bool)
    judged[195:] = False
    found = rating_drop(counts, FIRST, day(199), judged=judged)
    assert found.level is None
    without = counts.copy()
    without[195:] = 0
    assert found.score == rating_drop(without, FIRST, day(199)).score


def test_silence_has_a_reason_and_a_number():
    thin = np.zeros((60, 5), dtype=int)
    thin[::7, 4] = 1
    assert rating_drop(thin, FIRST, day(59)) is None
    why = rating_drop_shortfall(thin, FIRST, day(59))
    assert (why.reason, why.missing) == ("few_recent", 2)
    young = np.zeros((10, 5), dtype=int)
    young[:2, 4] = 6
    young[9, 4] = 6
    why = rating_drop_shortfall(young, FIRST, day(9))
    assert (why.reason, why.missing) == ("few_before", 8)
    young[0, 4] += why.missing
    assert rating_drop(young, FIRST, day(9)) is not None
    assert rating_drop_shortfall(young, FIRST, day(9)) is None
    assert rating_drop_shortfall(history(), FIRST, day(199), np.zeros(200, dtype=bool)).reason == "not_judged"


def test_a_frozen_baseline_keeps_a_lasting_fall_loud():
    counts = history(days=260, worse_from=195)
    free = rating_drop(counts, FIRST, day(259))
    held = rating_drop(counts, FIRST, day(259), frozen_baseline_end=day(194))
    assert free.level is None
    assert held.level == "alert"
    assert held.baseline_to == day(194)


def test_a_campaign_cannot_own_the_baseline():
    counts = history(days=120, volume=20)
    counts[100:103] = np.array([0, 0, 0, 0, 2000])
    usual = baseline(star_sums(counts[None]), np.array([91]), np.array([119]))
    # 25 usual days of 20 and 3 days that weigh at most 60 each, not 2,000.
    assert usual.spell.reviews[0, 0] == pytest.approx(25 * 20 + 3 * 60, rel=0.2)
    assert usual.spell.mean[0, 0] < 4.5


def test_wrong_shapes_and_looks_are_refused():
    with pytest.raises(ValueError, match="shape"):
        rating_drop_scan(np.zeros((3, 10, 4), dtype=int))
    with pytest.raises(ValueError, match="negative"):
        rating_drop_scan(np.full((1, 10, 5), -1))
    with pytest.raises(ValueError, match="outside"):
        rating_drop(history(), FIRST, day(200))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 400), min_size=5, max_size=5), min_size=1, max_size=120),
    st.randoms(use_true_random=False),
)
def test_any_counts_give_a_finite_score_or_none(rows, chance):
    counts = np.array(rows)
    judged = np.array([chance.random() < 0.9 for _ in rows])
    scores = rating_drop_scan(counts[None], judged)
    assert not np.isinf(scores).any()
    found = rating_drop(counts, FIRST, day(len(rows) - 1), judged=judged)
    why = rating_drop_shortfall(counts, FIRST, day(len(rows) - 1), judged)
    assert (found is None) == (why is not None)
    if found is not None:
        assert FIRST <= found.baseline_from <= found.baseline_to < found.since
        assert found.effect.half_width > 0


def test_episodes_have_hysteresis():
    scores = np.zeros(60)
    scores[[5, 6, 19, 40]] = [4.0, 5.0, 4.2, 4.1]
    first, second = episodes(scores, 4.0)
    assert (first.start, first.last, first.closed, first.peak, first.peak_day) == (5, 19, 33, 5.0, 6)
    assert (second.start, second.closed) == (40, 54)
    assert len(episodes(scores, 4.0, calm_days=5)) == 3
    assert episodes(scores, 6.0) == []
    assert episodes(scores[:50], 4.0)[1].closed is None


def test_an_episode_ends_with_its_fourteenth_calm_day():
    scores = np.zeros(40)
    scores[[5, 20]] = 5.0  # 14 calm days between
    assert [found.start for found in episodes(scores, 4.0)] == [5, 20]
    scores[19] = 5.0  # 13
    assert [found.start for found in episodes(scores, 4.0)] == [5]


def test_the_day_noise_is_the_moment_estimate_of_the_days():
    # Three days of 10 with means 3, 4 and 5: DerSimonian and Laird by hand.
    counts = np.zeros((1, 3, 5), dtype=int)
    counts[0, 0, 2] = counts[0, 1, 3] = counts[0, 2, 4] = 10
    usual = baseline(star_sums(counts), np.array([0]), np.array([3]))
    s2 = 2 / 3
    found = (10 * 2 - 2 * s2) / (30 - 10)
    prior = 0.23**2 * s2 / 2
    own = 3 * 10 * prior / (10 * prior + s2)
    assert usual.variance[0, 0] == pytest.approx(s2)
    assert usual.day[0, 0] == pytest.approx((own * found + 28 * prior) / (own + 28))


def test_days_that_are_not_judged_neither_calm_nor_close():
    scores = np.zeros(60)
    scores[5], scores[30] = 5.0, 5.0
    scores[6:25] = np.nan
    assert len(episodes(scores, 4.0)) == 1
    assert episodes(scores, 4.0)[0].closed == 44


def test_a_replay_opens_once_for_a_lasting_fall_and_again_for_the_next():
    counts = history(days=420, worse_from=150)
    rng = np.random.default_rng(9)
    counts[330:] = rng.multinomial(80, [0.70, 0.10, 0.05, 0.05, 0.10], size=90)
    found = replay_rating_drop(counts, 4.0)
    assert [150 <= found[0].start <= 155, 330 <= found[1].start <= 333, len(found)] == [True, True, 2]
    assert found[0].last >= 150 + 80
    assert replay_rating_drop(history(), 4.0) == []


@pytest.mark.shared
def test_the_real_drop_of_viber_is_seen_within_three_days():
    path = SHARED / "data" / "viber" / "reviews.csv.gz"
    if not path.exists():
        pytest.skip("the shared Viber reviews are not beside the project")
    with gzip.open(path, "rt", encoding="utf-8") as text:
        rows = [(date.fromisoformat(r["date"]), int(float(r["rating"])), r["version"]) for r in csv.DictReader(text)]
    first = min(row[0] for row in rows)
    counts = np.zeros((2, (max(row[0] for row in rows) - first).days + 1, 5), dtype=int)
    for written, stars, version in rows:
        counts[0, (written - first).days, stars - 1] += 1
        counts[1, (written - first).days, stars - 1] += version == "5.3.0.2274"
    released = date(2015, 3, 31)
    guard = bad_release(counts[1], counts[0], first_day=first, released=released, look=date(2015, 4, 2))
    assert guard.level == "watch"
    assert guard.effect.difference == pytest.approx(-0.75, abs=0.2)
    openings = [first + timedelta(days=found.start) for found in replay_rating_drop(counts[0], 3.0)]
    assert openings[0] == date(2015, 4, 2)
    assert len(openings) == 2
