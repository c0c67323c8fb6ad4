"""Counts by day of what the lanes watch: urgent verbatims, the team's keywords, and bad reviews without an answer."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Text, cast, func, literal, select
from sqlalchemy.dialects.postgresql import REGCONFIG
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from alerts.choices import Choices
from models.apps import App
from models.feedback import Verbatim

OLDEST = 30  # days after which an answer is no longer waited for

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Lanes:
    """Counts by day (days,) from `first_day`: urgent verbatims, those with each keyword, and unanswered bad reviews.

    `waiting` are bad reviews of channels whose replies are known: (day written, day answered or None).
    """

    first_day: date
    urgent: Ints
    keywords: dict[str, Ints]
    waiting: tuple[tuple[date, date | None], ...]


def read_lanes(session: Session, app: App, first: date, until: date, chosen: Choices) -> Lanes:
    """Read the lanes that are on for the days `first` to `until`."""
    days = (until - first).days + 1
    v = Verbatim
    written = (v.app_id == app.id, v.day.between(first, until))

    def by_day(*where: ColumnElement[bool]) -> Ints:
        counts = np.zeros(days, np.int64)
        query = select(v.day, func.count()).where(*written, *where).group_by(v.day)
        for day, n in session.execute(query):
            counts[(day - first).days] = n
        return counts

    urgent = by_day(v.urgent.is_(True)) if chosen.on("urgent") else np.zeros(days, np.int64)
    words = {word: by_day(said(word)) for word in chosen.keywords} if chosen.on("keyword") else {}
    waiting: tuple[tuple[date, date | None], ...] = ()
    if chosen.on("unanswered"):
        known = select(v.channel).where(v.app_id == app.id, v.reply.is_not(None)).distinct()
        answered = func.date(func.timezone(app.timezone, v.replied_at))
        waiting = tuple(
            (row.day, row.answered if row.reply is not None else None)
            for row in session.execute(
                select(v.day, func.coalesce(answered, v.day).label("answered"), func.left(v.reply, 1).label("reply"))
                .where(v.app_id == app.id, v.day.between(first - timedelta(days=OLDEST), until))
                .where(v.stars <= 2, v.channel.in_(known))
            )
        )
    return Lanes(first, urgent, words, waiting)


def said(word: str) -> ColumnElement[bool]:
    """Return the condition that a verbatim says a word or phrase, accents and inflections forgiven."""
    config = cast(literal("cocoon", Text), REGCONFIG)
    return Verbatim.search.op("@@")(func.phraseto_tsquery(config, word))
