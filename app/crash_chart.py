"""The stability chart: the share without a crash by day, and beneath it how many crashes there were.

A day that the source withholds is hatched, as one that is not known is: neither is a good day.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import groupby
from math import floor as down

from markupsafe import Markup, escape

from app.charts import Labels, Size, num, release_marks, round_step, ticks, words_at

WIDE = Size(width=1072, left=52, upper=130, lower=52)
NARROW = Size(width=360, left=48, upper=120, lower=44, top=28)


@dataclass(frozen=True, slots=True)
class CrashDay:
    """A day of the chart: `share` without a crash (0 to 1) and `crashes`, None where not told."""

    day: date
    share: float | None
    crashes: int | None
    hatched: bool


def crash_chart(
    days: Sequence[CrashDay], *, releases: Sequence[tuple[date, str]], labels: Labels, name: str, size: Size
) -> Markup:
    """Draw the days; "" where none has a share or a crash. The axis of the share is cut below its lowest value.

    Where no day has a share, only the crashes are drawn.
    """
    shares = [day.share for day in days if day.share is not None]
    if not days or (not shares and not any(day.crashes for day in days)):
        return Markup("")
    if not shares:
        size = replace(size, upper=0, gap=0, lower=size.lower + size.gap)
    first, last = days[0].day, days[-1].day + timedelta(days=1)
    unit = size.plot / (last - first).days
    key = f"{name}{'w' if size.width > 600 else 'n'}"
    lowest = _floor(min(shares, default=1.0))

    def x(day: date) -> float:
        return size.left + (day - first).days * unit

    def y(share: float) -> float:
        return size.top + size.upper * (1 - share) / (1 - lowest)

    bottom = size.top + size.upper + size.gap + size.lower
    most = max(1, *(day.crashes or 0 for day in days))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size.width} {size.height}" role="img" '
        f'aria-labelledby="t{key} d{key}">',
        f'<title id="t{key}">{escape(labels.title)}</title><desc id="d{key}">{escape(labels.description)}</desc>',
        f'<defs><pattern id="h{key}" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        '<line x1="0" y1="0" x2="0" y2="6" stroke-width="2" class="k-hole"/></pattern></defs>',
    ]
    for hatched, run in groupby(days, key=lambda each: each.hatched):
        stretch = list(run)
        if hatched:
            left, right = x(stretch[0].day), x(stretch[-1].day + timedelta(days=1))
            parts.append(
                f'<rect x="{num(left)}" y="{size.top}" width="{num(right - left)}" height="{bottom - size.top}" '
                f'fill="url(#h{key})" opacity=".5"/>'
            )
    parts.append(_axes(size, y, bottom, most, lowest if shares else None, labels))
    parts += [
        f'<rect class="f-s1" x="{num(x(day.day) + unit * 0.1)}" y="{num(bottom - size.lower * day.crashes / most)}" '
        f'width="{num(max(unit * 0.8, 0.5))}" height="{num(size.lower * day.crashes / most)}"/>'
        for day in days
        if day.crashes
    ]
    parts.append(_line(days, lambda day: x(day) + unit / 2, y))
    for at, label in release_marks([rule for rule in releases if first <= rule[0] < last], x, size):
        parts.append(f'<path d="M{num(at)} {size.top - 8 if label else size.top}V{bottom}" class="k-rule"/>')
        if label:
            half = len(label) * 3.6 + 4
            parts.append(words_at(min(max(at, half), size.width - half), size.top - 13, label, None, "ink", "middle"))
    for at, label in ticks(first, last, x, labels, 52):
        parts.append(f'<path d="M{num(at)} {bottom}v5" class="k-line"/>')
        if at < size.width - 24:
            parts.append(words_at(at, bottom + 18, label, None, "soft", "middle"))
    return Markup("".join([*parts, "</svg>"]))  # noqa: S704  numbers are ours, words are escaped above


def _floor(lowest: float) -> float:
    """Where the axis is cut: a round share below the lowest one, so that small changes near 100 % can be seen.

    Half of it is told with one digit too: 99.8 is never written beside a line at 99.75.
    """
    for step in (0.002, 0.004, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5):
        cut = 1 - step
        if lowest >= cut:
            return cut
    return max(0.0, down(lowest * 4) / 4) if lowest < 0.5 else 0.5


def _axes(size: Size, y: Callable[[float], float], bottom: int, most: int, lowest: float | None, labels: Labels) -> str:
    parts = []
    for share in () if lowest is None else (1.0, (1 + lowest) / 2, lowest):
        line = f"M{size.left} {num(y(share))}H{size.width - size.right}"
        parts.append(f'<path d="{line}" class="k-line"/>')
        parts.append(words_at(size.left - 6, y(share) + 4, labels.number(share), None, "soft", "end"))
    step = round_step(most)
    for count in range(0, most + 1, step):
        at = bottom - size.lower * count / most
        parts.append(f'<path d="M{size.left} {num(at)}H{size.width - size.right}" class="k-line"/>')
        parts.append(words_at(size.left - 6, at + 4, f"{count}", None, "soft", "end"))
    return "".join(parts)


def _line(days: Sequence[CrashDay], x: Callable[[date], float], y: Callable[[float], float]) -> str:
    """One path a stretch of known days: a gap stays a gap."""
    parts = []
    for known, run in groupby(days, key=lambda each: each.share is not None):
        points = [(x(each.day), y(each.share)) for each in run if each.share is not None]
        if known and len(points) > 1:
            path = "L".join(f"{num(a)} {num(b)}" for a, b in points)
            parts.append(f'<path d="M{path}" class="k-accent" stroke-width="2"/>')
        elif known:
            parts.append(f'<circle cx="{num(points[0][0])}" cy="{num(points[0][1])}" r="2.5" class="f-accent"/>')
    return "".join(parts)
