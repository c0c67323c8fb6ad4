"""NPS and shares: hand-made figures, and intervals that hold what they promise."""

import random

import pytest

from analysis.nps import difference, nps, share


def test_a_score_by_hand() -> None:
    found = nps(50, 30, 20)
    assert found is not None
    assert (found.score, found.n) == (30.0, 100)
    # p = 50.75/103, d = 20.75/103: 1.96 √((p + d − (p − d)²)/103) = 15.08 points, and 30 − 29.13 between the middles
    assert found.margin == pytest.approx(15.95, abs=0.05)


def test_nobody_and_everybody() -> None:
    assert nps(0, 0, 0) is None
    assert share(0, 0) is None
    everybody = nps(10, 0, 0)
    assert everybody is not None
    assert everybody.score == 100
    assert everybody.margin > 10  # ten answers are no certainty


@pytest.mark.parametrize(("n", "p", "d"), [(15, 0.5, 0.2), (60, 0.3, 0.3), (400, 0.7, 0.1), (40, 0.75, 0.1)])
def test_the_margin_holds_the_truth_about_95_times_in_100(n: int, p: float, d: float) -> None:
    chance = random.Random(n)
    held = 0
    for _ in range(2000):
        drawn = [chance.random() for _ in range(n)]
        found = nps(sum(x < p for x in drawn), sum(p <= x < 1 - d for x in drawn), sum(x >= 1 - d for x in drawn))
        assert found is not None
        held += abs(found.score - 100 * (p - d)) <= found.margin
    assert 0.92 <= held / 2000 <= 0.99


def test_a_difference_is_proven_only_beyond_chance() -> None:
    few, many = share(3, 20), share(300, 2000)
    other, others = share(1, 20), share(100, 2000)
    assert few
    assert many
    assert other
    assert others
    assert not difference(few, other).proven
    found = difference(many, others)
    assert found.proven
    assert found.low == pytest.approx(0.081, abs=0.002)
    assert difference(many, others, widened=2).low < found.low
