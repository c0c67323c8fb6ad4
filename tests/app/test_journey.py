"""The journey's first line: where it hurts most."""

from datetime import date

import pytest
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from app.i18n import Words
from app.pages.journey import headline
from app.reading.journey import Cell, Journey, TopicPart, journey
from app.reading.trends import Period
from models.feedback import Verbatim, VerbatimTopic
from tests.app.seed import Portfolio


def made(pains: dict[str, int]) -> Journey:
    cells = {
        (step, "google_play"): Cell(step, "google_play", [TopicPart(step, 100, negative)])
        for step, negative in pains.items()
    }
    period = Period(date(2026, 11, 1), date(2026, 11, 22))
    return Journey(period, list(pains), ["google_play"], cells, {}, {"google_play": 100})


@pytest.mark.parametrize(
    ("pains", "told"),
    [
        ({"sign_in": 40, "pay": 7, "whole_app": 90}, "« Se connecter »"),  # the whole app is no place
        ({"sign_in": 4, "pay": 7, "whole_app": 0}, "« Payer et virer »"),
        ({"sign_in": 0, "pay": 0, "whole_app": 3}, "« Toute l’application »"),
        ({"sign_in": 0, "pay": 0, "whole_app": 0}, "Aucune étape ne fâche"),
    ],
)
def test_the_first_line_names_the_step_that_hurts_most(pains: dict[str, int], told: str) -> None:
    assert told in headline(Words("fr"), made(pains)).replace("\u202f", " ").replace("\u00a0", " ")


def test_a_cell_counts_each_person_once_a_step(db: Session, portfolio: Portfolio) -> None:
    app, period = portfolio.apps[0], Period(date(2026, 10, 1), date(2026, 11, 22))
    before = journey(db, app.id, period, "fr")
    assert before.by_people
    written = select(Verbatim).where(Verbatim.app_id == app.id, Verbatim.channel == "google_play")
    model = db.scalars(written.order_by(Verbatim.written_at.desc())).first()
    assert model is not None
    fields = {c.key: getattr(model, c.key) for c in Verbatim.__mapper__.column_attrs if c.key not in {"id", "search"}}
    for n in range(3):  # one person, three reviews, two topics of one step
        db.execute(insert(Verbatim).values(fields | {"external_id": f"p{n}", "person": "the same"}))
        made = db.scalars(select(Verbatim).where(Verbatim.external_id == f"p{n}")).one()
        for topic in ("sign_in", "biometrics"):
            told = {
                "app_id": app.id,
                "verbatim_id": made.id,
                "day": made.day,
                "topic": topic,
                "sentiment": -1,
                "evidence": "",
            }
            db.execute(insert(VerbatimTopic).values(told))
    after = journey(db, app.id, period, "fr")
    cell = ("sign_in", "google_play")
    was, now = before.cells[cell], after.cells[cell]
    assert was.people is not None
    assert now.people == was.people + 1
    assert now.size == now.people


def test_many_verbatims_are_sized_by_mentions(
    db: Session, portfolio: Portfolio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.reading.journey.COUNTED", 10)
    found = journey(db, portfolio.apps[0].id, Period(date(2026, 10, 1), date(2026, 11, 22)), "fr")
    assert not found.by_people
    cell = found.cells["sign_in", "google_play"]
    assert (cell.people, cell.size) == (None, cell.n)
