"""The canary: once a day a made-up drop goes the whole way, from the detector to a receiver, so that silence is news.

Its numbers are seeded and belong to nobody; what judges them is the real detector, what carries it the real outbox. It
goes to the destinations that ask for it (config {"canary": true}), else to an inbox of its own. A canary that has not
arrived after half an hour is an incident, told to the others.
"""

from datetime import date, datetime, time, timedelta
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from alerts.announce import identity_of
from alerts.channels.base import Message
from alerts.detectors.judgement import Judgement
from alerts.detectors.rating_drop import rating_drop
from alerts.outbox import enqueue
from alerts.own import CANARY_MISSING, close_own, live_own, open_own, write_own
from alerts.quiet import ZONE
from alerts.saying import say, stars
from models.apps import App
from models.incidents import Delivery, Destination, InboxMessage

CANARIES = UUID("0a1b6c9e-14d4-4c65-8d0c-6a2f0f7c1d55")
AT = time(6, 30)
PATIENCE = timedelta(minutes=30)
DAYS = 120
CANARY_INBOX = "Cocoon (canary)"
"""Where the canary goes when no destination asks for it."""


def fly(session: Session, now: datetime, *, base_url: str = "", patience: timedelta = PATIENCE) -> None:
    """Send the day's canary if it is time, and look after the one that is under way."""
    session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('cocoon:own', 0))"))
    app = session.scalar(select(App).order_by(App.id).limit(1))
    if app is None:
        return
    here = now.astimezone(ZoneInfo(ZONE))
    event = uuid5(CANARIES, str(here.date()))
    under_way = session.scalars(select(Delivery).where(Delivery.kind == "canary", Delivery.event_id == event)).all()
    seen = bool(under_way) or here.time() < AT or _send(session, app, event, now, base_url)
    missing = _missing(session, patience)
    live = live_own(session, CANARY_MISSING)
    if (missing or not seen) and not live:
        values = {"destination": ", ".join(sorted(missing.values()))}
        open_own(session, app, CANARY_MISSING, "canary", values, now=now, base_url=base_url, but=set(missing))
    elif live and seen and not missing:
        for incident in live:
            close_own(session, incident, now=now, base_url=base_url)


def _send(session: Session, app: App, event: UUID, now: datetime, base_url: str) -> bool:
    """Let the real detector judge a made-up drop, and put what it finds on its way, marked; False if it finds none."""
    day = now.astimezone(ZoneInfo(app.timezone)).date()
    found = found_on(day)
    if found is None:
        return False
    incident = write_own(session, app, "canary", "canary", {}, now=now, score=float(found.score), over=True)
    means = [stars(app.language, mean) for mean in (found.effect.before, found.effect.after)]
    message = Message(
        kind="canary",
        title=say(app.language, "canary_title"),
        lead=say(app.language, "canary_lead", before=means[0], after=means[1]),
        app="Cocoon",
        language=app.language,
        link_text=say(app.language, "link_home"),
        **(identity_of(incident, now, base_url) | {"link": f"{base_url}/deliveries"}),
    )
    for one in _asked(session):
        enqueue(
            session,
            app_id=app.id,
            destination_id=one.id,
            kind="canary",
            event_id=event,
            message=message,
            incident_id=incident.id,
            wakes=True,
        )
    return True


def found_on(day: date) -> Judgement | None:
    """What the real detector makes of the day's made-up drop; None where it would not alert, which it must."""
    chance = np.random.default_rng(day.toordinal())
    counts = chance.multinomial(40, (0.06, 0.04, 0.1, 0.3, 0.5), size=DAYS)
    counts[-3:] = chance.multinomial(40, (0.5, 0.2, 0.1, 0.1, 0.1), size=3)
    found = rating_drop(counts, day - timedelta(days=DAYS - 1), day)
    return found if found is not None and found.level == "alert" else None


def _asked(session: Session) -> list[Destination]:
    """Who gets it: whoever asks for it, else an inbox of its own, made when it is first needed."""
    asking = session.scalars(
        select(Destination).where(Destination.enabled, Destination.config["canary"].as_boolean())
    ).all()
    if asking:
        return list(asking)
    kept = session.scalar(select(Destination).where(Destination.name == CANARY_INBOX))
    if kept is None:
        kept = Destination(kind="inbox", name=CANARY_INBOX, config={"canary": True, "levels": []})
        session.add(kept)
        session.flush()
    return [kept] if kept.enabled else []


def _missing(session: Session, patience: timedelta) -> dict[int, str]:
    """The destinations that the newest canary should have reached by now and has not, by the database's clock."""
    newest = select(Delivery.event_id).where(Delivery.kind == "canary").order_by(Delivery.created_at.desc()).limit(1)
    arrived = select(InboxMessage.delivery_id)
    rows = session.execute(
        select(Destination.id, Destination.name)
        .join(Delivery, Delivery.destination_id == Destination.id)
        .where(
            Delivery.kind == "canary",
            Delivery.event_id == newest.scalar_subquery(),
            Delivery.created_at <= func.clock_timestamp() - patience,
            (Delivery.state != "sent") | ((Destination.kind == "inbox") & Delivery.id.not_in(arrived)),
        )
    )
    return {int(number): str(name) for number, name in rows}
