"""What could not be read is kept once, told by reason, and read again after a fix; the page's other rows are kept."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine, event, func, select

from app import quarantine
from app.context import Context
from app.db import transaction
from app.quarantine import in_general, reasons, replay_source
from app.reasons import in_french
from collectors.app_store import AppStoreFeed
from collectors.google_play import GooglePlay
from collectors.http import Http
from collectors.pace import Pace
from collectors.replay import replay
from collectors.values import RowFault
from models.feedback import Verbatim
from models.incidents import Delivery
from models.records import QuarantinedRow, VerbatimRecord
from models.rollups import DailyStars
from models.sources import Quarantine, Run
from tests.fakes.stores import FakeAppStore, FakePlay, some_reviews
from tests.walks.conftest import page, record

Read = Callable[..., Run]


@pytest.fixture
def http() -> Http:
    return Http(timeout=20.0, sleep=lambda seconds: None, pace=Pace(intervals={"127.0.0.1": 0.0}))


def bad(number: int, reason: str = "the stars '9' are not 1 to 5") -> QuarantinedRow:
    return QuarantinedRow(json.dumps({"id": number}).encode(), reason)


def test_the_pages_other_rows_are_kept_and_each_bad_one_once(own_engine: Engine, source_id: int, read: Read) -> None:
    rows = (bad(1), bad(2), bad(2), bad(3, "column 'mail': the stars 'marie@example.com' are not 1 to 5"))
    run = read(page([100, 99], quarantined=rows, end="exhausted"))
    assert (run.stored, run.quarantined) == (2, 4)
    read(page([100, 99], quarantined=rows, end="exhausted"))
    with transaction(own_engine) as session:
        kept = session.scalars(select(Quarantine)).all()
        assert len(kept) == 3
        assert not any("marie@" in row.reason for row in kept)  # masked before it is stored
        assert reasons(session, [source_id]) == {
            source_id: [("the stars … are not 1 to 5", 2), ("column 'mail': the stars … are not 1 to 5", 1)]
        }


def test_a_page_of_bad_rows_is_one_statement(own_engine: Engine, read: Read) -> None:
    statements: list[str] = []
    event.listen(own_engine, "before_cursor_execute", lambda *told: statements.append(told[2]))
    read(page([100], quarantined=tuple(bad(n) for n in range(1000)), end="exhausted"))
    assert len([one for one in statements if "INTO quarantine" in one or "FROM quarantine" in one]) == 1
    with transaction(own_engine) as session:
        assert session.scalar(select(func.count()).select_from(Quarantine)) == 1000


def test_after_a_fix_the_rows_are_read_and_never_alert(
    context: Context, own_engine: Engine, source_id: int, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    read(page([100], quarantined=tuple(bad(n) for n in (98, 97, 5)), end="exhausted"))

    def mended(kind: str, config: Any, raw: bytes) -> VerbatimRecord:
        number = json.loads(raw)["id"]
        if number == 5:
            raise RowFault("still not")
        assert kind == "app_store_feed"
        return record(number)

    monkeypatch.setattr(quarantine, "replay", mended)
    done = replay_source(context, source_id)
    assert (done.read, done.stored, done.left) == (2, 2, 1)
    with transaction(own_engine) as session:
        assert set(session.scalars(select(Verbatim.external_id))) == {"r100", "r98", "r97"}
        assert session.scalar(select(func.sum(DailyStars.n))) == 3
        assert session.scalars(select(Run.trigger).order_by(Run.id.desc())).first() == "replay"
        assert reasons(session, [source_id]) == {source_id: [("still not", 1)]}
        assert session.scalar(select(func.count()).select_from(Delivery)) == 0
    # A second time changes nothing; and a row that breaks again after all waits again.
    assert (replay_source(context, source_id).read, _count(own_engine)) == (0, 3)
    read(page([100], quarantined=(bad(98),), end="exhausted"))
    with transaction(own_engine) as session:
        assert dict(reasons(session, [source_id])[source_id])["the stars … are not 1 to 5"] == 1


def _count(engine: Engine) -> int:
    with transaction(engine) as session:
        return session.scalar(select(func.count()).select_from(Verbatim)) or 0


def test_an_app_is_looked_at_before_what_waited_comes_in(
    context: Context, source_id: int, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    read(page([100], quarantined=(bad(98),), end="exhausted"))
    done: list[str] = []
    monkeypatch.setattr(quarantine, "look_before_history", lambda *_: done.append("look"))
    monkeypatch.setattr(quarantine, "replay", lambda *_: (done.append("read"), record(98))[1])
    quarantine.replay_source(context, source_id)
    assert done == ["look", "read"]


def test_real_rows_of_each_store_can_be_replayed(http: Http) -> None:
    with FakeAppStore(reviews=some_reviews(1)) as apple:
        told = apple._json(1, apple.reviews, True, dated=True)["feed"]["entry"]
        entry = told[0] if isinstance(told, list) else told
        read = next(AppStoreFeed(apple.app_id, "fr", apple.url, http=http).pages()).verbatims[0]
        assert replay("app_store_feed", {"storefront": "fr"}, json.dumps(entry).encode()) == read
    with FakePlay(reviews=some_reviews(1, play=True)) as play:
        row = play._play_row(play.reviews[0])
        read = next(GooglePlay(play.app_id, "fr", "fr", play.url, http=http).pages()).verbatims[0]
        config = {"app_id": play.app_id, "lang": "fr"}
        assert replay("google_play", config, json.dumps(row).encode()) == read


def test_a_file_is_replayed_by_its_columns_and_other_kinds_say_what_to_do() -> None:
    config = {"map": {"Note": "stars", "Texte": "body", "Le": "written_at"}, "zone": "Europe/Paris", "day_first": True}
    raw = json.dumps({"Note": "2", "Texte": "Rien ne marche", "Le": "03/04/2026"}).encode()
    found = replay("file", config, raw)
    assert isinstance(found, VerbatimRecord)
    assert (found.stars, found.body, found.written_at.month) == (2, "Rien ne marche", 4)
    for kind, config_of, bytes_of in (("file", {}, raw), ("file", config, raw[:20]), ("sentry", {}, raw)):
        with pytest.raises(RowFault):
            replay(kind, config_of, bytes_of)


def test_a_reason_is_told_without_its_row_and_value() -> None:
    assert (
        in_general("row 7: column 'note': the stars '9' are not 1 to 5") == "column 'note': the stars … are not 1 to 5"
    )
    assert in_general("reviews_com.example_202604.csv: the row has no date") == "the row has no date"
    assert in_general("the date 2100-06-27 lies in the future") == "the date … lies in the future"
    assert in_french("the date … lies in the future") == "la date … est dans le futur"


def test_api_and_page_show_reasons_and_ask_for_a_replay(
    own_engine: Engine, source_id: int, read: Read, settings: Any
) -> None:
    from starlette.testclient import TestClient

    from app.main import create_app
    from app.seal import Seal

    read(page([100], quarantined=(bad(1), bad(2)), end="exhausted"))
    app = create_app(own_engine, settings, Seal(b"tests"))
    asked: list[tuple[Any, ...]] = []
    app.state.defer = lambda *told, **more: asked.append((*told, more))
    with TestClient(app, base_url="http://127.0.0.1:8765") as client:
        told = client.get(f"/api/v1/sources/{source_id}/quarantine", params={"limit": 1}).json()
        assert told["reasons"] == [{"reason": "the stars … are not 1 to 5", "rows": 2}]
        assert (len(told["items"]), told["next"]) == (1, told["items"][0]["id"])
        assert "raw" not in json.dumps(told)
        assert client.post(f"/api/v1/sources/{source_id}/quarantine/replay").status_code == 202
        shown = client.get("/sources", headers={"Accept-Language": "fr"}).text
        assert "les étoiles … ne sont pas entre 1 et 5" in shown
        assert client.post(f"/sources/{source_id}/replay", follow_redirects=False).status_code == 303
    assert [one[:2] for one in asked] == [("replay", f"source:{source_id}")] * 2
