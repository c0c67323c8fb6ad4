"""What a person decides about an incident, for the pages and the API alike."""

from datetime import timedelta
from typing import Literal

from sqlalchemy.orm import Session

from alerts import decisions
from alerts.incidents import IncidentError
from alerts.votes import Tally, vote
from app import clock
from app.errors import Problem
from models.apps import App
from models.incidents import Incident
from models.people import Audit

Decision = Literal["acknowledge", "silence", "unsilence", "resolve", "reopen"]


def decide(
    session: Session, incident: Incident, what: Decision, *, actor: str, base_url: str, days: int = 7, note: str = ""
) -> Incident:
    """Do it and note who did; `days` is the length of a silence. Raises Problem 409 where its state forbids."""
    now = clock.now()
    app = session.get_one(App, incident.app_id)
    try:
        if what == "acknowledge":
            incident = decisions.acknowledge(session, app.id, incident.id, actor=actor, now=now, base_url=base_url)
        elif what in {"silence", "unsilence"}:
            until = now + timedelta(days=days) if what == "silence" else None
            incident = decisions.silence(
                session, app.id, incident.id, until=until, actor=actor, now=now, base_url=base_url
            )
        elif what == "resolve":
            incident = decisions.resolve(session, app, incident.id, actor=actor, now=now, base_url=base_url)
        else:
            incident = decisions.reopen(session, app, incident.id, actor=actor, now=now, base_url=base_url)
        if note.strip():
            decisions.add_note(session, app.id, incident.id, note.strip(), actor=actor, now=now)
    except IncidentError as error:
        raise Problem(409, str(error)) from error
    session.add(Audit(actor=actor, action=f"incident.{what}", detail={"incident": str(incident.id)}))
    session.flush()
    return incident


def cast_vote(session: Session, incident: Incident, *, useful: bool, actor: str) -> Tally:
    """Keep a person's word on whether it was worth being told."""
    return vote(session, incident.app_id, incident.id, useful=useful, actor=actor, now=clock.now())
