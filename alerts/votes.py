"""Was it worth being told? Votes on incidents, and each rule's measured precision, which they give."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from alerts.incidents import add_event, take
from models.incidents import Incident
from models.rules import IncidentVote


@dataclass(frozen=True, slots=True)
class Tally:
    """How many found an incident useful, and how many did not."""

    useful: int
    not_useful: int


@dataclass(frozen=True, slots=True)
class Precision:
    """Of the `n` voted incidents of a rule (ties left out), the share that was useful, with its 95 % interval.

    The interval is Wilson's (1927), which stays honest when n is small. `share`, `low`, `high` are None where n is 0.
    """

    rule: str
    n: int
    useful: int
    share: float | None
    low: float | None
    high: float | None


def vote(session: Session, app_id: int, incident_id: UUID, *, useful: bool, actor: str, now: datetime) -> Tally:
    """Keep one person's vote, the last one counts; the timeline tells it. Returns the tally with it.

    Raises IncidentError where there is no such incident. The same vote again changes nothing.
    """
    incident = take(session, app_id, incident_id)
    known = session.get(IncidentVote, (app_id, incident_id, actor))
    if known is None:
        session.add(IncidentVote(app_id=app_id, incident_id=incident_id, actor=actor, useful=useful, at=now))
    elif known.useful != useful:
        known.useful, known.at = useful, now
    else:
        return tally(session, app_id, incident_id)
    add_event(session, incident, "useful" if useful else "not_useful", now, actor=actor)
    session.flush()
    return tally(session, app_id, incident_id)


def tally(session: Session, app_id: int, incident_id: UUID) -> Tally:
    """Count the votes on an incident."""
    votes = session.scalars(
        select(IncidentVote.useful).where(IncidentVote.app_id == app_id, IncidentVote.incident_id == incident_id)
    ).all()
    return Tally(sum(votes), len(votes) - sum(votes))


def precision(session: Session, app_id: int | None = None) -> dict[str, Precision]:
    """Return each voted rule's precision, over all apps or one; an incident counts once, by its majority."""
    for_it = func.sum(case((IncidentVote.useful, 1), else_=-1))
    each = select(IncidentVote.app_id, IncidentVote.incident_id, for_it.label("balance")).group_by(
        IncidentVote.app_id, IncidentVote.incident_id
    )
    if app_id is not None:
        each = each.where(IncidentVote.app_id == app_id)
    voted = each.subquery()
    rows = session.execute(
        select(Incident.rule, func.count(), func.count().filter(voted.c.balance > 0))
        .join(voted, (voted.c.app_id == Incident.app_id) & (voted.c.incident_id == Incident.id))
        .where(voted.c.balance != 0)
        .group_by(Incident.rule)
    )
    return {rule: measured(rule, n, useful) for rule, n, useful in rows}


def measured(rule: str, n: int, useful: int) -> Precision:
    """Return the share of useful ones with its Wilson interval. Raises ValueError unless 0 ≤ useful ≤ n."""
    if not 0 <= useful <= n:
        raise ValueError("useful ones are part of all")
    if n == 0:
        return Precision(rule, 0, 0, None, None, None)
    z = 1.96
    share = useful / n
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * (share * (1 - share) / n + z**2 / (4 * n**2)) ** 0.5
    return Precision(rule, n, useful, share, max(middle - half, 0.0), min(middle + half, 1.0))
