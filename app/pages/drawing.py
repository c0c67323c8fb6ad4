"""The star chart of a page, in the reader's words."""

from datetime import date, timedelta

from sqlalchemy.orm import Session

from app.charts import NARROW, WIDE, Labels, stars_trend
from app.i18n import Words
from app.reading import trends


def _past(holes: list[tuple[date, date]], now: date) -> list[tuple[date, date]]:
    """Holes before today: today is never over, and hatching it would say nothing."""
    return [(first, min(last, now - timedelta(days=1))) for first, last in holes if first < now]


def star_chart(
    words: Words, session: Session, trend: trends.Trend, part: trends.Slice, name: str, now: date
) -> dict[str, str]:
    """The wide and the narrow drawing of a trend with its releases and holes; empty without stars."""
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
        size: stars_trend(trend.buckets, releases=marks, holes=_past(trend.holes, now), labels=labels, size=frame)
        for size, frame in (("wide", WIDE), ("narrow", NARROW))
    }
