"""A client generated from our OpenAPI description asks the main questions of a real server over loopback."""

import importlib
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from sqlalchemy import create_engine

from app.api import xlsx
from app.db import transaction
from app.keys import create_key
from app.main import create_app
from app.seal import Seal
from app.settings import Settings
from tests.app.conftest import TODAY
from tests.app.seed import seed
from tests.conftest import copied_database


@pytest.fixture(scope="module")
def server(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str, Any]]:
    """Its address, a read-only key, and the application."""
    with copied_database(server_url) as url:
        engine = create_engine(url, connect_args={"options": "-c timezone=UTC"})
        with transaction(engine) as session:
            seed(session, today=TODAY, days=60, daily=4)
            key = create_key(session, "client", ["read"])
        app = create_app(engine, Settings(data=tmp_path_factory.mktemp("data"), secret_key="tests"), Seal(b"tests"))
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        running = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", key, app
        running.should_exit = True
        thread.join(10)
        listener.close()
        engine.dispose()


@pytest.fixture(scope="module")
def generated(server: tuple[str, str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of the generated package."""
    folder = tmp_path_factory.mktemp("client")
    description, config = folder / "openapi.json", folder / "config.json"
    description.write_text(json.dumps(server[2].openapi()))
    binary = {xlsx.MIME: "application/octet-stream"}
    config.write_text(json.dumps({"post_hooks": [], "literal_enums": True, "content_type_overrides": binary}))
    made = subprocess.run(
        [
            sys.executable, "-m", "openapi_python_client", "generate", "--path", str(description), "--config",
            str(config), "--output-path", str(folder / "out"), "--meta", "none", "--fail-on-warning",
        ],
        capture_output=True, text=True, timeout=120, cwd=folder,
    )  # fmt: skip
    assert made.returncode == 0, made.stdout + made.stderr
    place = folder / "packages"
    place.mkdir()
    Path(folder / "out").rename(place / "cocoon_generated")
    sys.path.insert(0, str(place))
    yield "cocoon_generated"
    sys.path.remove(str(place))


def test_every_shape_has_a_name_of_its_own(server: tuple[str, str, Any]) -> None:
    """Two models of one name are told apart by their modules, in a way that generators trip over: rename one."""
    assert not [name for name in server[2].openapi()["components"]["schemas"] if "__" in name]


def test_a_generated_client_answers_the_main_questions(server: tuple[str, str, Any], generated: str) -> None:
    base, key, _ = server
    client_of = importlib.import_module(f"{generated}.client").AuthenticatedClient

    def ask(name: str, **values: Any) -> Any:
        return importlib.import_module(f"{generated}.api.{name}").sync_detailed(client=client, **values)

    with client_of(base_url=base, token=key) as client:
        apps = ask("apps.list_apps").parsed.items
        assert [app.name for app in apps] == ["Banque Mésange", "Mésange Jeunes", "Mésange Pro"]
        app = apps[0].id
        trend = ask("trends.star_trend", app_id=app).parsed
        assert sum(bucket.n for bucket in trend.buckets) > 100
        first = ask("reviews.list_reviews", app_id=app, limit=20, stars=["1", "2"]).parsed
        assert {review.stars for review in first.items} <= {1, 2}
        second = ask("reviews.list_reviews", app_id=app, limit=20, stars=["1", "2"], after=first.next_).parsed
        assert not {review.id for review in first.items} & {review.id for review in second.items}
        detail = ask("reviews.get_review", app_id=app, review_id=first.items[0].id).parsed
        assert detail.body == first.items[0].body
        incidents = ask("incidents.list_incidents").parsed.items
        assert ask("incidents.get_incident", incident_id=incidents[0].id).parsed.timeline
        assert ask("trends.list_topics", app_id=app).parsed.items
        assert ask("sources.list_coverage", app_id=app).parsed.items
        assert ask("people.me").parsed.role == "viewer"
        missing = ask("apps.get_app", app_id=424242)
        assert missing.status_code == 404
        refused = ask("people.list_people")
        assert refused.status_code == 403
        assert "admin" in json.loads(refused.content)["detail"]
    with client_of(base_url=base, token="cck_wrong") as client:
        assert ask("apps.list_apps").status_code == 401
