"""How often chance alone makes an irritant, and how soon a real one is seen: the thresholds of emergence, calibrated.

    python -m benchmarks.emergence [--data FOLDER] [--seed 1] [--quick]

False ones, in apps without any fault, at 5 to 300 reviews a day, every day looked at, episodes of 14 calm days:
- topics, channels, slow growth: `joint_world` of the simulator (25 topics said by those who write bad reviews: volumes
  negative binomial, moods of days, drift, each topic's own flicker and slow wander), two channels of 40 and 60 %;
- phrases: the real complaints that no topic covers, of four corpora, dealt anew over the days (so that no real incident
  is left in them) while each commonest phrase flickers and wanders as topics do; then through the very functions that
  the app runs. Without the corpora: the same with made-up words, as many and as frequent.
"Seen" is the share of planted irritants noticed within 14 days (grown ones: 200), and the median day.
"""

import argparse
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import numpy as np

from alerts.detectors.slow_growth import HISTORY_DAYS, THRESHOLD
from analysis import corpora
from analysis import irritants as life
from analysis.irritants import Episode
from analysis.phrases import occurrences
from analysis.understand import Document, understand
from app.irritant_phrases import LEAST, one_each
from app.irritant_scans import crept, of_topic, scanned
from benchmarks.simulator import Floats, Ints, joint_world, star_world, topic_world, wander

ROOT = Path(__file__).resolve().parent.parent
FIRST = date(2024, 1, 1)
WARM = 84
UNCOVERED = 0.2  # share of bad reviews that no topic covers
VOLUMES = {5: 40, 20: 30, 80: 12, 300: 6}  # reviews a day → apps simulated
DAYS = 900


def topics(rng: np.random.Generator, volume: float, apps: int, days: int = DAYS) -> dict[str, float]:
    """False irritants a year and app: of topics over the app, of channels alone, and of slow growth."""
    world = joint_world(rng, apps, days, volume)
    reviews, bad = world.world.counts.sum(axis=2), world.world.counts[:, :, :2].sum(axis=2)
    found = {"topic": 0, "channel": 0, "slow": 0}
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
            )
            for one in episodes:
                if (one.noticed - FIRST).days >= HISTORY_DAYS:
                    found["slow" if one.slow else "channel" if one.channels else "topic"] += 1
    years = apps * (days - HISTORY_DAYS) / 365
    return {name: n / years for name, n in found.items()}


def phrases(rng: np.random.Generator, texts: Sequence[str], volume: float, apps: int, days: int = 384) -> float:
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
    return found / (apps * (days - WARM) / 365)


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


def seen(rng: np.random.Generator, volume: float, share: tuple[float, float], apps: int = 60) -> tuple[float, float]:
    """Share of planted irritants noticed within 14 days at NOTICED, and the median day; `share` is before and after."""
    planted = np.where(np.arange(220) >= 200, share[1] - share[0], 0.0)
    mentions, reviews = topic_world(rng, apps, 220, volume, topics=1, planted=planted, share=share[0])
    return _within(
        [scanned("t", m, n, n, None, FIRST, life.NOTICED) for m, n in zip(mentions, reviews, strict=True)], 14
    )


def grown(rng: np.random.Generator, volume: float, share: tuple[float, float], apps: int = 60) -> tuple[float, float]:
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
        f"thresholds: topic {life.NOTICED}, channel {life.NOTICED_CHANNEL}, phrase {life.NOTICED_PHRASE}, slow "
        f"{THRESHOLD}; {len(texts)} texts that no topic covers"
    )
    print("false irritants a year and app (asked: about 1 of each kind)")
    print(f"{'reviews a day':>14} {'topic':>8} {'channel':>8} {'slow':>8} {'phrase':>8}")
    for volume, apps in VOLUMES.items():
        rng = np.random.default_rng([arguments.seed, volume])
        many = max(apps // 5, 2) if arguments.quick else apps
        false = topics(rng, volume, many) | {"phrase": phrases(rng, texts, volume, many)}
        row = " ".join(f"{false[name]:8.2f}" for name in ("topic", "channel", "slow", "phrase"))
        short = "  SHORT" if max(false.values()) > 1.35 else ""
        print(f"{volume:>14} {row}{short}", flush=True)
    print("planted: share within 14 days (slow: 200), median day")
    kinds: list[tuple[str, Callable[..., tuple[float, float]], tuple[float, float]]] = [
        ("from 0.3 to 5 %", seen, (0.003, 0.05)),
        ("from 1 to 4 %", seen, (0.01, 0.04)),
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
