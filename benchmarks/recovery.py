"""How soon an incident ends once its fault is mended, and how often it ends while the fault goes on.

    python -m benchmarks.recovery [--seed 1] [--apps 40]

Apps of one store lose 0.8 stars on day 200, by a fault of the server or by a release; then nothing is mended, or
everything is on day 215 (for a bad release by the next one). Every day is looked at by the very code that runs
(`alerts.replay.walk`), with the end by evidence (`alerts.recovery`) and, for comparison, by calm days alone.
"""

import argparse
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from unittest.mock import patch
from zoneinfo import ZoneInfo

import numpy as np

from alerts import replay
from alerts.streams import History, Launch, Stream
from alerts.watched import Watched
from benchmarks.simulator import Ints, World, star_world
from models.incidents import Incident

FIRST, BROKEN, MENDED, LAST = date(2024, 1, 1), 200, 215, 262
STORE = "google_play"
VOLUMES = (20.0, 80.0, 300.0)


def histories(world: World) -> list[History]:
    """Each stream of a world as an app of one store; the newest version's reviews are named by its number."""
    days = world.counts.shape[1]
    judged = np.ones(days, np.bool_)
    launches = tuple(
        Launch(STORE, f"{number}.0", FIRST + timedelta(days=day), inferred=False)
        for number, day in enumerate(world.releases, 1)
    )
    found = []
    for every, newest in zip(world.counts, world.newest, strict=True):
        versions: dict[tuple[str, str], Ints] = {}
        for number, (first, end) in enumerate(zip([0, *world.releases], [*world.releases, days], strict=True)):
            mine = np.zeros_like(every)
            mine[first:end] = newest[first:end]
            versions[STORE, f"{number}.0"] = mine
        versions[STORE, ""] = every - newest
        found.append(
            History(
                app_id=1,
                first_day=FIRST,
                streams=(Stream("app", FIRST, every, judged),),
                versions=versions,
                negatives={key: counts[:, :2].sum(axis=1) for key, counts in versions.items()},
                reviews={"app": every.sum(axis=1), STORE: every.sum(axis=1)},
                topics=(),
                mentions={"app": np.zeros((0, days), np.int64), STORE: np.zeros((0, days), np.int64)},
                judged={"app": judged, STORE: judged},
                launches=launches,
                holes=(),
                sources=((STORE, ""),),
            )
        )
    return found


def incidents(history: History) -> list[Incident]:
    """The incidents of the days around the fault."""
    start, end = FIRST + timedelta(days=BROKEN - 3), FIRST + timedelta(days=LAST)
    return [one for one, _ in replay.walk(history, start, end, ZoneInfo("UTC"), Watched())]


def server_fault(rng: np.random.Generator, apps: int, volume: float, mended: int) -> World:
    """Everybody loses 0.8 stars."""
    day = np.arange(LAST + 1)
    return star_world(rng, apps, LAST + 1, volume, shift=np.where((day >= BROKEN) & (day < mended), -0.8, 0.0))


def bad_release(rng: np.random.Generator, apps: int, volume: float, mended: int) -> World:
    """A release loses its own users 0.8 stars, and the next one is right."""
    releases = [30, 60, 90, 120, 150, 180, BROKEN] + ([mended] if mended <= LAST else [])
    return star_world(rng, apps, LAST + 1, volume, releases=releases, release_shift={BROKEN: -0.8})


def measured(worlds: Sequence[History], mended: int) -> tuple[float, float, float]:
    """Of the apps with an incident that began with the fault: the share that ended too early, the median number of
    days from the mending to the end, and the share with another incident of stars within the days that follow."""
    early, took, again = [], [], []
    for history in worlds:
        opened = [one for one in incidents(history) if (one.opened_day - FIRST).days >= BROKEN]
        if not opened or (opened[0].opened_day - FIRST).days >= min(mended, BROKEN + 14):
            continue
        ended = opened[0].resolved_at
        day = 999 if ended is None else (ended.date() - FIRST).days - 1  # a look is at the end of its day
        early.append(day < mended)
        took.append(day - mended)
        again.append(len(opened) > 1)
    return float(np.mean(early)), float(np.median(took)), float(np.mean(again))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recovery", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--apps", type=int, default=40)
    arguments = parser.parse_args()
    kinds: list[tuple[str, Callable[..., World]]] = [("server fault", server_fault), ("bad release", bad_release)]
    for name, make in kinds:
        for mended in (MENDED, LAST + 1):
            for volume in VOLUMES:
                rng = np.random.default_rng([arguments.seed, int(volume), mended])
                worlds = histories(make(rng, arguments.apps, volume, mended))
                early, took, again = measured(worlds, mended)
                with patch("alerts.replay.with_ends", lambda history, live, found, day: found):
                    _, alone, alone_again = measured(worlds, mended)
                if mended > LAST:
                    told = f"never mended: ended all the same {early:.0%}"
                else:
                    told = (
                        f"mended on day {mended}: ended before {early:.0%}, median {took:.0f} days after "
                        f"(by calm alone {alone:.0f}), another incident {again:.0%} ({alone_again:.0%})"
                    )
                print(f"{name}, {volume:.0f} a day, {told}", flush=True)


if __name__ == "__main__":
    main()
