"""Chance: draws from weights and counts, fast enough for twenty thousand reviews."""

import math
from collections.abc import Callable


def cumulated(odds: tuple[float, ...]) -> tuple[float, ...]:
    """Running shares of these weights, ending in 1, for draw()."""
    total = sum(odds)
    running, out = 0.0, []
    for odd in odds:
        running += odd / total
        out.append(running)
    return tuple(out)


def draw(shares: tuple[float, ...], chance: float) -> int:
    """The index that a chance (0 to 1) falls on."""
    for i, limit in enumerate(shares):
        if chance < limit:
            return i
    return len(shares) - 1


def tilted(odds: tuple[float, ...], tilt: float) -> tuple[float, ...]:
    """The star odds leaned towards five (tilt > 0) or one; a tilt of 0.1 moves the mean by about 0.13."""
    return tuple(p * math.exp(tilt * (i - 3.2)) for i, p in enumerate(odds))


def poisson(mean: float, random: Callable[[], float]) -> int:
    """A Poisson count (Knuth: products of chances)."""
    limit, product, n = math.exp(-mean), random(), 0
    while product > limit:
        product *= random()
        n += 1
    return n
