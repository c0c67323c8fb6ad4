"""An incident's timeline: signals that confirm it are one line with a count, decisions stay a line each."""

from datetime import timedelta

from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from app.pages.incidents import folded
from models.incidents import IncidentEvent
from tests.app.conftest import NOW
from tests.app.seed import Portfolio


def events(*kinds: str) -> list[IncidentEvent]:
    return [
        IncidentEvent(app_id=1, kind=kind, actor="cocoon", detail={}, at=NOW + timedelta(hours=n))
        for n, kind in enumerate(kinds)
    ]


def test_repeats_are_folded_into_the_first_of_their_opening() -> None:
    kinds = "opened supported raised supported added_up supported resolved reopened supported"
    given = events(*kinds.split())
    runs = [[event.kind for event in run] for run in folded(given)]
    assert runs == [
        ["opened"], ["supported"] * 3, ["raised"], ["added_up"], ["resolved"], ["reopened"], ["supported"],
    ]  # fmt: skip
    assert sorted(e.at for run in folded(given) for e in run) == [e.at for e in given], "none is lost"
    assert [len(run) for run in folded(events("acknowledged", "acknowledged", "strengthened"))] == [1, 1, 1]


def test_the_page_counts_them_and_opens(web: TestClient, portfolio: Portfolio, db: Session) -> None:
    assert portfolio.incident is not None
    for event in events("supported", "supported", "supported"):
        event.app_id, event.incident_id = portfolio.incident.app_id, portfolio.incident.id
        db.add(event)
    db.flush()
    page = web.get(f"/incidents/{portfolio.incident.id}", headers={"Accept-Language": "en"}).text
    assert page.count("<strong>Confirmed by another signal</strong>") == 1
    assert "3 times, up to" in page
    assert "<summary>one by one</summary>" in page
    told = web.get(f"/api/v1/incidents/{portfolio.incident.id}").json()["timeline"]
    assert [event["kind"] for event in told].count("supported") == 3, "programs are told each"
