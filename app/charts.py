"""Our own small SVG kit: server-made, readable without JavaScript, no style attributes, so that a strict CSP holds.

Colours are classes of the stylesheet on pages. For a picture outside a page (PNG) a `Palette` of hex values turns
them into presentation attributes, because a renderer knows neither our stylesheet nor its variables.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from itertools import groupby
from typing import Protocol

from markupsafe import Markup, escape

Palette = Mapping[str, str]
"""Hex values by role: ink, soft, line, wash, accent, band, hole, s1 … s5."""

PRINT: Palette = {
    "ink": "#1d1c1a", "soft": "#5c5952", "rule": "#5c5952", "line": "#dad6cc", "wash": "#f1efe9", "accent": "#0b5c63",
    "band": "#b9d3d3", "hole": "#8b877d", "s1": "#c3401e", "s2": "#e19467", "s3": "#dcc596", "s4": "#7fb5aa",
    "s5": "#1f7a78",
}  # fmt: skip


class StarBucket(Protocol):
    """A day or a week of reviews: what a chart needs of it."""

    @property
    def first(self) -> date: ...  # noqa: D102
    @property
    def days(self) -> int: ...  # noqa: D102
    @property
    def stars(self) -> tuple[int, int, int, int, int]: ...  # noqa: D102
    @property
    def mean(self) -> float | None: ...  # noqa: D102
    @property
    def half_width(self) -> float | None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Size:
    """The frame of a drawing, in units that are pixels at full width."""

    width: int
    left: int
    upper: int
    lower: int
    top: int = 30
    right: int = 6
    gap: int = 28
    bottom: int = 24

    @property
    def height(self) -> int:
        """All of it, with the axis."""
        return self.top + self.upper + self.gap + self.lower + self.bottom

    @property
    def plot(self) -> int:
        """The width between the margins."""
        return self.width - self.left - self.right


WIDE = Size(width=1072, left=34, upper=196, lower=96)
NARROW = Size(width=360, left=24, upper=168, lower=76, top=28)


@dataclass(frozen=True, slots=True)
class Labels:
    """The words of a chart, already in the reader's language."""

    title: str
    description: str
    number: Callable[[float], str]
    day: Callable[[date], str]
    month: Callable[[date], str]


def paint(palette: Palette | None, role: str, stroke: bool = False) -> str:
    """The colour of a role: a class of the stylesheet, or with a palette the colour itself (a picture has no sheet)."""
    if palette is None:
        return f'class="{"k" if stroke else "f"}-{role}"'
    return f'stroke="{palette[role]}" fill="none"' if stroke else f'fill="{palette[role]}"'


def num(value: float) -> str:
    """A coordinate, to a tenth of a pixel."""
    return f"{value:.1f}".removesuffix(".0")


def round_step(longest: float) -> int:
    """A round distance between two lines of an axis, about three lines in all."""
    for scale in (1, 10, 100, 1_000, 10_000, 100_000, 1_000_000):
        for step in (1, 2, 5):
            if longest / (step * scale) <= 3:
                return step * scale
    return 10_000_000


def ticks(first: date, last: date, x: Callable[[date], float], labels: Labels, room: int) -> list[tuple[float, str]]:
    """Months, every so many that the labels have `room`; every other week on a short axis."""
    if (last - first).days <= 120:
        step = 7 if (x(last) - x(first)) / max((last - first).days / 7, 1) > room else 14
        days = [first + timedelta(days=n) for n in range(0, (last - first).days, step)]
        return [(x(day), labels.day(day)) for day in days]
    months = [date(year, month, 1) for year in range(first.year, last.year + 1) for month in range(1, 13)]
    months = [month for month in months if first <= month < last]
    apart = (x(last) - x(first)) / max(len(months), 1)
    step = next((step for step in (1, 2, 3, 6, 12) if step * apart >= room), 12)
    return [(x(month), labels.month(month)) for month in months if (month.month - 1) % step == 0]


def release_marks(
    releases: Sequence[tuple[date, str]], x: Callable[[date], float], size: Size
) -> list[tuple[float, str]]:
    """Where each release stands and its label, "" where it would touch a newer one's."""
    free, drawn = float(size.width + 20), []
    for day, version in sorted(releases, reverse=True):
        at, half = x(day), len(version) * 3.6 + 4
        middle = min(max(at, half), size.width - half)
        label = version if middle + half < free else ""
        free = middle - half if label else free
        drawn.append((at, label))
    return drawn


def stars_trend(
    buckets: Sequence[StarBucket],
    *,
    releases: Sequence[tuple[date, str]],
    holes: Sequence[tuple[date, date]],
    labels: Labels,
    size: Size = WIDE,
    palette: Palette | None = None,
    fewest: int = 1,
) -> Markup:
    """The mean of the stars with its interval, and beneath it how many of each star there were.

    `buckets` are of equal length and without a gap in time; `releases` are (day, version); `holes` are first and last
    days that are not completely known, drawn hatched. Below `fewest` reviews no mean is drawn. Returns "" without
    buckets.
    """
    if not buckets:
        return Markup("")
    first, last = buckets[0].first, buckets[-1].first + timedelta(days=buckets[-1].days)
    unit = size.plot / (last - first).days
    name = f"{'w' if size.width > 600 else 'n'}{first:%y%m%d}"

    def x(day: date) -> float:
        return size.left + (min(max(day, first), last) - first).days * unit

    def y(mean: float) -> float:
        return size.top + size.upper * (5 - mean) / 4

    floor = size.top + size.upper + size.gap + size.lower
    most = max(1, *(sum(bucket.stars) for bucket in buckets))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size.width} {size.height}" role="img" '
        f'aria-labelledby="t{name} d{name}" data-left="{size.left}" data-right="{size.right}">',
        f'<title id="t{name}">{escape(labels.title)}</title><desc id="d{name}">{escape(labels.description)}</desc>',
        f'<defs><pattern id="h{name}" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        f'<line x1="0" y1="0" x2="0" y2="6" stroke-width="2" {paint(palette, "hole", stroke=True)}/></pattern></defs>',
    ]
    for begin, end in holes:
        left, right = x(begin), x(end + timedelta(days=1))
        if right > left:
            parts.append(
                f'<rect x="{num(left)}" y="{size.top}" width="{num(max(right - left, 2))}" height="{floor - size.top}" '
                f'fill="url(#h{name})" opacity=".5"/>'
            )
    parts.append(_grid(size, y, floor, most, labels, palette))
    parts.append(_bars(buckets, x, size, floor, most, palette))
    parts.append(_mean(buckets, x, y, palette, fewest))
    for at, label in release_marks([rule for rule in releases if first <= rule[0] < last], x, size):
        parts.append(
            f'<path d="M{num(at)} {size.top - 8 if label else size.top}V{floor}" '
            f'stroke-dasharray="{"none" if label else "1 3"}" {paint(palette, "rule", stroke=True)}/>'
        )
        if label:
            half = len(label) * 3.6 + 4
            middle = min(max(at, half), size.width - half)
            parts.append(words_at(middle, size.top - 13, label, palette, "ink", "middle"))
    for at, label in ticks(first, last, x, labels, 52):
        parts.append(f'<path d="M{num(at)} {floor}v5" {paint(palette, "line", stroke=True)}/>')
        if at < size.width - 24:
            parts.append(words_at(at, floor + 18, label, palette, "soft", "middle"))
    parts.append(f'<path class="cross" d="M0 {size.top}V{floor}" visibility="hidden"/></svg>')
    return Markup("".join(parts))  # noqa: S704  numbers are ours, words are escaped above


def words_at(at: float, y: float, words: str, palette: Palette | None, role: str, anchor: str) -> str:
    """Words at a place; `anchor` is start, middle or end."""
    font = "" if palette is None else ' font-family="DejaVu Sans, Liberation Sans, sans-serif" font-size="12"'
    return (
        f'<text x="{num(at)}" y="{num(y)}" text-anchor="{anchor}"{font} {paint(palette, role)}>{escape(words)}</text>'
    )


def _grid(
    size: Size, y: Callable[[float], float], floor: int, most: int, labels: Labels, palette: Palette | None
) -> str:
    parts = []
    for mean in (1, 2, 3, 4, 5):
        parts.append(
            f'<path d="M{size.left} {num(y(mean))}H{size.width - size.right}" {paint(palette, "line", stroke=True)}/>'
        )
        parts.append(words_at(size.left - 8, y(mean) + 4, labels.number(mean), palette, "soft", "end"))
    step = round_step(most)
    for count in range(0, most + 1, step):
        at = floor - size.lower * count / most
        parts.append(
            f'<path d="M{size.left} {num(at)}H{size.width - size.right}" {paint(palette, "line", stroke=True)}/>'
        )
        parts.append(words_at(size.left - 8, at + 4, labels.number(count), palette, "soft", "end"))
    return "".join(parts)


def _bars(
    buckets: Sequence[StarBucket],
    x: Callable[[date], float],
    size: Size,
    floor: int,
    most: int,
    palette: Palette | None,
) -> str:
    """One path per star, worst at the bottom where the eye compares best."""
    paths: list[list[str]] = [[], [], [], [], []]
    for bucket in buckets:
        left, right = x(bucket.first), x(bucket.first + timedelta(days=bucket.days))
        width = max(right - left - (1 if right - left > 3 else 0.3), 0.6)
        height = float(floor)
        for star, count in enumerate(bucket.stars):
            if count:
                tall = size.lower * count / most
                paths[star].append(f"M{num(left)} {num(height)}h{num(width)}v-{tall:.2f}h-{num(width)}z")
                height -= tall
    return "".join(
        f'<path d="{"".join(path)}" {paint(palette, f"s{star}")}/>' for star, path in enumerate(paths, 1) if path
    )


def _mean(
    buckets: Sequence[StarBucket],
    x: Callable[[date], float],
    y: Callable[[float], float],
    palette: Palette | None,
    fewest: int,
) -> str:
    parts = []
    for known, run in groupby(buckets, key=lambda bucket: bucket.mean is not None and sum(bucket.stars) >= fewest):
        if not known:
            continue
        spots = []
        for bucket in run:
            at = (x(bucket.first) + x(bucket.first + timedelta(days=bucket.days))) / 2
            mean, half = bucket.mean or 0.0, bucket.half_width or 0.0
            spots.append((at, y(mean), y(min(5, mean + half)), y(max(1, mean - half))))
        if len(spots) == 1:
            at, middle, high, low = spots[0]
            parts.append(
                f'<path d="M{num(at)} {num(high)}V{num(low)}" stroke-width="3" {paint(palette, "band", stroke=True)}/>'
            )
            parts.append(f'<circle cx="{num(at)}" cy="{num(middle)}" r="2.5" {paint(palette, "accent")}/>')
            continue
        upper = "L".join(f"{num(at)} {num(high)}" for at, _, high, _ in spots)
        lower = "L".join(f"{num(at)} {num(low)}" for at, _, _, low in reversed(spots))
        line = "L".join(f"{num(at)} {num(middle)}" for at, middle, _, _ in spots)
        parts.append(f'<path d="M{upper}L{lower}z" {paint(palette, "band")}/>')
        parts.append(
            f'<path d="M{line}" stroke-width="2" stroke-linejoin="round" {paint(palette, "accent", stroke=True)}/>'
        )
    return "".join(parts)


def sparkline(
    means: Sequence[float | None], *, width: int = 132, height: int = 30, palette: Palette | None = None
) -> Markup:
    """The last means as a small line, at least one star tall so that noise stays small; hidden from screen readers,
    because the number stands beside it."""
    known = [mean for mean in means if mean is not None]
    if len(known) < 2:
        return Markup("")
    middle = (max(known) + min(known)) / 2
    span = max(max(known) - min(known), 1.0)
    step = (width - 6) / (len(means) - 1)
    spots = [
        None if mean is None else (3 + n * step, height / 2 - (mean - middle) / span * (height - 8))
        for n, mean in enumerate(means)
    ]
    path, pen = [], "M"
    for spot in spots:
        if spot is None:
            pen = "M"
            continue
        path.append(f"{pen}{num(spot[0])} {num(spot[1])}")
        pen = "L"
    end = next(spot for spot in reversed(spots) if spot is not None)
    return Markup(  # noqa: S704  numbers only
        f'<svg class="spark" viewBox="0 0 {width} {height}" width="{width}" height="{height}" aria-hidden="true">'
        f'<path d="{"".join(path)}" stroke-width="1.5" {paint(palette, "accent", stroke=True)}/>'
        f'<circle cx="{num(end[0])}" cy="{num(end[1])}" r="2.5" {paint(palette, "accent")}/></svg>'
    )


def star_bar(stars: Sequence[int], *, width: int = 160, height: int = 10, palette: Palette | None = None) -> Markup:
    """How the five stars share a whole, as one bar."""
    total = sum(stars)
    if not total:
        return Markup("")
    parts, at = [], 0.0
    for star, count in enumerate(stars, 1):
        wide = width * count / total
        if wide:
            parts.append(
                f'<rect x="{num(at)}" y="0" width="{wide:.2f}" height="{height}" {paint(palette, f"s{star}")}/>'
            )
            at += wide
    return Markup(  # noqa: S704  numbers only
        f'<svg class="bar" viewBox="0 0 {width} {height}" width="{width}" height="{height}" preserveAspectRatio="none" '
        f'aria-hidden="true">{"".join(parts)}</svg>'
    )


def ledger(cells: Sequence[tuple[str, str]], title: str) -> Markup:
    """A source's days as cells, oldest first: (state, words for the pointer). In one row, and in two for a phone."""
    if not cells:
        return Markup("")
    half = (len(cells) + 1) // 2
    return Markup('<div class="wide">{}</div><div class="narrow">{}</div>').format(
        _cells(cells, title, len(cells)), _cells(cells, title, half)
    )


@lru_cache(maxsize=10_000)
def _escaped(words: str) -> str:
    return str(escape(words))


@lru_cache(maxsize=64)
def _places(cells: int, row: int) -> list[str]:
    """The beginning of every cell, up to its state: the same in every ledger of so many days."""
    return [
        f'<rect x="{12 * (at % row)}" y="{22 * (at // row)}" width="10" height="18" rx="1.5" class="c-'
        for at in range(cells)
    ]


def _cells(cells: Sequence[tuple[str, str]], title: str, row: int) -> Markup:
    told = len(cells) == row  # the pointer's words are for screens that have one
    drawn = "".join(
        f"{place}{_escaped(state)}" + (f'"><title>{_escaped(words)}</title></rect>' if told else '"/>')
        for place, (state, words) in zip(_places(len(cells), row), cells, strict=True)
    )
    frame = f'viewBox="0 0 {12 * row - 2} {22 * ((len(cells) - 1) // row) + 18}"'
    return Markup(f'<svg class="ledger" data-cells {frame} role="img" aria-label="{escape(title)}">{drawn}</svg>')  # noqa: S704
