"""Connecting a source by its form: its own fields, keys that never come out, a trial before it is saved."""

import re
from dataclasses import replace
from html import unescape
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from app.i18n import Words
from app.main import create_app
from app.pages.new_source import BY_HAND, CHOICES, SECRETS
from app.seal import Seal
from app.service import kinds
from app.settings import Settings
from collectors.registry import KINDS, MAY
from models.credentials import Credential
from models.people import Audit
from models.sources import Source
from tests.app.people import make_user, signed_in
from tests.app.seed import Portfolio

SECRET = "sntrys_9f8e7d6c5b4a"
SENTRY = {
    "kind": "sentry", "organization": "banque", "project": "42", "platform": "ios",
    "token_file_secret": SECRET, "token_file_name": "sentry-2026",
}  # fmt: skip


@pytest.fixture
def probed(application: FastAPI) -> list[tuple[str, dict[str, Any], dict[str, str]]]:
    """What was asked to be tried; it works where the token is right."""
    asked: list[tuple[str, dict[str, Any], dict[str, str]]] = []

    def probe(kind: str, config: dict[str, Any], secrets: dict[str, str]) -> list[dict[str, Any]]:
        asked.append((kind, config, secrets))
        works = SECRET in secrets.values()
        return [{"name": "sessions", "works": works, "message": "" if works else "Sentry refused the token."}]

    application.state.kinds = kinds()
    application.state.probe = probe
    return asked


def test_every_setting_of_every_kind_has_its_words() -> None:
    assert set(MAY) <= set(KINDS)
    for language in ("fr", "en"):
        words = Words(language)
        for kind in KINDS.values():
            if kind.kind in BY_HAND:
                continue
            assert words.has(f"kind.{kind.kind}"), kind.kind
            for name in (*kind.needs, *MAY.get(kind.kind, ())):
                assert words.has(f"field.{name}") or words.has(f"field.{kind.kind}.{name}"), (kind.kind, name)
                assert not name.endswith("url"), "an address is never asked for over the network"
        for name, values in CHOICES.items():
            assert all(words.has(f"choice.{name}.{value or 'none'}") for value in values)


def test_each_kind_has_its_form(web: TestClient, portfolio: Portfolio, probed: list[Any]) -> None:
    address = f"/apps/{portfolio.apps[0].id}/sources/new"
    choice = web.get(address).text
    for kind in KINDS.values():
        linked = f'href="{address}?kind={kind.kind}"' in choice
        assert linked == (kind.kind not in BY_HAND), kind.kind
        if linked:
            form = web.get(f"{address}?kind={kind.kind}").text
            for name in kind.needs:
                wanted = f"{name}_secret" if name in SECRETS else name
                assert f'name="{wanted}"' in form, (kind.kind, name)
    own = web.get(f"{address}?kind=app_store_connect").text
    assert f'value="{1533000000 + portfolio.apps[0].id}"' in own, "what its listing tells is filled in"


def test_tried_then_saved(
    web: TestClient, portfolio: Portfolio, db: Session, probed: list[Any], deferred: list[Any]
) -> None:
    app = portfolio.apps[0].id
    address = f"/apps/{app}/sources/new"
    before = db.scalar(select(Source.id).order_by(Source.id.desc()).limit(1))
    tried = web.post(address, data=SENTRY | {"action": "try"}, headers={"Accept-Language": "en"})
    assert tried.status_code == 200
    assert probed == [
        (
            "sentry",
            {"organization": "banque", "project": "42", "platform": "ios", "token_file": "credential:sentry-2026"},
            {"token_file": SECRET},
        )
    ]
    assert SECRET not in tried.text
    assert 'value="credential:sentry-2026" selected' in tried.text, "kept, so that it need not be pasted again"
    assert db.scalar(select(Source.id).order_by(Source.id.desc()).limit(1)) == before, "a trial saves no source"

    rest = {name: value for name, value in SENTRY.items() if not name.startswith("token_file")}
    saved = web.post(address, data=rest | {"token_file": "credential:sentry-2026", "action": "save", "name": "Sentry"})
    assert (saved.status_code, saved.headers["location"]) == (303, f"/apps/{app}/sources?done=added")
    source = db.scalars(select(Source).order_by(Source.id.desc()).limit(1)).one()
    assert (source.kind, source.channel, source.name) == ("sentry", "app_store", "Sentry")
    assert source.config["token_file"] == "credential:sentry-2026"
    assert [call[0][:2] for call in deferred][-1] == ("collect", f"source:{source.id}")
    kept = db.scalars(select(Credential)).one()
    assert Seal(b"tests").open(kept.sealed) == SECRET
    told = " ".join(str(line.detail) for line in db.scalars(select(Audit)))
    assert "sentry-2026" in told
    assert SECRET not in told


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"organization": ""}, 422, "This is missing."),
        ({"token_file_name": "Sentry 2026"}, 422, "A name: small letters"),
        ({"platform": "windows"}, 422, "platform is ios or android."),
        ({"token_file_secret": ""}, 422, "This is missing."),
        ({"project": "4\x002"}, 422, "holds what cannot be stored"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(
    web: TestClient,
    portfolio: Portfolio,
    db: Session,
    probed: list[Any],
    change: dict[str, str],
    status: int,
    words: str,
) -> None:
    address = f"/apps/{portfolio.apps[0].id}/sources/new"
    answer = web.post(address, data=SENTRY | change | {"action": "save"}, headers={"Accept-Language": "en"})
    assert answer.status_code == status
    assert words in unescape(answer.text)
    assert SECRET not in answer.text
    assert db.scalars(select(Credential)).all() == [], "what could not be saved keeps no key"


def test_keys_are_an_admins(bind: Connection, settings: Settings, portfolio: Portfolio, db: Session) -> None:
    address = f"/apps/{portfolio.apps[0].id}/sources/new"
    app = create_app(bind, replace(settings, sign_in=True, host="0.0.0.0"), Seal(b"tests"))
    app.state.kinds = kinds()
    with signed_in(app, db, make_user(db, "editor")) as client:
        client.headers["Accept-Language"] = "fr"
        assert "token_file_secret" not in client.get(f"{address}?kind=sentry").text
        refused = client.post(address, data=SENTRY | {"action": "save"})
        assert refused.status_code == 403
        assert "Seul un administrateur saisit des clés" in refused.text
    assert db.scalars(select(Credential)).all() == []


def test_what_is_only_told_gets_its_address_once(
    web: TestClient, portfolio: Portfolio, db: Session, probed: list[Any]
) -> None:
    app = portfolio.apps[0].id
    made = web.post(f"/apps/{app}/sources/new", data={"kind": "metrickit", "action": "save"})
    assert made.status_code == 201
    assert made.headers["cache-control"] == "no-store"
    source = db.scalars(select(Source).order_by(Source.id.desc()).limit(1)).one()
    found = re.search(r"http://127\.0\.0\.1:8765(/api/v1/hooks/[\w-]+)", made.text)
    assert found
    assert web.head(found[1]).status_code == 200
    again = web.post(f"/sources/{source.id}/hook")
    assert again.status_code == 201
    assert found[1] not in again.text
    assert web.head(found[1]).status_code == 404, "the earlier address stops working"
    listed = web.get(f"/apps/{app}/sources", headers={"Accept-Language": "en"}).text
    assert "address open, not called yet" in listed
    assert "/api/v1/hooks/" not in listed
    assert [line.action for line in db.scalars(select(Audit))].count("hook.opened") == 2


def test_a_pasted_key_has_a_name_that_replaces_no_other(
    web: TestClient, db: Session, portfolio: Portfolio, probed: list[Any]
) -> None:
    address = f"/apps/{portfolio.apps[0].id}/sources/new"
    assert 'name="token_file_name" type="text" maxlength="60" value="sentry"' in web.get(f"{address}?kind=sentry").text
    assert web.post(address, data=SENTRY | {"token_file_name": "sentry", "action": "save"}).status_code == 303
    assert 'maxlength="60" value="sentry-2"' in web.get(f"{address}?kind=sentry").text


def test_a_desk_that_signs_with_its_own_secret_is_asked_for_it(
    web: TestClient, portfolio: Portfolio, db: Session, probed: list[Any]
) -> None:
    app = portfolio.apps[0]
    config = {"subdomain": "banque", "token_file": "/x"}
    source = Source(app_id=app.id, kind="zendesk", channel="zendesk", name="Zendesk", config=config, rhythm_minutes=15)
    db.add(source)
    db.flush()
    asked = web.post(f"/sources/{source.id}/hook", headers={"Accept-Language": "fr"})
    assert asked.status_code == 422
    assert "Donnez le secret" in asked.text
    made = web.post(f"/sources/{source.id}/hook", data={"secret": "its own secret"})
    assert made.status_code == 201
    assert "its own secret" not in made.text
    assert 'name="secret"' in web.get(f"/apps/{app.id}/sources").text
    assert web.post("/sources/999999/hook").status_code == 404
