"""The star chart of a page, in the reader's words."""

from collections.abc import Mapping
from datetime import date, timedelta

from sqlalchemy.orm import Session

from app.charts import NARROW, WIDE, Labels, Palette, Size, stars_trend
from app.i18n import Words
from app.reading import trends

FRAMES = {"wide": WIDE, "narrow": NARROW}
"""What a page shows: one of them, by its width."""


def _past(holes: list[tuple[date, date]], now: date) -> list[tuple[date, date]]:
    """Holes before today: today is never over, and hatching it would say nothing."""
    return [(first, min(last, now - timedelta(days=1))) for first, last in holes if first < now]


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
    known = [bucket for bucket in trend.buckets if bucket.mean is not None]
    if not known:
        return {}
    lowest = min(known, key=lambda bucket: bucket.mean or 0)
    description = words.t(
        "chart.description",
        n=sum(bucket.rated for bucket in known),
        span=words.span(trend.period.first, trend.period.last),
        last=words.stars(known[-1].mean),
        low=words.stars(lowest.mean),
        when=words.span(lowest.first, lowest.last),
        releases=len(marks),
    )
    labels = Labels(words.t("chart.title", name=name), description, words.number, words.short_day, words.month)
    return {
        size: stars_trend(
            trend.buckets,
            releases=marks,
            holes=_past(trend.holes, now),
            labels=labels,
            size=frame,
            palette=palette,
        )
        for size, frame in frames.items()
    }
