"""The version guard: planted releases, staged roll-outs, silence with a reason."""

from datetime import date, timedelta

import numpy as np
import pytest

from alerts.detectors import bad_release, bad_release_scan, bad_release_shortfall

FIRST = date(2026, 1, 1)
RELEASED = 60
USUAL = np.array([0.10, 0.05, 0.10, 0.15, 0.60])
WORSE = np.array([0.35, 0.10, 0.10, 0.10, 0.35])


def release(mix=WORSE, share=0.3, volume=80, days=90, seed=5):
    """Reviews of a version out on day 60 that `share` of the reviewers have, and those of all versions."""
    rng = np.random.default_rng(seed)
    everybody = rng.multinomial(volume, USUAL, size=days)
    version = np.zeros_like(everybody)
    mine = round(volume * share)
    version[RELEASED:] = rng.multinomial(mine, mix, size=days - RELEASED)
    everybody[RELEASED:] = rng.multinomial(volume - mine, USUAL, size=days - RELEASED) + version[RELEASED:]
    return version, everybody


def judge(version, everybody, age, **more):
    return bad_release(
        version,
        everybody,
        first_day=FIRST,
        released=FIRST + timedelta(days=RELEASED),
        look=FIRST + timedelta(days=RELEASED + age),
        **more,
    )


def why(version, everybody, age, **more):
    return bad_release_shortfall(
        version,
        everybody,
        first_day=FIRST,
        released=FIRST + timedelta(days=RELEASED),
        look=FIRST + timedelta(days=RELEASED + age),
        **more,
    )


def test_a_bad_version_is_seen_while_few_have_it():
    version, everybody = release(share=0.10)
    found = judge(version, everybody, 7)
    assert found.level is not None
    assert found.effect.n_after == 64
    assert found.effect.difference == pytest.approx(-1.1, abs=0.4)
    assert found.window_days == 8
    assert found.since == FIRST + timedelta(days=RELEASED)
    assert found.baseline_to == FIRST + timedelta(days=RELEASED - 1)
    assert (found.baseline_to - found.baseline_from).days == 27


def test_a_version_like_the_others_is_no_alarm():
    assert all(judge(*release(mix=USUAL), age).level is None for age in range(14))


def test_early_adopters_are_allowed_for():
    # With reviews without end the only doubt left is noise of days, drift and early adopters: never a tiny half-width.
    version, everybody = release(volume=100_000)
    assert judge(version, everybody, 13).effect.half_width > 1.96 * 0.15


def test_the_scan_and_the_look_agree():
    version, everybody = release()
    scores = bad_release_scan(version[None], everybody[None], RELEASED)
    assert scores.shape == (1, 14)
    for age in (0, 5, 13):
        assert judge(version, everybody, age).score == pytest.approx(scores[0, age])


def test_only_reviews_since_the_release_count():
    version, everybody = release()
    early = version.copy()
    early[:RELEASED, 0] = 3  # a beta before the release day
    assert judge(early, everybody, 5).score == judge(version, everybody, 5).score


def test_incomplete_days_are_left_out():
    version, everybody = release()
    judged = np.ones(len(version), dtype=bool)
    judged[RELEASED + 2 :] = False
    found = judge(version, everybody, 5, judged=judged)
    assert found.effect.n_after == 48
    assert why(version, everybody, 1, judged=np.arange(90) < RELEASED).reason == "not_judged"


def test_silence_has_a_reason():
    version, everybody = release()
    assert why(version, everybody, 14).reason == "outside_window"
    assert judge(version, everybody, 14) is None
    assert why(version, everybody, 0, least_share=0.5).reason == "low_share"
    thin = np.zeros_like(version)
    thin[RELEASED, 0] = 3
    assert (why(thin, everybody, 0).reason, why(thin, everybody, 0).missing) == ("few_recent", 2)
    young = everybody.copy()
    young[:RELEASED] = 0
    young[RELEASED - 3, 4] = 5
    assert (why(version, young, 0).reason, why(version, young, 0).missing) == ("few_before", 15)
    assert why(version, everybody, 0) is None
    with pytest.raises(ValueError, match="same days"):
        judge(version[1:], everybody, 0)
    with pytest.raises(ValueError, match="outside"):
        judge(version, everybody, 40)
