"""Evidence adds up: stars that fall, one complaint that grows, crashes that rise, all of the same days, as one score.

Each part says how often chance alone does as much on this app: a probability per fortnight. Their logarithms are added
(Fisher 1932), which is right only where the parts are independent. Stars and topics are not: on a bad day every topic
is named more often. So the words' part asks for a topic's share *among the bad reviews*, which a bad mood does not
move; what is left of dependence is in the line, measured on apps whose topics are said by those who write bad reviews.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import log10
from typing import Literal

FORTNIGHT = 14 / 365
Group = Literal["stars", "words", "crashes"]
GROUPS: Mapping[str, Group] = {
    "rating_drop": "stars",
    "bad_release": "stars",
    "burst": "stars",
    "new_irritant": "words",
    "crash_spike": "crashes",
}
"""Rules that read the same reviews are one group: the strongest of them speaks for it."""


@dataclass(frozen=True, slots=True)
class Part:
    """A rule at watch level or above, and how rarely chance alone does as much on this app: once in `app_years`."""

    rule: str
    app_years: float


def together(parts: Iterable[Part]) -> float | None:
    """Return Σ over groups of −log10 P(as much by chance in a fortnight), None with fewer than two groups."""
    least: dict[Group, float] = {}
    for part in parts:
        group = GROUPS.get(part.rule)
        if group is not None:
            chance = min(FORTNIGHT / max(part.app_years, 1e-3), 1.0)
            if chance < 1:
                least[group] = min(chance, least.get(group, 1.0))
    if len(least) < 2:
        return None
    return sum(-log10(chance) for chance in least.values())
