"""Credentials entered in the interface: sealed, never shown, and rotated only once every source could read."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from sqlalchemy import select, text
from starlette.testclient import TestClient

from app.context import Context
from app.credentials import enter, prove, remove, shown
from app.doctor import examine
from app.errors import Problem
from app.jobs import collect
from app.main import create_app
from collectors.access import HeldKey, read_key_file
from collectors.registry import build
from models.apps import App
from models.credentials import Credential
from models.people import Audit
from models.sources import Source
from tests.collectors.test_play_developer import reviews
from tests.fakes.connect import pem
from tests.fakes.play_api import FakePlayApi
from tests.walks.conftest import NOW


@pytest.fixture
def api() -> Iterator[FakePlayApi]:
    with FakePlayApi(now=NOW) as fake:
        fake.reviews = list(reviews(5))
        yield fake


@pytest.fixture
def source_id(context: Context, api: FakePlayApi) -> int:
    with context.transaction() as session:
        app = App(name="Banque")
        session.add(app)
        session.flush()
        config = {"app_id": api.app_id, "key_file": "credential:play", "android_publisher_url": api.url}
        source = Source(app_id=app.id, kind="google_play_api", channel="google_play", name="Play API", config=config)
        source.rhythm_minutes = 60
        session.add(source)
        session.flush()
        enter(session, context.seal, "play", api.key_file())
        return source.id


def row(context: Context) -> Credential:
    with context.transaction() as session:
        return session.scalars(select(Credential)).one()


def another_key(api: FakePlayApi) -> str:
    key = rsa.generate_private_key(65537, 2048)
    return json.dumps(json.loads(api.key_file()) | {"private_key": pem(key)})


def test_a_source_reads_with_the_sealed_key_and_nothing_shows_it(
    context: Context, api: FakePlayApi, source_id: int
) -> None:
    run = collect(context, source_id, "manual")
    assert run is not None
    assert (run.outcome, run.seen) == ("complete", 5)
    with context.transaction() as session:
        told = json.dumps([list(map(str, line)) for line in session.execute(text("SELECT * FROM credentials"))])
        assert session.get_one(Source, source_id).config["key_file"] == "credential:play"
    assert "PRIVATE KEY" not in told


def test_a_held_key_is_its_name_as_text() -> None:
    held = HeldKey("credential play", b"the secret")
    assert (str(held), f"{held}", read_key_file(str(held))) == ("credential play", "credential play", b"the secret")
    assert "secret" not in repr(held)
    broken = build_error(
        "google_play_api", {"app_id": "com.example.bank", "key_file": HeldKey("credential play", b"x")}
    )
    assert "credential play" in broken


def build_error(kind: str, config: dict[str, Any]) -> str:
    from collectors.base import SourceError
    from collectors.http import Http

    with pytest.raises(SourceError) as caught:
        build(kind, config, Http())
    return str(caught.value)


def test_the_old_key_stays_in_use_until_the_new_one_was_proved(
    context: Context, api: FakePlayApi, source_id: int
) -> None:
    assert prove(context, "play")
    first = row(context).sealed
    # A wrong key is entered: it is tried, refused in words, and nothing stops.
    with context.transaction() as session:
        enter(session, context.seal, "play", another_key(api))
    assert row(context).sealed == first
    assert not prove(context, "play")
    kept = row(context)
    assert (kept.sealed, kept.works, kept.sealed_next is not None) == (first, False, True)
    assert "does not accept the key" in kept.message
    run = collect(context, source_id, "manual")
    assert run is not None
    assert run.outcome == "complete"
    assert any("credential play" in found.name for found in examine(context) if not found.works)
    # The right one takes its place.
    with context.transaction() as session:
        enter(session, context.seal, "play", api.key_file().replace("\n", "\r\n"))
    assert prove(context, "play")
    kept = row(context)
    assert (kept.sealed != first, kept.sealed_next, kept.works, kept.message) == (True, None, True, "")
    with context.transaction() as session:
        actions = list(session.scalars(select(Audit.action).order_by(Audit.id)))
        details = [json.dumps(line.detail) for line in session.scalars(select(Audit))]
    assert actions == ["credential.refused", "credential.rotated"]
    assert not any("PRIVATE" in one for one in details)


def test_a_new_key_without_one_right_is_not_put_in_use(context: Context, api: FakePlayApi, source_id: int) -> None:
    with context.transaction() as session:
        enter(session, context.seal, "play", api.key_file() + " ")
    api.forbidden = "forbidden"
    assert not prove(context, "play")
    assert "Reply to reviews" in row(context).message
    with context.transaction() as session:
        (one,) = shown(session)
        assert one.waiting
        with pytest.raises(Problem, match="still uses it"):
            remove(session, "play")


@pytest.mark.parametrize(("name", "secret"), [("Play Key", "x"), ("", "x"), ("play", "  "), ("play", "x" * 70_000)])
def test_what_cannot_be_a_credential_is_refused(context: Context, name: str, secret: str) -> None:
    with context.transaction() as session, pytest.raises(Problem):
        enter(session, context.seal, name, secret)


def test_by_api_and_page_it_goes_in_and_never_out(context: Context, api: FakePlayApi, source_id: int) -> None:
    app = create_app(context.engine, replace(context.settings, sign_in=False), context.seal)
    asked: list[tuple[Any, ...]] = []
    app.state.defer = lambda *told, **more: asked.append((*told, more))
    with TestClient(app, base_url="http://127.0.0.1:8765") as client:
        put = client.put("/api/v1/credentials/play", json={"secret": another_key(api)})
        assert put.status_code == 202
        assert (put.json()["waiting"], put.json()["sources"]) == (True, [source_id])
        told = put.text + client.get("/api/v1/credentials").text + client.get("/credentials").text
        assert "PRIVATE" not in told
        bad = client.post("/credentials", data={"name": "No!", "secret": "s3cret"})
        assert (bad.status_code, "s3cret" in bad.text) == (422, False)
        assert (
            client.post("/credentials", data={"name": "spare", "secret": "tok"}, follow_redirects=False).status_code
            == 303
        )
        assert client.delete("/api/v1/credentials/play").status_code == 409
        assert client.delete("/api/v1/credentials/spare").status_code == 204
        bound = {"app_id": api.app_id, "key_file": "credential:play"}
        made = {"app_id": 1, "kind": "google_play_api", "name": "x", "config": bound}
        app.state.kinds = [{"kind": "google_play_api", "channel": "google_play", "minutes": 60}]
        assert client.post("/api/v1/sources", json=made).json()["config"]["key_file"] == "credential:play"
    assert [one[:2] for one in asked] == [("prove", "credential:play"), ("prove", "credential:spare")]
    with context.transaction() as session:
        assert set(session.scalars(select(Audit.action))) >= {"credential.entered", "credential.removed"}
