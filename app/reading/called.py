"""What incidents call their irritant: as its page does now, whatever it was called when they opened."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts.irritant_names import of_days, spoken_for, topic_of
from models.incidents import Incident
from models.insight import Irritant


@dataclass(frozen=True, slots=True)
class Called:
    """The irritant of a topic: its names, and its id (None: it has no page yet, the names are those of the alert)."""

    app_id: int
    topic: str
    fr: str
    en: str
    id: int | None

    def name(self, language: str) -> str:
        """Its name in a language."""
        return self.fr if language == "fr" else self.en

    @property
    def path(self) -> str:
        """Its page, or the page of all where it has none."""
        return f"/apps/{self.app_id}/irritants" + (f"/{self.id}" if self.id is not None else "")


@dataclass(frozen=True, slots=True)
class Retold:
    """An incident as `alerts.wording` tells it, with its irritant called as it is now."""

    rule: str
    subject: str
    effect: Mapping[str, Any]
    evidence: Mapping[str, Any]


def retold(incident: Incident, called: Called | None) -> Retold:
    """The incident with the name that its irritant has now."""
    named = {"irritant": {"topic": called.topic, "fr": called.fr, "en": called.en}} if called else {}
    return Retold(incident.rule, incident.subject, incident.effect, {**incident.evidence, **named})


def led_by(incident: Incident) -> str:
    """The topic of its title, else the one that has risen most with it; "" where no topic has a part in it."""
    risen = incident.evidence.get("topics") or [{}]
    return topic_of(incident) or str(risen[0].get("topic", ""))


Names = Mapping[UUID, Called]


def names(session: Session, incidents: Iterable[Incident]) -> dict[UUID, Called]:
    """Read the irritants that lead these incidents' titles; incidents that no irritant leads are absent."""
    asked = {one.id: (one, topic) for one in incidents if (topic := led_by(one)) and one.evidence.get("window")}
    if not asked:
        return {}
    keys = [f"topic:{topic}" for topic in sorted({topic for _, topic in asked.values()})]
    apps = {one.app_id for one, _ in asked.values()}
    rows = session.scalars(
        select(Irritant)
        .where(Irritant.app_id.in_(apps), Irritant.standing.is_(False), Irritant.keys.overlap(keys))
        .order_by(Irritant.began_day.desc(), Irritant.id.desc())
    ).all()
    found = {}
    for number, (one, topic) in asked.items():
        first, last = (date.fromisoformat(one.evidence["window"][side]) for side in ("from", "to"))
        mine = [row for row in rows if row.app_id == one.app_id]
        row = spoken_for(session, of_days(mine, topic, first, last))
        kept = one.evidence.get("irritant") or {}
        if row is not None:
            fr, en = row.given_name or row.name_fr, row.given_name or row.name_en
            found[number] = Called(one.app_id, topic, fr, en, row.id)
        elif kept.get("topic") == topic:
            found[number] = Called(one.app_id, topic, kept["fr"], kept["en"], None)
    return found
