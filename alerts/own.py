"""What goes wrong with the telling itself is an incident too: a late sender, looks that stop, a missing canary.

Such incidents stand apart from what customers write: no finding supports them, no calm closes them (life.OWN).
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4, uuid5
from zoneinfo import ZoneInfo

from sqlalchemy import and_, func, or_, select, text
from sqlalchemy.orm import Session

from alerts.announce import destinations_of, identity_of, told_of
from alerts.channels.base import Message
from alerts.incidents import add_event
from alerts.messages import opened_message
from alerts.outbox import enqueue
from alerts.routes import ways
from alerts.saying import say
from models.apps import App
from models.incidents import Delivery, Destination, Incident

LATE_DELIVERY, LATE_LOOK, CANARY_MISSING = "late_delivery", "late_look", "canary_missing"
LATE = timedelta(minutes=10)
UNSEEN = timedelta(hours=2)
"""An app is looked at every hour and after each reading; after two hours nobody does."""


def watch_senders(session: Session, *, now: datetime, base_url: str = "", late: timedelta = LATE) -> list[Incident]:
    """Open an incident for each destination whose oldest due message waits for longer than `late`; close what is over.

    `now` is the story's clock; how late something is, the database's clock says. Told through the others.
    """
    session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('cocoon:own', 0))"))
    waiting = _waiting(session, late)
    live = {one.subject: one for one in live_own(session, LATE_DELIVERY)}
    changed = []
    for destination_id, (name, minutes, app_id) in waiting.items():
        app = session.get(App, app_id) or session.scalar(select(App).order_by(App.id).limit(1))
        if f"destination:{destination_id}" in live or app is None:
            continue
        values = {"destination": name, "minutes": str(minutes)}
        subject = f"destination:{destination_id}"
        changed.append(
            open_own(session, app, LATE_DELIVERY, subject, values, now=now, base_url=base_url, but=set(waiting))
        )
    for subject, incident in live.items():
        if int(subject.partition(":")[2]) not in waiting:
            close_own(session, incident, now=now, base_url=base_url)
            changed.append(incident)
    return changed


def _waiting(session: Session, late: timedelta) -> dict[int, tuple[str, int, int]]:
    """Destinations that are late: name, minutes, app; what tells of another's lateness does not count."""
    clock = func.clock_timestamp()
    own = select(Incident.id).where(Incident.rule == LATE_DELIVERY)
    rows = session.execute(
        select(Destination.id, Destination.name, func.max(clock - Delivery.due_at), func.max(Delivery.app_id))
        .join(Delivery, and_(Delivery.destination_id == Destination.id, Destination.enabled))
        .where(
            Delivery.state.in_(("queued", "sending")),
            Delivery.due_at <= clock - late,
            or_(Delivery.lease_until.is_(None), Delivery.lease_until <= clock),
            or_(Delivery.incident_id.is_(None), Delivery.incident_id.not_in(own)),
        )
        .group_by(Destination.id, Destination.name)
    )
    return {number: (name, int(age / timedelta(minutes=1)), app_id) for number, name, age, app_id in rows}


def watch_looks(
    session: Session, *, now: datetime, since: datetime, base_url: str = "", late: timedelta = UNSEEN
) -> list[Incident]:
    """Open an incident for each app that was not looked at for longer than `late`; close it with the next look.

    `since` is when somebody began to ask for looks, by the database's clock: what lies before (a night with the
    machine off) is no failure of the looks.
    """
    session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('cocoon:own', 0))"))
    age = func.clock_timestamp() - func.greatest(App.judged_at, App.created_at, since)
    unseen = {app.id: (app, wait) for app, wait in session.execute(select(App, age).where(age > late))}
    live = {one.app_id: one for one in live_own(session, LATE_LOOK)}
    changed = []
    for app_id, (app, wait) in unseen.items():
        if app_id not in live:
            values = {"hours": str(int(wait / timedelta(hours=1)))}
            changed.append(open_own(session, app, LATE_LOOK, "app", values, now=now, base_url=base_url))
    for app_id, incident in live.items():
        if app_id not in unseen:
            close_own(session, incident, now=now, base_url=base_url)
            changed.append(incident)
    return changed


def write_own(
    session: Session,
    app: App,
    rule: str,
    subject: str,
    values: Mapping[str, str],
    *,
    now: datetime,
    score: float = 0.0,
    over: bool = False,
) -> Incident:
    """Write an incident about the telling and its first line; `over` from the start where nobody has to look at it."""
    day = now.astimezone(ZoneInfo(app.timezone)).date()
    window = {"from": day.isoformat(), "to": day.isoformat(), "days": 1}
    incident = Incident(
        app_id=app.id,
        id=uuid4(),
        rule=rule,
        subject=subject,
        state="resolved" if over else "open",
        severity="watch" if over else "alert",
        origin="live",
        opened_at=now,
        opened_day=day,
        updated_at=now,
        resolved_at=now if over else None,
        last_above_day=day,
        baseline_to=None,
        score=score,
        peak_score=score,
        effect={},
        evidence={"window": window, "values": dict(values), "told_score": 0.0},
    )
    session.add(incident)
    session.flush()
    add_event(session, incident, "opened", now)
    return incident


def open_own(
    session: Session,
    app: App,
    rule: str,
    subject: str,
    values: Mapping[str, str],
    *,
    now: datetime,
    base_url: str,
    but: Collection[int] = (),
) -> Incident:
    """Open an incident about the telling, and tell every destination of the app but those that it is about."""
    incident = write_own(session, app, rule, subject, values, now=now)
    others = [one for one in destinations_of(session, app) if one.id not in but]
    # Rather too many than none: where no route names this rule, everybody else is told.
    chosen = [way.destination for way in ways(session, others, incident)] or others
    message = opened_message(
        "incident.opened", app.name, incident, app.language, **identity_of(incident, now, base_url)
    )
    _send(session, incident, chosen, message, "raised:1")
    return incident


def close_own(session: Session, incident: Incident, *, now: datetime, base_url: str) -> None:
    """Close it, and tell those who were told."""
    app = session.get_one(App, incident.app_id)
    told = told_of(session, incident)
    incident.state, incident.resolved_at, incident.updated_at = "resolved", now, now
    add_event(session, incident, "resolved", now)
    values: dict[str, Any] = incident.evidence["values"]
    message = Message(
        kind="incident.resolved",
        title=say(app.language, f"{incident.rule}_over", app=app.name, **values),
        lead=say(app.language, f"{incident.rule}_over_lead", **values),
        app=app.name,
        language=app.language,
        link_text=say(app.language, "link"),
        **identity_of(incident, now, base_url),
    )
    _send(session, incident, [one for one in destinations_of(session, app) if one.id in told], message, "resolved:1")


def live_own(session: Session, rule: str) -> list[Incident]:
    """The live incidents of a rule about the telling."""
    found = session.scalars(
        select(Incident).where(Incident.rule == rule, Incident.state != "resolved").with_for_update()
    )
    return list(found)


def _send(
    session: Session, incident: Incident, destinations: Collection[Destination], message: Message, what: str
) -> list[UUID]:
    made = [
        enqueue(
            session,
            app_id=incident.app_id,
            destination_id=one.id,
            kind=message.kind,
            event_id=uuid5(incident.id, what),
            message=message,
            incident_id=incident.id,
            wakes=True,
        )
        for one in destinations
    ]
    return [number for number in made if number is not None]
