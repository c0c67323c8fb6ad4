"""The pictures of docs/detectors.md, drawn from the simulator: `python -m benchmarks.pictures docs`."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np

from alerts.detectors import (
    DEFAULT_THRESHOLDS,
    bad_release_scan,
    burst_scan,
    new_irritant_scan,
    scan_topic_bursts,
)
from benchmarks.detectors import added_up, crash_guard, joint_scores
from benchmarks.simulator import (
    STARS,
    Fault,
    Floats,
    crash_world,
    hour_topics,
    hour_world,
    joint_world,
    star_world,
    topic_world,
)

WIDTH, LEFT, RIGHT = 700, 60, 660
COLOURS = ("#0b6b6b", "#8a4b08", "#5b3a8c")


@dataclass(frozen=True)
class Panel:
    """Lines over the same steps in a frame from `low` to `high`, with named thresholds."""

    name: str
    lines: Sequence[tuple[str, Floats]]
    low: float
    high: float
    thresholds: Sequence[tuple[str, float]] = ()


def draw(path: Path, title: str, panels: Sequence[Panel], fault: tuple[int, int], steps: str) -> None:
    """Write an SVG: the panels one above the other, the fault shaded, the first alert marked."""
    count = len(panels[0].lines[0][1])
    parts, top, height = [], 26, 130

    def x(step: float) -> float:
        return LEFT + (RIGHT - LEFT) * step / max(count - 1, 1)

    total = top + len(panels) * (height + 34) + 10
    parts.append(
        f'<rect x="{x(fault[0]):.0f}" y="20" width="{x(min(fault[1], count - 1)) - x(fault[0]):.0f}" '
        f'height="{total - 44}" fill="#f4e3d7"/><text x="{x(fault[0]) + 4:.0f}" y="34" fill="#444">the fault</text>'
    )
    for panel in panels:

        def y(value: float, panel: Panel = panel, top: int = top) -> float:
            inside = min(max(value, panel.low), panel.high)
            return top + height * (1 - (inside - panel.low) / (panel.high - panel.low))

        parts.append(f'<text x="{LEFT}" y="{top + height + 16}" fill="#444">{escape(panel.name)}</text>')
        parts += [f'<text x="8" y="{y(edge) + 4:.0f}" fill="#444">{edge:g}</text>' for edge in (panel.low, panel.high)]
        for name, at in panel.thresholds:
            parts.append(
                f'<line x1="{LEFT}" x2="{RIGHT}" y1="{y(at):.1f}" y2="{y(at):.1f}" stroke="#c0392b" '
                f'stroke-dasharray="4 3"/>'
                f'<text x="{RIGHT + 4}" y="{y(at) + 4:.0f}" fill="#c0392b">{escape(name)}</text>'
            )
        for number, (name, values) in enumerate(panel.lines):
            points = " ".join(f"{x(s):.1f},{y(float(v)):.1f}" for s, v in enumerate(values) if not np.isnan(v))
            colour = COLOURS[number % len(COLOURS)]
            parts.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{points}"/>')
            offset = LEFT + 240 + 150 * number
            parts.append(f'<text x="{offset}" y="{top + height + 16}" fill="{colour}">{escape(name)}</text>')
        top += height + 34
    parts.append(f'<text x="{RIGHT}" y="{total - 4}" text-anchor="end" fill="#444">{escape(steps)}</text>')
    path.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {total}" font-family="sans-serif" '
        f'font-size="13">\n<title>{escape(title)}</title>\n<rect width="{WIDTH}" height="{total}" fill="#fff"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n",
        encoding="utf-8",
    )


def release(folder: Path, seed: int) -> None:
    """A version that loses 0.8 stars, from its release on."""
    world = star_world(
        np.random.default_rng([seed, 2]), 1, 220, 80, releases=[60, 100, 140, 200], release_shift={200: -0.8}
    )
    mean = (world.counts[0] @ STARS / np.maximum(world.counts[0].sum(axis=1), 1))[170:214]
    score = np.full(44, np.nan)
    score[30:] = bad_release_scan(world.newest, world.counts, 200)[0]
    limits = DEFAULT_THRESHOLDS["bad_release"]
    panels = [
        Panel("stars a day, all versions", [("", mean)], 3, 5),
        Panel("score of the new version", [("", score)], 0, 9, [("watch", limits.watch), ("alert", limits.alert)]),
    ]
    draw(folder / "detectors-release.svg", "A version that loses 0.8 stars", panels, (30, 43), "days")


def irritant(folder: Path, seed: int) -> None:
    """A topic that grows to 5 % of the reviews."""
    rise = np.zeros(150)
    rise[120:] = 0.05 * np.minimum(1.0, (np.arange(30) + 1) / 3)
    said, reviews = topic_world(np.random.default_rng([seed, 3]), 1, 150, 80, topics=1, planted=rise, share=0.01)
    share = 100 * said[0] / np.maximum(reviews[0], 1)
    limits = DEFAULT_THRESHOLDS["new_irritant"]
    score = new_irritant_scan(said, reviews)[0]
    panels = [
        Panel("% of reviews that name it", [("", share[90:])], 0, 15),
        Panel("score", [("", score[90:])], 0, 12, [("alert", limits.alert)]),
    ]
    draw(folder / "detectors-irritant.svg", "A topic that grows to 5 % of the reviews", panels, (30, 59), "days")


def crash(folder: Path, seed: int) -> None:
    """A version that crashes twice as often."""
    world = crash_world(np.random.default_rng([seed, 4]), 1, 300, 10_000, release_factor={5: 2.0})
    day = world.releases[5]
    rate = (1000 * world.crashes / np.maximum(world.sessions, 1))[0, day - 30 : day + 14]
    score = np.full(44, np.nan)
    score[30:] = crash_guard(world, day)[0][:14]
    limits = DEFAULT_THRESHOLDS["release_crash_spike"]
    panels = [
        Panel("crashes in 1,000 sessions, all versions", [("", rate)], 0, float(np.ceil(rate.max() + 1))),
        Panel("score of the new version", [("", score)], 0, 9, [("watch", limits.watch), ("alert", limits.alert)]),
    ]
    draw(folder / "detectors-crash.svg", "A version that crashes twice as often", panels, (30, 43), "days")


def burst(folder: Path, seed: int) -> None:
    """An outage of a day at an app with 80 reviews a day."""
    start = 45 * 24 + 9
    rng = np.random.default_rng([seed, 5])
    world = hour_world(rng, 1, 49, 80, outage=(start, 24, 5.0))
    topics = hour_topics(rng, world)
    named = scan_topic_bursts(topics[0], world.negatives[0], world.reviews[0]).score[0]
    counted = burst_scan(world.negatives, world.reviews)[0]
    span = slice(start - 48, start + 36)
    limits = DEFAULT_THRESHOLDS["burst"]
    panels = [
        Panel("bad reviews an hour", [("", world.negatives[0, span].astype(float))], 0, 12),
        Panel(
            "score", [("all bad reviews", counted[span]), ("the topic that breaks", named[span])], 0, 12,
            [("watch", limits.watch)],
        ),
    ]  # fmt: skip
    draw(folder / "detectors-burst.svg", "An outage of a day, by the hour", panels, (48, 72), "hours")


def together(folder: Path, seed: int) -> None:
    """A server fault at a small app: what each part says, and their sum."""
    day = 200
    for number in range(60):  # the first of the simulated apps where the stars alone do not alert within ten days
        world = joint_world(np.random.default_rng([seed, 6, number]), 1, 230, 20, fault=Fault(day, stars=-0.6))
        scores = joint_scores(world)
        late = np.nan_to_num(scores["rating_drop"][0, day : day + 10]).max() < 4
        if late and added_up(scores)[0, day : day + 7].max() >= DEFAULT_THRESHOLDS["together"].alert:
            break
    span = slice(day - 30, day + 25)
    words = np.nan_to_num(scores["new_irritant"][0, :, span], nan=0.0).max(axis=0)
    panels = [
        Panel(
            "each part", [("stars", scores["rating_drop"][0, span]), ("loudest topic", words)], 0, 9,
            [("alert", DEFAULT_THRESHOLDS["rating_drop"].alert)],
        ),
        Panel("their sum", [("", added_up(scores)[0, span])], 0, 9, [("alert", DEFAULT_THRESHOLDS["together"].alert)]),
    ]  # fmt: skip
    draw(
        folder / "detectors-together.svg", "A server fault at a small app, its parts added up", panels, (30, 54), "days"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=2026)
    chosen = parser.parse_args()
    for picture in (release, irritant, crash, burst, together):
        picture(chosen.folder, chosen.seed)


if __name__ == "__main__":
    main()
