"""Shares over time as lines: one or two series, a band where an interval is known, releases as thin rules."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

from markupsafe import Markup, escape

from app.charts import NARROW, WIDE, Labels, Palette, Size, num, paint, release_marks, ticks, words_at

LINES_WIDE = Size(width=WIDE.width, left=44, upper=190, lower=0, top=30, gap=0, right=72)
LINES_NARROW = Size(width=NARROW.width, left=40, upper=150, lower=0, top=28, gap=0, right=48)

Scale = Callable[[float], float]


@dataclass(frozen=True, slots=True)
class Line:
    """One series: a name at its end, the colour's role, a share of one for each step or None, and its half-width."""

    name: str
    role: str
    values: Sequence[float | None]
    band: Sequence[float | None] = ()


def share_lines(
    lines: Sequence[Line],
    first: date,
    step: int,
    *,
    releases: Sequence[tuple[date, str]],
    labels: Labels,
    size: Size = LINES_WIDE,
    palette: Palette | None = None,
    top: float | None = None,
) -> Markup:
    """Draw shares from `first` on, one value every `step` days. The axis begins at 0 and ends at `top`, or above all.

    `labels.number` writes a share. Returns "" without values.
    """
    known = [value for line in lines for value in line.values if value is not None]
    if not known:
        return Markup("")
    steps = max(len(line.values) for line in lines)
    last = first + timedelta(days=step * steps)
    most = top if top is not None else _round_up(max(known))
    floor = size.top + size.upper
    name = f"l{'w' if size.width > 600 else 'n'}{first:%y%m%d}"

    def x(day: date) -> float:
        return size.left + (min(max(day, first), last) - first).days * size.plot / (last - first).days

    def y(share: float) -> float:
        return floor - size.upper * min(max(share, 0.0), most) / most

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size.width} {size.height}" role="img" '
        f'aria-labelledby="t{name} d{name}" data-left="{size.left}" data-right="{size.right}">',
        f'<title id="t{name}">{escape(labels.title)}</title><desc id="d{name}">{escape(labels.description)}</desc>',
    ]
    for part in range(5):
        at = y(most * part / 4)
        parts.append(f'<path d="M{size.left} {num(at)}H{size.width - size.right}" {paint(palette, "line", True)}/>')
        if part % 2 == 0:
            parts.append(words_at(size.left - 8, at + 4, labels.number(most * part / 4), palette, "soft", "end"))
    for at, label in release_marks([rule for rule in releases if first <= rule[0] < last], x, size):
        dash = "none" if label else "1 3"
        parts.append(
            f'<path d="M{num(at)} {size.top - 8}V{floor}" stroke-dasharray="{dash}" {paint(palette, "rule", True)}/>'
        )
        if label:
            parts.append(words_at(max(at, 16), size.top - 13, label, palette, "ink", "middle"))
    middles = [x(first + timedelta(days=step * n)) + size.plot / steps / 2 for n in range(steps)]
    parts += [_drawn(line, middles, y, palette) for line in lines]
    parts += _names(lines, size, y, palette)
    for at, label in ticks(first, last, x, labels, 52):
        parts.append(f'<path d="M{num(at)} {floor}v5" {paint(palette, "line", True)}/>')
        if at < size.width - size.right - 12:
            parts.append(words_at(at, floor + 18, label, palette, "soft", "middle"))
    parts.append(f'<path class="cross" d="M0 {size.top}V{floor}" visibility="hidden"/></svg>')
    return Markup("".join(parts))  # noqa: S704  numbers are ours, words are escaped above


def _drawn(line: Line, middles: Sequence[float], y: Scale, palette: Palette | None) -> str:
    spots = list(zip(middles, line.values, [*line.band, *[None] * len(middles)], strict=False))
    parts = []
    for there, run in groupby(spots, key=lambda spot: spot[1] is not None):
        if not there:
            continue
        kept = [(at, value or 0.0, half or 0.0) for at, value, half in run]
        if any(half for _, _, half in kept):
            upper = "L".join(f"{num(at)} {num(y(value + half))}" for at, value, half in kept)
            lower = "L".join(f"{num(at)} {num(y(value - half))}" for at, value, half in reversed(kept))
            parts.append(f'<path d="M{upper}L{lower}z" {paint(palette, "band")}/>')
        path = "L".join(f"{num(at)} {num(y(value))}" for at, value, _ in kept)
        if len(kept) == 1:
            at, value, _ = kept[0]
            parts.append(f'<circle cx="{num(at)}" cy="{num(y(value))}" r="2.5" {paint(palette, line.role)}/>')
        parts.append(
            f'<path d="M{path}" stroke-width="2" stroke-linejoin="round" {paint(palette, line.role, stroke=True)}/>'
        )
    return "".join(parts)


def _names(lines: Sequence[Line], size: Size, y: Scale, palette: Palette | None) -> list[str]:
    """Each line's name at its end, pushed apart where they would touch."""
    ends: list[tuple[float, Line]] = []
    for line in lines:
        known = [value for value in line.values if value is not None]
        if known and line.name:
            ends.append((y(known[-1]) + 4, line))
    parts, free = [], 0.0
    for at, line in sorted(ends, key=lambda end: end[0]):
        height = max(at, free)
        free = height + 15
        parts.append(words_at(size.width - size.right + 6, height, line.name, palette, line.role, "start"))
    return parts


def _round_up(share: float) -> float:
    return next((top for top in (0.01, 0.02, 0.04, 0.08, 0.12, 0.2, 0.4, 0.6, 0.8) if share <= top), 1.0)


def counts_line(counts: Sequence[int], *, width: int = 96, height: int = 26) -> Markup:
    """Counts as a small line from 0 up; hidden from screen readers, because the numbers stand beside it."""
    most = max(counts, default=0)
    if len(counts) < 2 or not most:
        return Markup("")
    step = (width - 6) / (len(counts) - 1)
    spots = [(3 + n * step, height - 4 - (height - 8) * count / most) for n, count in enumerate(counts)]
    path = "L".join(f"{num(at)} {num(y)}" for at, y in spots)
    return Markup(  # noqa: S704  numbers only
        f'<svg class="spark" viewBox="0 0 {width} {height}" width="{width}" height="{height}" aria-hidden="true">'
        f'<path d="M{path}" stroke-width="1.5" {paint(None, "accent", stroke=True)}/>'
        f'<circle cx="{num(spots[-1][0])}" cy="{num(spots[-1][1])}" r="2.5" {paint(None, "accent")}/></svg>'
    )
