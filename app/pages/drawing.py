"""The star chart of a page, in the reader's words."""

from collections.abc import Mapping
from datetime import date, timedelta
from functools import lru_cache
from statistics import median

from markupsafe import Markup, escape
from sqlalchemy.orm import Session

from app.charts import NARROW, WIDE, Labels, Palette, Size, stars_trend
from app.i18n import Words
from app.pages import links
from app.reading import trends

FRAMES = {"wide": WIDE, "narrow": NARROW}
"""What a page shows: one of them, by its width."""


def _past(holes: list[tuple[date, date]], now: date) -> list[tuple[date, date]]:
    """Holes before today: today is never over, and hatching it would say nothing."""
    return [(first, min(last, now - timedelta(days=1))) for first, last in holes if first < now]


def fewest_for_a_mean(trend: trends.Trend) -> int:
    """A day or week of this trend needs so many reviews before its mean is drawn: a fifth of a usual one.

    A week that began this morning with two reviews of five stars is no rise to 5,0.
    """
    rated = [bucket.rated for bucket in trend.buckets if bucket.rated]
    return max(1, round(median(rated) / 5)) if rated else 1


FEW_A_DAY = 5
"""Reviews a day below which a long trend is drawn by the week: means of two or three reviews leap from 1 to 5."""
LONG = 42


def every(n: int, days: int, shown: int) -> trends.Every | None:
    """By the week, where `n` reviews in `days` are too few for a trend of `shown` days; else as its length has it."""
    return "week" if shown > LONG and n < FEW_A_DAY * days else None


def star_chart(
    words: Words,
    session: Session,
    trend: trends.Trend,
    part: trends.Slice,
    name: str,
    now: date,
    *,
    frames: Mapping[str, Size] = FRAMES,
    palette: Palette | None = None,
    marks: list[tuple[date, str]] | None = None,
) -> dict[str, str]:
    """The drawing of a trend with its releases and holes in each frame; empty without stars.

    `palette` for a picture that is no part of a page (charts.PRINT); `marks` are the releases, where they are known.
    """
    if marks is None:
        marks = trends.release_marks(trends.releases(session, part.app_id, trend.period, part.channel))
    fewest = fewest_for_a_mean(trend)
    if not any(bucket.rated >= fewest for bucket in trend.buckets):
        return {}
    holes = tuple(_past(trend.holes, now))
    frozen = (words, name, trend.period, tuple(trend.buckets), holes, tuple(marks), fewest)
    if palette is None:
        return {size: _drawn(*frozen, frame, None) for size, frame in frames.items()}
    return {size: _draw(*frozen, frame, palette) for size, frame in frames.items()}


def _draw(
    words: Words,
    name: str,
    period: trends.Period,
    buckets: tuple[trends.Bucket, ...],
    holes: tuple[tuple[date, date], ...],
    marks: tuple[tuple[date, str], ...],
    fewest: int,
    frame: Size,
    palette: Palette | None,
) -> Markup:
    known = [bucket for bucket in buckets if bucket.rated >= fewest]
    lowest = min(known, key=lambda bucket: bucket.mean or 0)
    description = words.t(
        "chart.description",
        n=sum(bucket.rated for bucket in buckets),
        span=words.span(period.first, period.last),
        last=words.stars(known[-1].mean),
        low=words.stars(lowest.mean),
        when=words.span(lowest.first, lowest.last),
        releases=len(marks),
    )
    labels = Labels(words.t("chart.title", name=name), description, words.number, words.short_day, words.month)
    return stars_trend(buckets, releases=marks, holes=holes, labels=labels, size=frame, palette=palette, fewest=fewest)


# A page is looked at again before its numbers change: what was drawn of the very same ones is kept.
_drawn = lru_cache(maxsize=500)(_draw)


def star_rows(words: Words, trend: trends.Trend, app_id: int, channel: str | None, today: date) -> Markup:
    """The rows of the chart's table: each number opens the verbatims behind it.

    Written here, not in the template: two years of days are thousands of links.
    """
    return _rows(words, tuple(trend.buckets), app_id, channel, today)


@lru_cache(maxsize=500)
def _rows(words: Words, buckets: tuple[trends.Bucket, ...], app_id: int, channel: str | None, today: date) -> Markup:
    rows: list[str] = []
    for bucket in buckets:
        url = escape(links.reviews(app_id, bucket.first, bucket.last, channel=channel))
        mean, half = bucket.mean, words.number(bucket.half_width or 0.0, 1)
        cells = [
            f'<tr><th scope="row">{escape(words.span(bucket.first, bucket.last, today))}</th>'
            f'<td class="num">{"–" if mean is None else f"{words.stars(mean)} ± {half}"}</td>'
            f'<td class="num"><a href="{url}">{words.number(bucket.n)}</a></td>'
        ]
        for star, count in enumerate(bucket.stars, 1):
            told = f'<a href="{url}&amp;stars={star}">{words.number(count)}</a>' if count else "0"
            cells.append(f'<td class="num">{told}</td>')
        missing = words.t("chart.incomplete", n=bucket.incomplete_days) if bucket.incomplete_days else ""
        rows.append(f"{''.join(cells)}<td>{escape(missing)}</td></tr>\n")
    return Markup("".join(rows))  # noqa: S704  numbers are ours, words are escaped above
