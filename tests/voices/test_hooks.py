"""Webhooks in: who signed them, stored before answered, once, sealed, and read whatever dies in between."""

import json
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from app import inbound
from app.context import Context
from app.queue import Queue
from app.scheduler import ask_for_hooks
from collectors.signatures import RefusedError, checked
from models.feedback import Verbatim
from models.inbound import Inbound
from models.sources import Source
from tests.voices import signing
from tests.voices.conftest import add_source, everything

FORM = {"survey_id": "DHsCKv", "questions": "qNPS=nps; qWhy=text", "email_field": "mail"}
SECRETS = ("4111111111111111", "FR7630006000011234567890189", "06 12 34 56 78", "camille.durand@example.com")


def response(number: int = 1, why: str = "le virement échoue", score: int = 3) -> bytes:
    answers = [
        {"type": "number", "number": score, "field": {"id": "qNPS", "type": "nps"}},
        {"type": "text", "text": why, "field": {"id": "qWhy", "type": "long_text"}},
    ]
    told = {
        "form_id": "DHsCKv",
        "token": f"tok{number}",
        "submitted_at": "2026-11-20T09:00:00Z",
        "definition": {"fields": [{"id": "qNPS", "title": "?"}, {"id": "qWhy", "title": "Pourquoi ?"}]},
        "hidden": {"mail": f"person{number}@example.com"},
        "answers": answers,
    }
    return json.dumps({"event_id": f"ev{number}", "event_type": "form_response", "form_response": told}).encode()


class Hooked:
    def __init__(self, context: Context, web: TestClient) -> None:
        self.source_id = add_source(context, "typeform", FORM)
        with context.transaction() as session:
            self.made = inbound.open_hook(session, context.seal, session.get_one(Source, self.source_id))
        self.web = web

    def call(self, body: bytes, headers: dict[str, str] | None = None) -> Any:
        return self.web.post(self.made.path, content=body, headers=headers or signing.typeform(self.made.secret, body))


@pytest.fixture
def hooked(context: Context, web: TestClient) -> Hooked:
    return Hooked(context, web)


def states(context: Context) -> list[tuple[str, bool]]:
    with context.transaction() as session:
        rows = session.execute(select(Inbound.state, Inbound.body.is_(None)).order_by(Inbound.id))
        return [(state, gone) for state, gone in rows]


def words(context: Context) -> list[str]:
    with context.transaction() as session:
        return list(session.scalars(select(Verbatim.body).order_by(Verbatim.id)))


def test_a_call_is_stored_then_answered_then_read(hooked: Hooked, context: Context, asked: list[Any]) -> None:
    answer = hooked.call(response())
    assert (answer.status_code, answer.json()) == (202, {"state": "stored"})
    assert states(context) == [("waiting", False)]
    assert asked == [("read_hook", f"hook:{hooked.made.hook_id}")]
    assert inbound.process(context, hooked.made.hook_id) == 1
    assert words(context) == ["le virement échoue"]
    assert states(context) == [("done", True)]  # and its body is gone


def test_the_same_event_again_changes_nothing(hooked: Hooked, context: Context, asked: list[Any]) -> None:
    hooked.call(response())
    inbound.process(context, hooked.made.hook_id)
    again = hooked.call(response())
    assert (again.status_code, again.json()) == (202, {"state": "known"})
    assert len(asked) == 1
    assert states(context) == [("done", True)]


def test_what_is_not_signed_with_the_secret_is_refused_and_not_stored(hooked: Hooked, context: Context) -> None:
    body = response()
    wrong = hooked.call(body, signing.typeform("another secret", body))
    changed = hooked.call(response(2), signing.typeform(hooked.made.secret, body))
    assert [wrong.status_code, changed.status_code, hooked.call(body, {"a": "b"}).status_code] == [401, 401, 401]
    assert states(context) == []


def test_an_address_that_nobody_made_is_not_there(hooked: Hooked) -> None:
    assert hooked.web.post("/api/v1/hooks/" + "x" * 43, content=b"{}").status_code == 404
    assert hooked.web.head(hooked.made.path).status_code == 200
    # Only this one door is open without a key.
    assert hooked.web.get("/api/v1/sources").status_code == 401
    assert hooked.web.post(f"/api/v1/sources/{hooked.source_id}/hook", json={}).status_code == 401


def test_a_call_that_is_too_large_is_refused(hooked: Hooked) -> None:
    assert hooked.call(b" " * (inbound.MAX_BODY + 1)).status_code == 413


def test_a_new_address_ends_the_old_one(hooked: Hooked, context: Context) -> None:
    with context.transaction() as session:
        inbound.open_hook(session, context.seal, session.get_one(Source, hooked.source_id))
    assert hooked.call(response()).status_code == 404


def test_neither_the_address_nor_the_secret_is_kept_in_clear(hooked: Hooked, context: Context) -> None:
    kept = everything(context.engine)
    assert hooked.made.secret not in kept
    assert hooked.made.path.rpartition("/")[2] not in kept


def test_personal_data_is_in_clear_nowhere(hooked: Hooked, context: Context, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    said = f"carte {SECRETS[0]}, compte {SECRETS[1]}, tél {SECRETS[2]}, mail {SECRETS[3]}"
    hooked.call(response(1, said))
    hooked.call(response(2, said, score=77))  # a score that no scale has: quarantined
    hooked.call(b'{"form_response": "' + said.encode() + b'"}')  # unreadable: kept sealed
    before = everything(context.engine)
    inbound.process(context, hooked.made.hook_id)
    after = everything(context.engine)
    assert "⟨card⟩" in after
    assert states(context) == [("done", True), ("done", True), ("failed", False)]
    for place in (before, after, caplog.text):
        for secret in (*SECRETS, "person1@example.com", "person2@example.com"):
            assert secret not in place


def test_one_that_dies_in_the_middle_is_read_again_and_counts_once(
    hooked: Hooked, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    hooked.call(response())
    stored = inbound.store_page

    def dies(*args: Any, **kwargs: Any) -> None:
        stored(*args, **kwargs)
        raise OperationalError("the server went away", None, Exception())

    monkeypatch.setattr(inbound, "store_page", dies)
    with pytest.raises(OperationalError):
        inbound.process(context, hooked.made.hook_id)
    assert (states(context), words(context)) == ([("waiting", False)], [])
    monkeypatch.setattr(inbound, "store_page", stored)
    assert inbound.process(context, hooked.made.hook_id) == 1
    assert words(context) == ["le virement échoue"]


def test_one_whose_job_was_never_asked_for_is_found_by_the_schedule(hooked: Hooked, context: Context) -> None:
    hooked.call(response())
    queue = Queue(context.conninfo)
    try:
        ask_for_hooks(context, queue)
        assert not queue.ask("read_hook", f"hook:{hooked.made.hook_id}", hook_id=hooked.made.hook_id, app_id=1)
    finally:
        queue.close()


def test_a_defect_is_tried_again_later_and_holds_up_nobody(
    hooked: Hooked, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    hooked.call(response(1))
    hooked.call(response(2, "impossible de se connecter"))
    stored = inbound.store_page
    calls: list[int] = []

    def defect(*args: Any, **kwargs: Any) -> Any:
        calls.append(1)
        if len(calls) == 1:
            raise KeyError("a defect")
        return stored(*args, **kwargs)

    monkeypatch.setattr(inbound, "store_page", defect)
    assert inbound.process(context, hooked.made.hook_id) == 1
    assert words(context) == ["impossible de se connecter"]
    with context.transaction() as session:
        row = session.scalars(select(Inbound).where(Inbound.state == "waiting")).one()
        assert (row.attempts, row.reason) == (1, "KeyError")
        assert row.next_try_at > session.scalar(select(func.clock_timestamp()))
        assert inbound.waiting(session) == []


def test_a_defect_that_stays_is_left_to_a_person_after_eight_tries(
    hooked: Hooked, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    def defect(*_: Any, **__: Any) -> Any:
        raise KeyError("a defect")

    hooked.call(response())
    monkeypatch.setattr(inbound, "store_page", defect)
    for tries in range(1, 10):
        inbound.process(context, hooked.made.hook_id)
        with context.transaction() as session:
            row = session.scalars(select(Inbound)).one()
            assert row.body is not None  # nothing of it is lost
            assert (row.state, row.attempts) == (("waiting", tries) if tries < 8 else ("failed", 8))
            row.next_try_at = row.received_at


def test_a_failed_call_can_be_tried_again(hooked: Hooked, context: Context) -> None:
    hooked.call(b'{"form_response": 3}')
    inbound.process(context, hooked.made.hook_id)
    with context.transaction() as session:
        assert inbound.try_again(session, hooked.source_id) == 1
    assert states(context) == [("waiting", False)]


NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
KEY = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"id": "ev-1", "type": "x"}'


def signed(scheme: str, at: datetime = NOW) -> tuple[str, dict[str, str]]:
    if scheme == "standard":
        return KEY, signing.standard(KEY, BODY, at=at.timestamp())
    if scheme == "zendesk":
        return "s3cret", signing.zendesk("s3cret", BODY, at.isoformat().replace("+00:00", "Z"))
    return "s3cret", getattr(signing, scheme)("s3cret", BODY)


def lower(headers: dict[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


@pytest.mark.parametrize("scheme", ["standard", "typeform", "zendesk", "intercom"])
def test_each_scheme_takes_its_own_signature_and_no_other(scheme: str) -> None:
    secret, headers = signed(scheme)
    event = checked(scheme, secret, lower(headers), BODY, NOW)
    assert event == checked(scheme, secret, lower(headers), BODY, NOW)
    for changed in (
        lambda: checked(scheme, secret, lower(headers), BODY + b" ", NOW),
        lambda: checked(scheme, secret + "B" * 4, lower(headers), BODY, NOW),
        lambda: checked(scheme, "", lower(headers), BODY, NOW),
        lambda: checked(scheme, secret, {}, BODY, NOW),
    ):
        with pytest.raises(RefusedError):
            changed()


@pytest.mark.parametrize("scheme", ["standard", "zendesk"])
@pytest.mark.parametrize("off", [timedelta(minutes=6), -timedelta(minutes=6)])
def test_a_recorded_call_is_refused_later(scheme: str, off: timedelta) -> None:
    secret, headers = signed(scheme)
    with pytest.raises(RefusedError, match="five minutes"):
        checked(scheme, secret, lower(headers), BODY, NOW + off)


@pytest.mark.parametrize("at", ["9" * 5_000, "12²", "-1", ""])
def test_a_time_that_is_none_is_refused_and_raises_nothing_else(at: str) -> None:
    secret, headers = signed("standard")
    with pytest.raises(RefusedError, match="no webhook-timestamp"):
        checked("standard", secret, lower(headers) | {"webhook-timestamp": at}, BODY, NOW)
