"""The letter: what happened to the apps in a day or a week, as a colleague would write it in a minute of reading.

First the sentence, then the rating with its uncertainty, incidents, what people complain about, three telling
verbatims, and what is not known. Nothing to say is one honest line. Every number links to the verbatims behind it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from alerts.channels.base import Line, Message, Quote, Section
from app.i18n import Words
from app.pages import links
from app.pages.headlines import incident_title
from app.reading import irritants, topic_counts, trends, verbatims
from app.reading.called import Names, names
from app.reading.intervals import half_width, mean_stars
from app.reading.topics import topic_name
from app.reading.trends import Period, Slice
from models.apps import App
from models.incidents import Incident
from models.sources import Coverage, Source

Every = Literal["daily", "weekly"]
USUAL = 28  # days before a day that it is compared with; a week is compared with the four before
LEAST = 3  # complaints about a topic that are worth a line
NO_INCIDENT = ("canary",)
"""Rules that are no news."""


@dataclass(frozen=True, slots=True)
class Part:
    """One app's part: its first sentence, sections and verbatims, how many incidents were opened, how many are open."""

    sentence: str
    sections: tuple[Section, ...]
    quotes: tuple[Quote, ...]
    opened: int
    open: int


def period_of(every: Every, day: date) -> Period:
    """The days that the letter of `day` tells: the day before, or the seven days before."""
    return Period(day - timedelta(days=1 if every == "daily" else 7), day - timedelta(days=1))


def letter(
    session: Session, apps: Sequence[App], every: Every, day: date, *, language: str, zone: str, base_url: str
) -> Message:
    """Write the letter of a day about some apps."""
    words, period = Words(language, zone), period_of(every, day)
    parts = [(app, _part(session, app, period, words, base_url)) for app in apps]
    when = _when(words, period, day)
    opened = sum(part.opened for _, part in parts)
    still = sum(part.open for _, part in parts)
    if not parts:
        title = lead = words.t("letter.no_app")
    elif len(parts) == 1:
        (app, part) = parts[0]
        title = words.t("letter.title_one", name=app.name, when=when)
        lead = part.sentence
    else:
        title = words.t("letter.title_many", n=len(parts), when=when)
        lead = words.t("letter.opened_many", n=opened) if opened else words.t("letter.calm_many")
    if opened:
        title += " · " + words.t("letter.opened_short", n=opened)
    elif still:
        title += " · " + words.t("letter.open_short", n=still)
    sections: list[Section] = []
    quotes: list[Quote] = []
    for app, part in parts:
        if len(parts) > 1:
            sections.append(Section(app.name, (Line(part.sentence, f"{base_url}/apps/{app.id}"),)))
        sections += part.sections
        quotes += part.quotes
    return Message(
        kind=f"digest.{every}",
        title=title,
        lead=lead,
        app=parts[0][0].name if len(parts) == 1 else "Cocoon",
        language=words.language,
        quotes=tuple(quotes[:3]),
        sections=tuple(sections),
        link=f"{base_url}/apps/{parts[0][0].id}" if len(parts) == 1 else f"{base_url}/",
        link_text=words.t("letter.link"),
        data={"from": str(period.first), "to": str(period.last), "apps": [app.id for app, _ in parts]},
    )


def _when(words: Words, period: Period, day: date) -> str:
    if period.days == 1:
        return words.day(period.first, today=day, weekday=True)
    return words.span(period.first, period.last, today=day)


def _part(session: Session, app: App, period: Period, words: Words, base_url: str) -> Part:
    """One app's part of a letter."""
    slice_ = Slice(app.id)
    n, stars = trends.total(session, slice_, period)
    before = Period(period.first - timedelta(days=USUAL), period.first - timedelta(days=1))
    _, usual = trends.total(session, slice_, before)
    opened = _incidents(session, app, Incident.opened_day.between(period.first, period.last))
    resolved_day = func.date(func.timezone(app.timezone, Incident.resolved_at))
    resolved = _incidents(session, app, resolved_day.between(period.first, period.last))
    resolved = [one for one in resolved if one.state == "resolved"]
    open_ones = _incidents(session, app, Incident.state != "resolved")
    called = names(session, [*opened, *resolved, *open_ones])
    holes = _holes(session, app, period, words, base_url)
    mean, half = mean_stars(stars), half_width(stars, period.days)
    sections = [
        _rating(words, app, period, n, stars, usual, base_url),
        _told(words, "letter.opened", opened, called, base_url),
        _told(words, "letter.resolved", resolved, called, base_url),
        _told(words, "letter.still_open", [one for one in open_ones if one not in opened], called, base_url),
        _irritants(session, app, slice_, period, words, base_url),
        holes,
    ]
    return Part(
        _sentence(
            words, opened, open_ones, called, n, mean, half, holes is not None or not _vouched(session, app, period)
        ),
        tuple(section for section in sections if section is not None),
        tuple(_quotes(session, app, period, words)),
        len(opened),
        len(open_ones),
    )


def _sentence(
    words: Words,
    opened: Sequence[Incident],
    open_ones: Sequence[Incident],
    called: Names,
    n: int,
    mean: float | None,
    half: float | None,
    holes: bool,
) -> str:
    """The first sentence: the worst news, or that there is none and on what base."""
    worst = max(opened or open_ones, key=lambda one: (one.severity == "alert", one.score), default=None)
    if worst is not None:
        return words.t("letter.news" if opened else "letter.old_news", fact=incident_title(words, worst, called))
    if n == 0:
        return words.t("letter.silent_holes" if holes else "letter.silent")
    if mean is None or half is None:
        return words.t("letter.no_stars", n=n)
    key = "letter.calm_holes" if holes else "letter.calm"
    return words.t(key, n=n, mean=words.stars(mean), half=words.number(half, 1))


def _rating(
    words: Words, app: App, period: Period, n: int, stars: trends.Stars, usual: trends.Stars, base_url: str
) -> Section | None:
    """The mean with its interval, and the usual one beside it; None without stars."""
    mean, half, then = mean_stars(stars), half_width(stars, period.days), mean_stars(usual)
    if mean is None or half is None:
        return None
    link = base_url + links.reviews(app.id, period.first, period.last, rated=True)
    told = words.t("letter.rating", mean=words.stars(mean), half=words.number(half, 1), n=sum(stars))
    lines = [Line(told, link)]
    if then is not None:
        before = Period(period.first - timedelta(days=USUAL), period.first - timedelta(days=1))
        key = "letter.usual_same" if abs(mean - then) <= half else "letter.usual"
        link = base_url + links.reviews(app.id, before.first, before.last, rated=True)
        lines.append(Line(words.t(key, mean=words.stars(then), days=USUAL), link))
    return Section(words.t("letter.rating_title"), tuple(lines))


def _told(words: Words, key: str, found: Sequence[Incident], called: Names, base_url: str) -> Section | None:
    if not found:
        return None
    lines = [Line(incident_title(words, one, called), f"{base_url}/incidents/{one.id}") for one in found[:5]]
    if len(found) > 5:
        lines.append(Line(words.t("letter.more", n=len(found) - 5), f"{base_url}/incidents"))
    return Section(words.t(key, n=len(found)), tuple(lines))


def _irritants(session: Session, app: App, part: Slice, period: Period, words: Words, base_url: str) -> Section | None:
    """What people complain about most, with the equally long time before beside it: irritants, and how they stand.

    Before any irritant is known, topics.
    """
    before = Period(period.first - timedelta(days=period.days), period.first - timedelta(days=1))
    known = [one for one in irritants.listed(session, app.id, period, words.language) if one.n >= LEAST]
    lines: list[Line] = []
    if known:
        then = {one.id: one.n for one in irritants.listed(session, app.id, before, words.language)}
        for one in sorted(known, key=lambda row: -row.n)[:3]:
            told = words.t("letter.irritant", topic=one.name, n=one.n, before=words.number(then.get(one.id, 0)))
            if not one.standing:
                told += f" · {words.t(f'irritant_state.{one.state}')}"
            lines.append(Line(told, base_url + links.reviews(app.id, period.first, period.last, irritant=one.id)))
        return Section(words.t("letter.irritants"), tuple(lines))
    for topic in topic_counts.topics(session, part, period, 3):
        if topic.negative >= LEAST:
            name, was = topic_name(topic.topic, words.language), words.number(topic.negative_before)
            link = links.reviews(app.id, period.first, period.last, topic=topic.topic, topic_negative=True)
            lines.append(Line(words.t("letter.irritant", topic=name, n=topic.negative, before=was), base_url + link))
    return Section(words.t("letter.irritants"), tuple(lines)) if lines else None


def _holes(session: Session, app: App, period: Period, words: Words, base_url: str) -> Section | None:
    """The days of each source that are not completely known."""
    rows = session.execute(
        select(Source.name, Coverage.day)
        .join(Coverage, (Coverage.source_id == Source.id) & (Coverage.app_id == Source.app_id))
        .where(
            Source.app_id == app.id,
            Source.enabled,
            Coverage.day.between(period.first, period.last),
            Coverage.state.in_(("partial", "unknown")),
        )
        .order_by(Source.name, Coverage.day)
    ).all()
    if not rows:
        return None
    days: dict[str, list[date]] = {}
    for name, day in rows:
        days.setdefault(name, []).append(day)
    lines = [
        Line(
            words.t("letter.hole", source=name, days=words.listed([words.short_day(day) for day in missing])),
            f"{base_url}/sources",
        )
        for name, missing in list(days.items())[:8]
    ]
    return Section(words.t("letter.holes"), tuple(lines))


def _vouched(session: Session, app: App, period: Period) -> bool:
    """Whether some enabled source says of every day that it was read to the end: only then is nothing nothing."""
    days = session.scalar(
        select(func.count(Coverage.day.distinct()))
        .join(Source, Source.id == Coverage.source_id)
        .where(
            Coverage.app_id == app.id,
            Source.enabled,
            Coverage.state == "complete",
            Coverage.day.between(period.first, period.last),
        )
    )
    return days == period.days


def _quotes(session: Session, app: App, period: Period, words: Words) -> list[Quote]:
    return [
        Quote(
            text=" ".join(filter(None, (line.verbatim.title, line.verbatim.body))),
            stars=line.verbatim.stars,
            version=line.verbatim.version,
            where=words.name("channel", line.verbatim.channel),
            day=words.short_day(line.verbatim.day),
        )
        for line in verbatims.telling(session, app.id, period, 3)
    ]


def _incidents(session: Session, app: App, which: ColumnElement[bool]) -> list[Incident]:
    """The live incidents of the app that `which` picks, the gravest first."""
    found = session.scalars(
        select(Incident)
        .where(Incident.app_id == app.id, Incident.origin == "live", Incident.rule.not_in(NO_INCIDENT), which)
        .order_by(Incident.severity, Incident.score.desc())
    )
    return list(found)
