"""A file that is sent by the page or by a program: the same import as by the command, within limits that are said."""

import json
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx import Response
from sqlalchemy import func, select

from app import importer, uploads
from app.context import Context
from app.importing import import_file
from app.main import create_app
from app.seal import Seal
from app.sessions import cookie_name, open_session
from app.setup import find_or_make_app
from models.feedback import Verbatim
from models.incidents import Delivery
from models.people import Audit, User
from models.sources import Source
from tests.app.people import BASE, bearer, make_user
from tests.walks.test_importing import ROWS

FRENCH = {"Accept-Language": "fr"}


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where uploads wait; empty when nothing is read."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


class Site:
    """The web application with an app, and who comes."""

    def __init__(self, context: Context) -> None:
        self.context, self.followed = context, []
        self.application = create_app(context.engine, replace(context.settings, host="0.0.0.0"), Seal(b"tests"))
        self.application.state.import_file = importer.importer(context, self.followed.append, seconds=120.0)
        with context.transaction() as session:
            self.app = find_or_make_app(session, "Banque").id
            self.user = make_user(session, "editor")
            self.viewer = make_user(session, "viewer")
            self.key = bearer(session, "read", "write")

    def page(self, **given: Any) -> Response:
        """What the form's answer is, for an editor."""
        with self.browser(self.user) as web:
            return self.send(web, f"/apps/{self.app}/sources/import", **given)

    def browser(self, user: User) -> TestClient:
        """Where this person is signed in."""
        with self.context.transaction() as session:
            token = open_session(session, user, self.context.settings, way="password", agent="tests")
        cookies = {cookie_name(self.context.settings): token}
        return TestClient(self.application, base_url=BASE, headers={"Origin": BASE}, cookies=cookies)

    def api(self, **given: Any) -> Response:
        with TestClient(self.application, base_url=BASE) as web:
            return self.send(web, f"/api/v1/apps/{self.app}/imports", headers=self.key, **given)

    def send(
        self, web: TestClient, path: str, *, words: str = ROWS, name: str = "avis.csv", headers: Any = None, **form: str
    ) -> Response:
        return web.post(
            path, data=form, files={"file": (name, words.encode(), "text/csv")}, headers={**FRENCH, **(headers or {})}
        )

    def count(self, what: Any) -> int:
        with self.context.transaction() as session:
            return session.scalar(select(func.count()).select_from(what)) or 0


@pytest.fixture
def site(context: Context, folders: Path) -> Iterator[Site]:
    made = Site(context)
    yield made
    assert not list(folders.glob("cocoon-upload-*")), "an upload was left on the disk"


def plain(text: str) -> str:
    return unescape(text).replace("\u202f", " ").replace("\xa0", " ")


def test_a_file_is_imported_by_the_page_as_by_the_command(site: Site, tmp_path: Path) -> None:
    told = plain(site.page(channel="app_store").text)
    assert "22 avis de « avis.csv » sont entrés." in told
    assert "<dt>Mises de côté</dt><dd>3</dd>" in told
    assert "2 · colonne 'note' : les étoiles … ne sont pas entre 1 et 5" in told
    assert f'href="/apps/{site.app}/sources#s' in told
    assert site.count(Delivery) == 0
    assert site.followed == [site.app]
    path = tmp_path / "avis.csv"
    path.write_text(ROWS, encoding="utf-8")
    again = import_file(site.context, path, "Banque", channel="app_store")
    assert (again.stored, again.already_there, again.quarantined) == (0, 22, 3)
    with site.context.transaction() as session:
        source = session.scalars(select(Source)).one()
        (line,) = session.scalars(select(Audit).where(Audit.action == "source.imported")).all()
        assert line.actor == site.user.email
        assert (line.detail["file"], line.detail["channel"], line.detail["app"]) == ("avis.csv", "app_store", site.app)
    assert (source.name, source.channel) == ("avis.csv", "app_store")


def test_columns_are_shown_before_anything_is_stored(site: Site) -> None:
    told = plain(site.page(action="check", map="note=-").text)
    assert "Voici comment « avis.csv » serait lu." in told
    assert "<code>body</code>" in told
    assert "laissée de côté" in told
    assert (site.count(Verbatim), site.count(Source)) == (0, 0)
    site.page(map="note=-")
    with site.context.transaction() as session:
        assert set(session.scalars(select(Verbatim.stars))) == {None}


def test_a_program_imports_too(site: Site) -> None:
    answer = site.api(channel="app_store")
    told = answer.json()
    assert (answer.status_code, told["state"], told["stored"], told["quarantined"]) == (200, "done", 22, 3)
    assert sum(told["reasons"].values()) == 3
    assert {one["column"]: one["field"] for one in told["columns"]}["avis"] == "body"
    assert site.api(channel="app_store").json()["already_there"] == 22
    assert site.api(action="check").json()["stored"] is None


@pytest.mark.parametrize(
    ("given", "status", "said"),
    [
        ({"words": ""}, 422, "est vide"),
        ({"words": "%PDF-1.4 nothing"}, 422, "n’est pas un tableau"),
        ({"map": "note"}, 422, "COLONNE=CHAMP"),
        ({"zone": "Nowhere/Else"}, 422, "Il n’y a pas de fuseau"),
        ({"channel": "survey"}, 422, "se déclarent une à une"),
        ({"channel": "Ça"}, 422, "Un canal est un mot court"),
    ],
)
def test_what_cannot_be_imported_is_said_in_a_sentence(site: Site, given: Any, status: int, said: str) -> None:
    page = site.page(**given)
    assert (page.status_code, site.count(Verbatim)) == (status, 0)
    assert said in plain(page.text)
    assert site.api(**given).headers["content-type"] == "application/problem+json"


def test_what_is_larger_than_we_say_is_refused_while_it_comes(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "LARGEST", 1024 * 1024)
    large = ROWS + "9000000099,2026-11-05 10:00,5,trop long,7.2\n" * 40_000
    assert site.api(words=large).status_code == 413
    assert "1 Mo" in plain(site.page(words=large).text)

    def pieces() -> Iterator[bytes]:  # without a Content-Length
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
        for _ in range(3_000):
            yield b"5,bien\n" * 100

    with TestClient(site.application, base_url=BASE) as web:
        kind = {"Content-Type": "multipart/form-data; boundary=x"}
        path = f"/api/v1/apps/{site.app}/imports"
        assert web.post(path, content=pieces(), headers={**site.key, **kind}).status_code == 413
        assert web.post(path, content=b"{}", headers=site.key).status_code == 415
        assert web.post(path, data={"channel": "x"}, files={"other": b"x"}, headers=site.key).status_code == 422
    assert site.count(Verbatim) == 0


def test_nobody_sends_files_without_end(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MOST", 2)
    answers = [site.api(action="check") for _ in range(3)]
    assert [one.status_code for one in answers] == [200, 200, 429]
    assert int(answers[2].headers["Retry-After"]) > 0
    assert site.page(action="check").status_code == 200  # each for himself


def test_only_editors_send_files_and_only_from_our_own_pages(site: Site) -> None:
    with site.context.transaction() as session:
        reader = bearer(session, "read", name="reader")
    with TestClient(site.application, base_url=BASE) as web:
        path = f"/api/v1/apps/{site.app}/imports"
        assert site.send(web, path, headers=reader).status_code == 403
        assert site.send(web, path).status_code == 401
        assert site.send(web, "/api/v1/apps/424242/imports", headers=site.key).status_code == 404
    with site.browser(site.viewer) as web:
        assert site.send(web, f"/apps/{site.app}/sources/import").status_code == 403
    with site.browser(site.user) as web:
        foreign = site.send(web, f"/apps/{site.app}/sources/import", headers={"Origin": "https://elsewhere.example"})
        assert foreign.status_code == 403
        assert 'enctype="multipart/form-data"' in web.get(f"/apps/{site.app}/sources/import").text
    assert site.count(Verbatim) == 0


def test_a_long_file_goes_on_without_the_one_who_sent_it(site: Site) -> None:
    begun: list[Any] = []
    site.application.state.import_file = importer.importer(site.context, begun.append, seconds=0.0)
    answer = site.api(channel="app_store", words=json.dumps([{"date": "2026-11-01", "note": 5, "avis": "Bien"}]))
    assert (answer.status_code, answer.json()["state"], answer.json()["stored"]) == (202, "running", None)
    for thread in [one for one in threading.enumerate() if one.name == "trial"]:
        thread.join(60)
    assert begun == [site.app]
    assert site.count(Verbatim) == 1
