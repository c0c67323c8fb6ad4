"""Net promoter score and shares with their margins of error, from plain counts.

NPS (Reichheld, "The One Number You Need to Grow", Harvard Business Review, 2003): 9 and 10 are promoters, 0 to 6
detractors; the score is the difference of their shares, in points. Each answer is +1, 0 or −1, so the variance of one
is p + d − (p − d)² and the margin 1.96 √(variance / n). So that it holds for few answers too, three are added before
(¾ promoter, 1½ passive, ¾ detractor): the adjusted Wald interval of Rocks, "Interval estimation for the net promoter
score", The American Statistician 70, 2016. Shares: Wilson, "Probable inference", JASA 22, 1927.
"""

from dataclasses import dataclass
from math import sqrt

Z = 1.959964
"""Of 95 %."""


@dataclass(frozen=True, slots=True)
class Nps:
    """The score from −100 to 100, half the width of its 95 % interval in points, and the counts behind it."""

    score: float
    margin: float
    promoters: int
    passives: int
    detractors: int

    @property
    def n(self) -> int:
        """How many answered."""
        return self.promoters + self.passives + self.detractors


@dataclass(frozen=True, slots=True)
class Share:
    """A share (0 to 1) with its 95 % interval and its counts."""

    share: float
    low: float
    high: float
    count: int
    n: int


def nps(promoters: int, passives: int, detractors: int) -> Nps | None:
    """The score of these counts; None without an answer."""
    n = promoters + passives + detractors
    if n == 0:
        return None
    score = (promoters - detractors) / n
    # Adjusted Wald (Rocks 2016, after Agresti and Coull): three answers are added, one of each kind weighed ¾, 1½, ¾,
    # or ten promoters out of ten would be ±0.
    p, d, m = (promoters + 0.75) / (n + 3), (detractors + 0.75) / (n + 3), n + 3
    half = Z * sqrt(max(0.0, p + d - (p - d) ** 2) / m)
    # The interval lies a little nearer to zero than the score that is shown: the margin reaches its farther end.
    return Nps(100 * score, 100 * (half + abs(score - (p - d))), promoters, passives, detractors)


def share(count: int, n: int) -> Share | None:
    """A share with Wilson's interval; None where n is 0."""
    return Share(count / n, *wilson(count / n, n), count, n) if n else None


def wilson(p: float, n: float) -> tuple[float, float]:
    """Wilson's 95 % interval of a share `p` seen in `n` > 0; where noise makes counts worth less, `n` is not whole."""
    middle = (p + Z * Z / (2 * n)) / (1 + Z * Z / n)
    half = Z * sqrt(p * (1 - p) / n + Z * Z / (4 * n * n)) / (1 + Z * Z / n)
    return max(0.0, min(p, middle - half)), min(1.0, max(p, middle + half))


@dataclass(frozen=True, slots=True)
class Difference:
    """The difference of two shares (−1 to 1) with its 95 % interval. `proven`: the interval does not hold zero."""

    difference: float
    low: float
    high: float

    @property
    def proven(self) -> bool:
        """Whether it is beyond what chance does."""
        return self.low > 0 or self.high < 0


def difference(one: Share, other: Share, widened: float = 1.0) -> Difference:
    """One share minus the other, by Newcombe's hybrid of two Wilson intervals (Statistics in Medicine 17, 1998).

    `widened` multiplies the half-widths, where many differences are looked at together.
    """
    d = one.share - other.share
    low = widened * sqrt((one.share - one.low) ** 2 + (other.high - other.share) ** 2)
    high = widened * sqrt((one.high - one.share) ** 2 + (other.share - other.low) ** 2)
    return Difference(d, max(-1.0, d - low), min(1.0, d + high))
