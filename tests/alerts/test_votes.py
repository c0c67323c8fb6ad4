"""Votes: one a person, the last counts, and a rule's precision is that of its voted incidents."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts.incidents import IncidentError
from alerts.votes import Tally, measured, precision, tally, vote
from models.apps import App
from models.incidents import Incident, IncidentEvent
from tests.alerts import bank

NOW = datetime(2026, 9, 20, 8, tzinfo=UTC)


@pytest.fixture
def opened(db: Session) -> Callable[..., UUID]:
    def make(app: App, rule: str = "rating_drop", subject: str = "app") -> UUID:
        incident = Incident(
            app_id=app.id, id=uuid4(), rule=rule, subject=subject, severity="alert", state="resolved", opened_at=NOW,
            opened_day=date(2026, 9, 18), updated_at=NOW, last_above_day=date(2026, 9, 18), score=4.0, peak_score=4.0,
            effect={}, evidence={},
        )  # fmt: skip
        db.add(incident)
        db.flush()
        return incident.id

    return make


def test_a_persons_last_vote_counts_and_the_timeline_tells_each(db: Session, opened: Callable[..., UUID]) -> None:
    app = bank.make_app(db)
    incident = opened(app)
    assert vote(db, app.id, incident, useful=True, actor="Léa", now=NOW) == Tally(1, 0)
    assert vote(db, app.id, incident, useful=False, actor="Ana", now=NOW) == Tally(1, 1)
    assert vote(db, app.id, incident, useful=False, actor="Léa", now=NOW) == Tally(0, 2)
    assert vote(db, app.id, incident, useful=False, actor="Léa", now=NOW) == Tally(0, 2)
    lines = db.execute(select(IncidentEvent.kind, IncidentEvent.actor).order_by(IncidentEvent.id)).all()
    assert [tuple(line) for line in lines] == [("useful", "Léa"), ("not_useful", "Ana"), ("not_useful", "Léa")]


def test_a_vote_on_nothing_says_so(db: Session) -> None:
    app = bank.make_app(db)
    with pytest.raises(IncidentError):
        vote(db, app.id, uuid4(), useful=True, actor="Léa", now=NOW)


def test_precision_counts_each_incident_once_by_majority(db: Session, opened: Callable[..., UUID]) -> None:
    app, other = bank.make_app(db), bank.make_app(db, "Autre")
    good, bad, tied = opened(app), opened(app), opened(app)
    elsewhere = opened(other, "burst")
    for incident, votes in ((good, "++-"), (bad, "-"), (tied, "+-")):
        for number, sign in enumerate(votes):
            vote(db, app.id, incident, useful=sign == "+", actor=str(number), now=NOW)
    vote(db, other.id, elsewhere, useful=True, actor="a", now=NOW)
    found = precision(db)
    assert (found["rating_drop"].n, found["rating_drop"].useful, found["rating_drop"].share) == (2, 1, 0.5)
    assert found["burst"].n == 1
    assert set(precision(db, app.id)) == {"rating_drop"}
    assert tally(db, app.id, tied) == Tally(1, 1)


def test_wilsons_interval() -> None:
    found = measured("burst", 10, 8)
    assert found.low == pytest.approx(0.4902, abs=1e-3)  # Wilson 1927, by hand
    assert found.high == pytest.approx(0.9433, abs=1e-3)
    assert measured("burst", 0, 0).share is None
    with pytest.raises(ValueError):
        measured("burst", 1, 2)
