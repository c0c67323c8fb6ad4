"""What an alert calls an irritant: as its page does, also when the page is not there yet, and after a rename.

The look that alerts and the job that keeps irritants run side by side, and an alert waits for nobody: where the
irritant is not there yet, the alert makes the name by the same rule from the same verbatims. What is sent is read over
once more just before (`as_known_now`): a name given meanwhile is told, and the link goes to the irritant itself.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts.channels.base import Line, Message, Section
from alerts.leading import Told, leading
from alerts.saying import say
from alerts.topics import topic_name
from analysis.naming import complaint, whole
from models.feedback import Verbatim, VerbatimTopic
from models.incidents import Incident
from models.insight import Irritant

log = logging.getLogger(__name__)

NEAR = timedelta(days=14)
"""How far an irritant's days may lie from those of the alert that speaks of it."""
SAMPLE = 300


def topic_of(told: Told) -> str:
    """Return the topic whose irritant leads a title, "" where none does."""
    fact = leading(told)
    return fact.subject[6:] if fact.rule == "new_irritant" and fact.subject.startswith("topic:") else fact.topic


def irritant_of(session: Session, app_id: int, topic: str, first: date, last: date) -> Irritant | None:
    """Return the irritant of a topic in these days, or the one that speaks for it; None where there is none yet."""
    rows = session.scalars(
        select(Irritant)
        .where(
            Irritant.app_id == app_id,
            Irritant.standing.is_(False),
            Irritant.keys.contains([f"topic:{topic}"]),
            Irritant.began_day <= last + NEAR,
            Irritant.ended_day.is_(None) | (Irritant.ended_day >= first - NEAR),
        )
        .order_by(Irritant.began_day.desc(), Irritant.id.desc())
    ).all()
    return spoken_for(session, of_days(rows, topic, first, last))


def of_days(rows: Sequence[Irritant], topic: str, first: date, last: date) -> Irritant | None:
    """Choose the irritant of a topic in these days; `rows` are an app's, those that began last first."""
    near = [
        row
        for row in rows
        if f"topic:{topic}" in row.keys
        and row.began_day <= last + NEAR
        and (row.ended_day is None or row.ended_day >= first - NEAR)
    ]
    return next((row for row in near if row.key == f"topic:{topic}"), near[0] if near else None)


def spoken_for(session: Session, row: Irritant | None) -> Irritant | None:
    """Follow an irritant to the one that people merged it into."""
    found = row
    seen: set[int] = set()
    while found is not None and found.merged_into is not None and found.id not in seen:
        seen.add(found.id)
        found = session.get(Irritant, (found.app_id, found.merged_into)) or found
    return found


def know_irritant(session: Session, incident: Incident) -> None:
    """Keep in the evidence what the irritant that leads the title is called now: topic, fr, en."""
    topic, window = topic_of(incident), incident.evidence.get("window")
    if not topic or not window:
        return
    first, last = date.fromisoformat(window["from"]), date.fromisoformat(window["to"])
    row = irritant_of(session, incident.app_id, topic, first, last)
    if row is not None:
        fr, en = row.given_name or row.name_fr, row.given_name or row.name_en
    else:
        made = whole(complaint(topic, _texts(session, incident.app_id, topic, first, last)), None, _release(incident))
        fr, en = made.fr, made.en
    kept = {"topic": topic, "fr": fr or topic_name(topic, "fr"), "en": en or topic_name(topic, "en")}
    incident.evidence = {**incident.evidence, "irritant": kept}


def _release(incident: Incident) -> str:
    """The version that most of it is on, where it came out in these days."""
    version = (incident.evidence.get("version") or {}).get("version", "")
    return version if any(one["version"] == version for one in incident.evidence.get("releases", ())) else ""


def _texts(session: Session, app_id: int, topic: str, first: date, last: date) -> list[str]:
    t, v = VerbatimTopic, Verbatim
    said = select(t.verbatim_id).where(
        t.app_id == app_id, t.topic == topic, t.sentiment < 0, t.day.between(first, last)
    )
    rows = session.execute(
        select(v.title, v.body).where(v.app_id == app_id, v.id.in_(said)).order_by(v.written_at.desc()).limit(SAMPLE)
    )
    return [f"{title}\n{body}" if title else body for title, body in rows]


def called(told: Told, topic: str, language: str) -> str:
    """Return what a title calls a topic: its irritant's name where that is kept, else the topic's."""
    known: Mapping[str, Any] = told.evidence.get("irritant") or {}
    if known.get("topic") == topic and known.get(language if language == "fr" else "en"):
        return str(known["fr" if language == "fr" else "en"])
    return topic_name(topic, language)


def for_machines(incident: Incident, base_url: str) -> dict[str, Any] | None:
    """Return what a message keeps of its irritant, so that it can be read over before it is sent."""
    known = incident.evidence.get("irritant")
    if not known:
        return None
    window = incident.evidence["window"]
    page = f"{base_url}/apps/{incident.app_id}/irritants"
    return {**known, "from": window["from"], "to": window["to"], "page": page}


def as_known_now(session: Session, app_id: int, document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a message of the outbox with its irritant called as it is now, and the way to its page.

    Whatever goes wrong, the message goes as it was written: a name is not worth an alert.
    """
    told = (document.get("data") or {}).get("irritant")
    if not told:
        return document
    try:
        with session.begin_nested():
            first, last = date.fromisoformat(told["from"]), date.fromisoformat(told["to"])
            row = irritant_of(session, app_id, str(told["topic"]), first, last)
            return _read_over(Message.from_json(dict(document)), told, row).to_json()
    except Exception:
        log.exception("an alert goes with the name that its irritant had")
        return document


def _read_over(message: Message, told: Mapping[str, Any], row: Irritant | None) -> Message:
    side = "fr" if message.language == "fr" else "en"
    before = now = str(told[side])
    link = str(told["page"])
    if row is not None:
        now = row.given_name or (row.name_fr if side == "fr" else row.name_en) or before
        link = f"{link}/{row.id}"
    section = Section(say(message.language, "irritant_page"), (Line(now, link),))
    data = {**message.data, "irritant": {**told, side: now, "link": link, "id": row.id if row is not None else None}}
    quoted = ("«\u00a0{}\u00a0»", "« {} »", "“{}”")
    title, lead = message.title, message.lead
    for marks in quoted:
        title, lead = (text.replace(marks.format(before), marks.format(now)) for text in (title, lead))
    return replace(message, title=title, lead=lead, sections=(*message.sections, section), data=data)
