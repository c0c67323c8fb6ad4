"""The part of an app's page that tells how stable the app is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from math import ceil, floor

from markupsafe import Markup
from sqlalchemy.orm import Session

from alerts.detectors import CrashChange
from app.charts import Labels, Size
from app.crash_chart import NARROW, WIDE, CrashDay, crash_chart
from app.i18n import Words
from app.reading import stability as reading
from app.reading import trends
from models.apps import App
from models.releases import Release

MONTH = 28


@dataclass(frozen=True, slots=True)
class Block:
    """One channel: its sentence, drawing, days, versions, and why this source speaks for it."""

    channel: str
    sentence: str
    chart: dict[str, str]
    stability: reading.ChannelStability
    why: str
    rated: bool
    withheld: bool
    holes: bool
    rows: Markup


@dataclass(frozen=True, slots=True)
class Part:
    """All that the page shows of stability."""

    period: trends.Period
    blocks: list[Block]
    issues: list[reading.IssueLine]
    signals: list[reading.Signal]


def stability_part(
    words: Words,
    session: Session,
    app: App,
    crashes: reading.Crashes,
    channel: str | None,
    now: date,
    releases: Sequence[Release],
) -> Part | None:
    """Draw it from the figures that were read; None where no crash tool has told anything.

    `releases` are those of the app (`app.reading.launches.all_releases`).
    """
    period = crashes.period
    month = trends.Period(period.last - timedelta(days=MONTH - 1), period.last)
    everything, recent = reading.stability_and_recent(crashes, month)
    found = {name: each for name, each in everything.items() if channel is None or name == channel}
    signals = reading.signals(session, app.id, period, channel)
    if not found and not signals:
        return None
    marks = trends.release_marks(
        [one for one in releases if period.first <= one.day <= period.last and channel in {None, one.channel}]
    )
    blocks = [_block(words, app, name, each, recent.get(name), marks, now) for name, each in found.items()]
    chosen = {name: each.choice for name, each in everything.items()}
    issues = reading.top_issues(session, app.id, period, channel=channel, limit=8, chosen=chosen)
    return Part(period, blocks, issues, signals)


def _block(
    words: Words,
    app: App,
    channel: str,
    told: reading.ChannelStability,
    recent: reading.ChannelStability | None,
    marks: list[tuple[date, str]],
    now: date,
) -> Block:
    begun = next((at for at, day in enumerate(told.days) if day.state != "unknown" or day.crashes is not None), 0)
    shown = told.days[begun:] or told.days
    rated = any(day.crash_free_users is not None or day.crash_free_sessions is not None for day in shown)
    days = [
        CrashDay(
            day.day,
            day.crash_free_users if told.base == "users" else day.crash_free_sessions or day.crash_free_users,
            day.crashes,
            # Today is never over, and hatching it would say nothing.
            day.withheld or (day.day < now and (day.state != "complete" if rated else day.crashes is None)),
        )
        for day in shown
    ]
    chart: dict[str, str] = {
        size: _drawn(words, app.name, channel, told.base, tuple(days), tuple(marks), frame)
        for size, frame in {"wide": WIDE, "narrow": NARROW}.items()
    }
    why = words.t(f"stability.why.{told.choice.reason}", source=told.choice.name, others=", ".join(told.choice.others))
    return Block(
        channel,
        _sentence(words, channel, recent or told),
        chart if chart["wide"] else {},
        told,
        why,
        rated,
        any(day.withheld for day in shown),
        any(day.hatched for day in days),
        _rows(words, tuple(told.days), told.base, told.rounded, now),
    )


# A page is looked at again before its numbers change: what was drawn and written of the very same ones is kept.
@lru_cache(maxsize=500)
def _drawn(
    words: Words,
    app: str,
    channel: str,
    base: str,
    days: tuple[CrashDay, ...],
    marks: tuple[tuple[date, str], ...],
    frame: Size,
) -> Markup:
    known = [day.share for day in days if day.share is not None]
    labels = Labels(
        title=words.t(
            "stability.chart_users" if base == "users" else "stability.chart" if known else "stability.chart_counts",
            name=app,
            channel=words.name("channel", channel),
        ),
        description=words.t(
            "stability.description" if known else "stability.description_counts",
            span=words.span(days[0].day, days[-1].day),
            last=percent(words, known[-1]) if known else "–",
            low=percent(words, min(known)) if known else "–",
            n=sum(day.crashes or 0 for day in days),
        ),
        number=lambda share: percent(words, share, short=True),
        day=words.short_day,
        month=words.month,
    )
    return crash_chart(days, releases=marks, labels=labels, name=f"c{channel[0]}", size=frame)


@lru_cache(maxsize=500)
def _rows(words: Words, days: tuple[reading.StabilityDay, ...], base: str, rounded: bool, today: date) -> Markup:
    """The rows of the chart's table, the newest day first."""
    row = Markup(
        '<tr><th scope="row">{}</th><td class="num">{}</td><td class="num">{}</td><td class="num">{}</td>'
        '<td class="num">{}</td><td>{}</td></tr>\n'
    )

    def count(n: int | None, before: str = "") -> str:
        return "–" if n is None else before + words.number(n)

    written = []
    for day in reversed(days):
        share = day.crash_free_users
        if base != "users" and day.crash_free_sessions is not None:
            share = day.crash_free_sessions
        told = words.t("stability.withheld") if day.withheld else "–" if share is None else percent(words, share)
        users = count(day.users, "≈ " if rounded else "")
        state = words.name("coverage", day.state)
        when = words.day(day.day, today=today)
        written.append(row.format(when, told, count(day.sessions), users, count(day.crashes), state))
    return Markup("").join(written)


def _sentence(words: Words, channel: str, told: reading.ChannelStability) -> str:
    name = words.name("channel", channel)
    crashes = sum(day.crashes or 0 for day in told.days)
    if told.crash_free is None:
        return words.t("stability.counted", channel=name, n=crashes, days=MONTH)
    share = percent(words, told.crash_free)
    near = between(words, told.low, told.high)
    about = words.t("stability.near", near=near) if near else words.t("stability.no_counts")
    if told.exposed is None:
        return words.t("stability.users", channel=name, share=share, days=MONTH, about=about)
    ran = words.number(told.exposed)
    return words.t("stability.sessions", channel=name, share=share, ran=ran, days=MONTH, about=about)


def between(words: Words, low: float | None, high: float | None) -> str:
    """An interval of shares without a crash, never rounded inwards to one number; "" where there is none."""
    if low is None or high is None:
        return ""
    digits = 1 if low < 0.99 else 2
    if 0 < (high - low) * 100 < 10**-digits:
        digits += 1
    ends = [floor(low * 10 ** (digits + 2)) / 10**digits, ceil(high * 10 ** (digits + 2)) / 10**digits]
    text = words.t(
        "stability.between", low=words.number(ends[0], digits), high=words.number(min(ends[1], 100.0), digits)
    )
    return f"{text}\u202f%" if words.language == "fr" else f"{text}%"


def points(words: Words, change: CrashChange) -> str:
    """How a crash-free share changed, in points with its interval, with the digits that tell its ends apart."""
    digits = 2 if max(abs(change.low), abs(change.high)) >= 0.001 else 3
    ends = {name: words.signed(100 * getattr(change, name), digits) for name in ("difference", "low", "high")}
    return words.t("stability.points", **ends)


def percent(words: Words, share: float, *, short: bool = False) -> str:
    """A share without crashes, with the digits that tell 99.8 from 99.9; never rounded up to a perfect 100."""
    digits = 1 if share < 0.99 or short else 2
    value = 100 * share
    if share < 1 and round(value, digits) >= 100:
        value = 100 - 10**-digits
    text = words.number(value, 0 if share == 1 else digits)
    return f"{text}\u202f%" if words.language == "fr" else f"{text}%"
