"""How often chance alone makes an irritant, and how soon a real one is seen: the thresholds of emergence, calibrated.

    python -m benchmarks.emergence [--data FOLDER] [--seed 1] [--quick]

False ones, in apps without any fault, at 5 to 300 reviews a day, every day looked at, episodes of 14 calm days:
- topics, channels, slow growth: `joint_world` of the simulator (25 topics said by those who write bad reviews: volumes
  negative binomial, moods of days, drift, each topic's own flicker and slow wander), two channels of 40 and 60 %;
- phrases: the real complaints that no topic covers, of four corpora, dealt anew over the days (so that no real incident
  is left in them) while each commonest phrase flickers and wanders as topics do; then through the very functions that
  the app runs. Without the corpora: the same with made-up words, as many and as frequent.
Each rate has its 95 % interval (Poisson, by Wilson and Hilferty); SHORT where it reaches beyond one a year.
"Seen" is the share of planted irritants noticed within 14 days (grown ones: 200), and the median day.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from math import sqrt
from pathlib import Path

import numpy as np

from alerts.detectors.slow_growth import HISTORY_DAYS
from analysis import corpora
from analysis import irritants as life
from analysis.irritants import Episode, Launch
from analysis.phrases import occurrences
from analysis.understand import Document, understand
from app.irritant_phrases import LEAST, one_each
from app.irritant_scans import crept, of_topic, scanned
from benchmarks.simulator import Floats, Ints, joint_world, star_world, topic_world, wander

ROOT = Path(__file__).resolve().parent.parent
FIRST = date(2024, 1, 1)
WARM = 84
UNCOVERED = 0.2  # share of bad reviews that no topic covers
VOLUMES = {5: 100, 10: 100, 20: 100, 40: 100, 80: 100, 160: 100, 300: 100}  # reviews a day → apps simulated
PHRASE_VOLUMES = {5: 40, 20: 30, 80: 24, 300: 12}  # the same for phrases, which take long
DAYS = 900


@dataclass(frozen=True, slots=True)
class Rate:
    """False irritants found in so many app-years."""

    found: int
    years: float

    @property
    def a_year(self) -> float:
        """The rate."""
        return self.found / self.years

    @property
    def interval(self) -> tuple[float, float]:
        """Its 95 % interval: the cube-root approximation of Wilson and Hilferty (1931) to the exact Poisson limits."""
        low = self.found * (1 - 1 / (9 * self.found) - 1.96 / (3 * sqrt(self.found))) ** 3 if self.found else 0.0
        more = self.found + 1
        return low / self.years, more * (1 - 1 / (9 * more) + 1.96 / (3 * sqrt(more))) ** 3 / self.years

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.a_year:.2f} ({low:.2f}-{high:.2f})"


def topics(rng: np.random.Generator, volume: float, apps: int, days: int = DAYS) -> dict[str, Rate]:
    """False irritants a year and app: of topics over the app, of channels alone, and of slow growth."""
    world = joint_world(rng, apps, days, volume)
    reviews, bad = world.world.counts.sum(axis=2), world.world.counts[:, :, :2].sum(axis=2)
    found = {"topic": 0, "channel": 0, "slow": 0}
    out = [FIRST + timedelta(days=day) for day in world.world.releases]
    launches = [Launch(channel, "", day) for channel in ("a", "b") for day in out]
    for app in range(apps):
        mentions = world.mentions[app]
        part = rng.binomial(mentions, 0.4)
        of_bad = np.maximum(rng.binomial(bad[app], 0.4), part.max(axis=0))
        of_all = np.maximum(rng.binomial(reviews[app], 0.4), of_bad)
        for number in range(len(mentions)):
            episodes = of_topic(
                f"topic:{number}",
                {"app": mentions[number], "a": part[number], "b": mentions[number] - part[number]},
                {"app": reviews[app], "a": of_all, "b": np.maximum(reviews[app] - of_all, 0)},
                {"app": bad[app], "a": of_bad, "b": np.maximum(bad[app] - of_bad, 0)},
                {},
                FIRST,
                launches,
            )
            for one in episodes:
                if (one.noticed - FIRST).days >= HISTORY_DAYS:
                    found["slow" if one.slow else "channel" if one.channels else "topic"] += 1
    years = apps * (days - HISTORY_DAYS) / 365
    return {name: Rate(n, years) for name, n in found.items()}


def phrases(rng: np.random.Generator, texts: Sequence[str], volume: float, apps: int, days: int = 384) -> Rate:
    """False irritants a year and app of phrases: `texts` dealt over the days of apps without any fault."""
    theme = _themes(texts)
    found = 0
    for _ in range(apps):
        world = star_world(rng, 1, days, volume)
        reviews, bad = world.counts[0].sum(axis=1), world.counts[0][:, :2].sum(axis=1)
        day = _dealt(rng, theme, rng.binomial(bad, UNCOVERED))
        told = np.flatnonzero(day >= 0)
        for words, those in one_each(occurrences([texts[index] for index in told], least=LEAST)):
            counts = np.bincount(day[told[list(those)]], minlength=days)
            episodes = scanned(words, counts, reviews, bad, None, FIRST, life.NOTICED_PHRASE)
            found += sum((one.noticed - FIRST).days >= WARM for one in episodes)
    return Rate(found, apps * (days - WARM) / 365)


def _themes(texts: Sequence[str]) -> Ints:
    """The number of each text's commonest phrase; 0 without one."""
    said = occurrences(texts, least=LEAST)
    theme = np.zeros(len(texts), np.int64)
    for number, rows in enumerate(sorted(said.values(), key=len), 1):
        theme[rows] = number
    return theme


def _dealt(rng: np.random.Generator, theme: Ints, each_day: Ints) -> Ints:
    """A day for each text (-1: none), `each_day` of them, themes in fashion by day noise and slow wander."""
    shape = (int(theme.max()) + 1, len(each_day))
    fashion: Floats = np.exp(0.25 * wander(rng, shape, 60.0)) * rng.gamma(10.0, 0.10, shape)
    day = np.full(len(theme), -1)
    left = np.arange(len(theme))
    for at, wanted in enumerate(each_day.tolist()):
        n = min(wanted, len(left))
        if n:
            order = rng.exponential(size=len(left)) / fashion[theme[left], at]
            chosen = np.argpartition(order, n - 1)[:n]
            day[left[chosen]] = at
            left = np.delete(left, chosen)
    return day


def uncovered(folder: Path) -> list[str]:
    """Real complaints that no topic covers."""
    kept = []
    for name in ("insurance_fr", "viber", "minibar", "playstore_en"):
        bad = [one for one in corpora.read(folder, name) if one.stars is not None and one.stars <= 2]
        said = understand([Document(one.text, locale=one.language) for one in bad])
        kept += [one.text for one, found in zip(bad, said, strict=True) if not found.topics]
    return kept


def made_up(rng: np.random.Generator, texts: int = 6_000) -> list[str]:
    """Texts of words that mean nothing, as frequent as words are (Zipf)."""
    return [" ".join(f"w{min(word, 5_000)}" for word in rng.zipf(1.3, rng.integers(4, 30))) for _ in range(texts)]


def seen(
    rng: np.random.Generator, volume: float, share: tuple[float, float], apps: int = 200, *, released: bool = True
) -> tuple[float, float]:
    """Share of planted irritants noticed within 14 days, and the median day; `share` is before and after.

    `released`: a release of that day began it.
    """
    less = life.eased([FIRST + timedelta(days=200)] if released else [], FIRST, 220)
    planted = np.where(np.arange(220) >= 200, share[1] - share[0], 0.0)
    mentions, reviews = topic_world(rng, apps, 220, volume, topics=1, planted=planted, share=share[0])
    found = [
        scanned("t", m, n, n, None, FIRST, life.thresholds(life.NOTICED, n) - less)
        for m, n in zip(mentions, reviews, strict=True)
    ]
    return _within(found, 14)


def grown(rng: np.random.Generator, volume: float, share: tuple[float, float], apps: int = 200) -> tuple[float, float]:
    """The same within 200 days where the share grows evenly over 150, by the slow scan."""
    planted = np.clip((np.arange(400) - 200) / 150, 0, 1) * (share[1] - share[0])
    mentions, reviews = topic_world(rng, apps, 400, volume, topics=1, planted=planted, share=share[0])
    return _within([crept("t", m, n, n, None, FIRST) for m, n in zip(mentions, reviews, strict=True)], 200)


def _within(found: Sequence[Sequence[Episode]], days: int) -> tuple[float, float]:
    first = [min(((one.noticed - FIRST).days - 199 for one in each), default=999) for each in found]
    late = np.array([day if 0 < day <= days else 999 for day in first])
    return float((late < 999).mean()), float(np.median(late))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.emergence", description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="a fifth of the apps")
    arguments = parser.parse_args()
    texts = uncovered(arguments.data) or made_up(np.random.default_rng(arguments.seed))
    print(
        f"thresholds by reviews a day: topic {life.NOTICED}, channel {life.NOTICED_CHANNEL} more, slow "
        f"{life.NOTICED_SLOW}; phrase {life.NOTICED_PHRASE}; {len(texts)} texts that no topic covers"
    )
    print("false irritants a year and app with their 95 % interval (asked: at most 1 of each kind)")
    print(f"{'reviews a day':>14} {'topic':>18} {'channel':>18} {'slow':>18} {'phrase':>18}")
    for volume, apps in VOLUMES.items():
        rng = np.random.default_rng([arguments.seed, volume])
        part = 5 if arguments.quick else 1
        false = topics(rng, volume, max(apps // part, 2))
        if volume in PHRASE_VOLUMES:
            false["phrase"] = phrases(rng, texts, volume, max(PHRASE_VOLUMES[volume] // part, 2))
        row = " ".join(f"{false.get(name, '')!s:>18}" for name in ("topic", "channel", "slow", "phrase"))
        short = "  SHORT" if max(one.interval[1] for one in false.values()) > 1 else ""
        print(f"{volume:>14} {row}{short}", flush=True)
    print("planted: share within 14 days (slow: 200), median day")
    kinds: list[tuple[str, Callable[..., tuple[float, float]], tuple[float, float]]] = [
        ("from 0.3 to 5 %", seen, (0.003, 0.05)),
        ("from 1 to 4 %", seen, (0.01, 0.04)),
        ("the same without a release", partial(seen, released=False), (0.01, 0.04)),
        ("grown over 150 days, 1 to 4 %", grown, (0.01, 0.04)),
        ("grown over 150 days, 1 to 3 %", grown, (0.01, 0.03)),
    ]
    for what, measure, share in kinds:
        told = []
        for volume in VOLUMES:
            caught, day = measure(np.random.default_rng([arguments.seed, volume, 7]), volume, share)
            told.append(f"{volume}: {caught:.0%} day {day:.0f}" if caught > 0.5 else f"{volume}: {caught:.0%}")
        print(f"  {what:<32} " + ", ".join(told), flush=True)


if __name__ == "__main__":
    main()
