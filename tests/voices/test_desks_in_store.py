"""A help desk in the store: by walk and by webhook, with its deletions and persons, and nothing personal in clear."""

import json
import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from app import clock, inbound
from app.context import Context
from app.jobs import collect
from app.main import create_app
from app.survey_import import import_survey, read_choice
from models.feedback import Verbatim
from models.incidents import Delivery
from models.rollups import DailyStars
from models.sources import Coverage, Source
from models.voices import PersonKey, Ticket
from tests.app.people import bearer
from tests.fakes.desks import FakeZendesk
from tests.fakes.surveys import KEY
from tests.voices import signing
from tests.voices.conftest import add_source, everything
from tests.voices.test_tickets import NOW, comment, zendesk_ticket

PERSONAL = ("4111111111111111", "FR7630006000011234567890189", "06 12 34 56 78", "camille.durand@example.com")


@pytest.fixture(autouse=True)
def still() -> Any:
    clock.replace(lambda: NOW)
    yield
    clock.replace(None)


def desk(context: Context, fake: FakeZendesk, tmp_path: Path) -> int:
    (tmp_path / "key").write_text(KEY)
    config = {"subdomain": "bank", "email": fake.email, "zendesk_url": fake.url, "token_file": str(tmp_path / "key")}
    return add_source(context, "zendesk", config)


def test_a_walk_stores_forwards_and_the_next_one_goes_on(context: Context, tmp_path: Path) -> None:
    with FakeZendesk() as fake:
        for number in range(1, 151):
            fake.tickets.append(zendesk_ticket(number))
            fake.comments[number] = [comment(1, 1000 + number, f"demande {number}")]
        source_id = desk(context, fake, tmp_path)
        run = collect(context, source_id, "schedule")
        assert run is not None
        assert (run.outcome, run.stored, run.pages) == ("complete", 150, 2)
        # One is deleted at the desk, one changes; a walk that fails in between keeps what it has.
        fake.change(5, NOW, status="deleted")
        fake.change(6, NOW, status="solved")
        again = collect(context, source_id, "schedule")
        assert again is not None
        assert (again.outcome, again.pages) == ("complete", 1)
        with context.transaction() as session:
            assert session.scalar(select(func.count()).select_from(Verbatim)) == 149
            assert session.scalar(select(func.sum(DailyStars.n))) == 149
            gone = session.scalars(select(Ticket.external_id).where(Ticket.deleted_at.is_not(None))).all()
            assert gone == ["5"]
            states = set(session.scalars(select(Coverage.state).where(Coverage.source_id == source_id)))
            assert states == {"complete"}
            first = session.scalar(select(func.min(Coverage.day)))
            assert first == (NOW - timedelta(days=365)).date()  # since when the export was asked for
        # A backfill reads everything again, and nothing changes.
        backfill = collect(context, source_id, "backfill")
        assert backfill is not None
        assert (backfill.pages, backfill.stored) == (2, 0)


def test_a_fault_in_the_middle_keeps_the_place(context: Context, tmp_path: Path) -> None:
    from tests.fakes.stores import Status

    with FakeZendesk() as fake:
        for number in range(1, 251):
            fake.tickets.append(zendesk_ticket(number))
            fake.comments[number] = [comment(1, 1000 + number, f"demande {number}")]
        source_id = desk(context, fake, tmp_path)
        fake.fail(Status(404), path="incremental", after=2, times=9)
        run = collect(context, source_id, "schedule")
        assert run is not None
        assert (run.outcome, run.stored) == ("partial", 200)
        fake._planned.clear()
        before = len(fake.requests)
        rest = collect(context, source_id, "schedule")
        assert rest is not None
        assert (rest.outcome, rest.stored) == ("complete", 50)
        assert sum("/comments" in path for path in fake.paths()[before:]) == 50


def test_one_person_in_a_survey_and_at_the_desk(context: Context, tmp_path: Path) -> None:
    with FakeZendesk() as fake:
        fake.tickets.append(zendesk_ticket(1))
        fake.users[1001] = {"id": 1001, "email": "Camille.Durand@example.com"}
        fake.comments[1] = [comment(1, 1001, "le virement échoue")]
        collect(context, desk(context, fake, tmp_path), "schedule")
    file = tmp_path / "s.csv"
    file.write_text("Date;Note;Pourquoi;Mail\n2026-11-03;2;virement en échec;camille.durand@example.com\n")
    choice = read_choice(context, file, "Banque", ["Date=written_at", "Note=nps", "Pourquoi=text", "Mail=email"])
    import_survey(context, file, "Banque", choice)
    with context.transaction() as session:
        assert len(set(session.scalars(select(Verbatim.person)))) == 1
        assert len(set(session.scalars(select(PersonKey.person)))) == 1
        assert set(session.scalars(select(Verbatim.channel))) == {"zendesk", "survey"}


def test_personal_data_is_in_clear_nowhere(
    context: Context, web: TestClient, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    said = f"carte {PERSONAL[0]}, compte {PERSONAL[1]}, tél {PERSONAL[2]}, mail {PERSONAL[3]}, urgent : fraude"
    with FakeZendesk() as fake:
        fake.tickets += [zendesk_ticket(1), zendesk_ticket(2, created_at="?", description=said)]
        fake.users[1001] = {"id": 1001, "email": PERSONAL[3], "phone": PERSONAL[2]}
        fake.comments[1] = [comment(1, 1001, f"<p>{said}</p>")]
        fake.ratings = [{"ticket_id": 1, "score": "bad", "comment": said, "updated_at": "2026-11-19T10:00:00Z"}]
        source_id = desk(context, fake, tmp_path)
        collect(context, source_id, "schedule")
    with context.transaction() as session:
        made = inbound.open_hook(session, context.seal, session.get_one(Source, source_id), "the secret of zendesk")
    event = {
        "id": "e1",
        "time": datetime.now(UTC).isoformat(),
        "type": "zen:event-type:messaging_ticket.message_added",
        "detail": {"id": "1"},
        "event": {"actor": {"type": "end_user", "id": PERSONAL[3]}, "message": {"body": said + " encore"}},
    }
    body = json.dumps(event).encode()
    assert web.post(made.path, content=body, headers=signing.zendesk("the secret of zendesk", body)).status_code == 202
    held = everything(context.engine)
    assert inbound.process(context, made.hook_id) == 1
    with context.transaction() as session:
        right = bearer(session, "read")
        assert session.scalar(select(func.count()).select_from(Verbatim)) == 3
        deliveries = " ".join(str(row.__dict__) for row in session.scalars(select(Delivery)))
    with context.transaction() as session:
        app_id = session.scalar(select(Ticket.app_id))
    mine = TestClient(create_app(context.engine, replace(context.settings, sign_in=False), context.seal))
    told = [web.get(f"/api/v1/apps/{app_id}/reviews", headers=right)]
    told += [mine.get(f"/apps/{app_id}/reviews", headers={"Host": "127.0.0.1"})]
    assert [answer.status_code for answer in told] == [200, 200]
    assert "iban" in told[0].text
    for place in (held, everything(context.engine), caplog.text, deliveries, told[0].text, told[1].text):
        for secret in PERSONAL:
            assert secret not in place
