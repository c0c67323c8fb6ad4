"""A second fault of one topic at the same time is an irritant of its own: parted by what goes wrong."""

from collections import Counter
from collections.abc import Container
from datetime import date, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from alerts.detectors.new_irritant import BASELINE_DAYS
from alerts.streams import History
from analysis import irritants as life
from analysis.irritants import Episode, Ints
from analysis.naming import faults
from app.irritant_phrases import Spoken
from app.irritant_scans import scanned
from models.feedback import Verbatim, VerbatimTopic

MOST = 20_000
"""Verbatims of a topic's episode that are read for it; where there are more, nothing is parted."""

FIRST_DAYS = 21  # of an episode, in which the weights of its faults are compared


def parts(
    session: Session, app_id: int, history: History, bad: Ints, one: Episode, today: date, known: Container[str]
) -> list[tuple[Episode, Spoken]]:
    """The faults of a topic's episode that are irritants of their own, with their verbatims.

    The commonest kind of fault is the topic's own, with all that name none. Another is parted where it has ten
    verbatims that do not name the commonest, 15 % of all, few that name both, and both have risen by the scan; or where
    it is `known` as one already.
    """
    kind, _, topic = one.key.partition(":")
    if kind != "topic":
        return []
    first, last = one.began - timedelta(days=BASELINE_DAYS + 14), one.ended or today
    v, t = Verbatim, VerbatimTopic
    where = [t.app_id == app_id, t.topic == topic, t.sentiment < 0, t.day.between(first, last)]
    if (session.scalar(select(func.count()).where(*where)) or 0) > MOST:
        return []
    query = (
        select(v.id, v.day, v.channel, v.version, v.title, v.body)
        .join(t, (t.app_id == v.app_id) & (t.verbatim_id == v.id))
        .where(*where)
        .order_by(v.id)
    )
    if len(one.channels) == 1:
        query = query.where(v.channel == one.channels[0])
    rows = session.execute(query).all()
    said = faults(topic, [f"{row.title}\n{row.body}" if row.title else row.body for row in rows])
    early = one.began + timedelta(days=FIRST_DAYS)
    here = [found for row, found in zip(rows, said, strict=True) if one.began <= row.day <= early]
    told = Counter(fault for found in here for fault in found)
    parted = {fault for fault in told if f"fault:{topic}:{fault}" in known}
    ours = max((fault for fault in told if fault not in parted), key=lambda fault: (told[fault], fault), default="")
    if not ours or told[ours] < life.LEAST_PART:
        return []
    found = []
    for fault in sorted(set(told) - {ours}):
        alone = sum(fault in one_said and ours not in one_said for one_said in here)
        both = told[fault] - alone
        distinct = (
            alone >= max(life.LEAST_PART, life.PART_SHARE * len(here))
            and both <= life.DISTINCT * min(told[fault], told[ours])
            and _risen(
                history, bad, {row.id: row.day for row, found in zip(rows, said, strict=True) if ours in found}, one
            )
        )
        if fault not in parted and not distinct:
            continue
        spoken = Spoken()
        for row, one_said in zip(rows, said, strict=True):
            if fault in one_said and ours not in one_said:
                spoken.ids[row.id] = row.day
                spoken.places.append((row.day, row.channel, row.version))
        key = f"fault:{topic}:{fault}"
        found += [
            (episode, spoken)
            for episode in _episodes(key, spoken, history, bad, first)
            if one.began - timedelta(days=life.TOGETHER_DAYS) <= episode.began <= last
        ]
    return found


def _episodes(key: str, said: Spoken, history: History, bad: Ints, first: date) -> list[Episode]:
    judged = history.judged["app"].copy()
    judged[: max(history.index(first), 0)] = False
    days = said.days(history.first_day, len(judged))
    return scanned(key, days, history.reviews["app"], bad, judged, history.first_day, life.NOTICED_PART)


def _risen(history: History, bad: Ints, days: dict[int, date], one: Episode) -> bool:
    """Whether a fault (verbatim → day) rose when its topic's episode began."""
    first = one.began - timedelta(days=BASELINE_DAYS + 14)
    return any(
        abs((episode.began - one.began).days) <= FIRST_DAYS
        for episode in _episodes(one.key, Spoken(days), history, bad, first)
    )
