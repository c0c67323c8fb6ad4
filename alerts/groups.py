"""The same trouble in several apps of the company on one day: a library, a server, a store. Each message names them."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts.life import ALONE
from models.apps import App
from models.incidents import Incident


def matter(rule: str, subject: str) -> tuple[str, str]:
    """Return what two incidents of different apps have in common: the rule, and the topic or keyword it is about.

    Stores, storefronts and versions of two apps are compared by the rule alone.
    """
    kind, _, rest = subject.partition(":")
    return rule, rest if kind in {"topic", "keyword"} else ""


def same_elsewhere(session: Session, incident: Incident) -> list[tuple[Incident, App]]:
    """Return the live incidents of other apps that opened on the same day over the same matter, by the app's name."""
    if incident.rule in ALONE:
        return []
    found = session.execute(
        select(Incident, App)
        .join(App, App.id == Incident.app_id)
        .where(
            Incident.app_id != incident.app_id,
            Incident.rule == incident.rule,
            Incident.opened_day == incident.opened_day,
            Incident.state != "resolved",
            Incident.origin == "live",
        )
        .order_by(App.name)
    )
    wanted = matter(incident.rule, incident.subject)
    return [(other, app) for other, app in found if matter(other.rule, other.subject) == wanted]
