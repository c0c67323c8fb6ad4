"""Whatever is asked of the API, it answers as it says it does, and never with a 500."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance
from sqlalchemy import Engine

from app.context import Context
from app.db import transaction
from app.importer import importer
from app.main import create_app
from app.seal import Seal
from app.settings import Settings
from tests.app.conftest import KINDS, TODAY
from tests.app.seed import seed

TYPED = [not_a_server_error, content_type_conformance, response_schema_conformance]


@pytest.fixture(scope="module")
def served(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    """The application on a database of its own, since examples really commit."""
    from sqlalchemy import create_engine

    from tests.conftest import copied_database

    with copied_database(server_url) as url:
        engine: Engine = create_engine(url, connect_args={"options": "-c timezone=UTC"})
        with transaction(engine) as session:
            seed(session, today=TODAY, days=40, daily=2)
        plain = Settings(data=tmp_path_factory.mktemp("data"), secret_key="tests", sign_in=False)
        app = create_app(engine, plain, Seal(b"tests"))
        # Reading a file asks no other machine: the real reader is here, without the HTTP that walks have.
        context = Context(plain, url, engine, Seal(b"tests"), None, http=None)  # type: ignore[arg-type]
        app.state.import_file = importer(context, lambda _: None)
        app.state.kinds = KINDS
        app.state.defer = lambda *_, **__: None
        app.state.find_app = lambda link: {
            "store": "google_play", "app_id": "fr.banque.lien", "name": link[:50], "storefront": None, "lang": "fr",
        }  # fmt: skip
        yield app
        engine.dispose()


@pytest.fixture(scope="module")
def schema(served: FastAPI) -> Any:
    async def as_ours(scope: Any, receive: Any, send: Any) -> None:
        """Schemathesis calls the host testserver, which is no name of ours."""
        if scope["type"] == "http":
            others = [(name, value) for name, value in scope["headers"] if name != b"host"]
            scope = {**scope, "headers": [*others, (b"host", b"127.0.0.1")]}
        await served(scope, receive, send)

    return schemathesis.openapi.from_asgi("/api/v1/openapi.json", as_ours)


lazy = schemathesis.pytest.from_fixture("schema")


@lazy.parametrize()
@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
def test_the_api_keeps_its_word(case: Any) -> None:
    case.call_and_validate(checks=TYPED)


NASTY = (
    "\x00", "a\x00b", "\ud800", "💥" * 600, "\u202e", "' OR 1=1 --", "%", "9" * 400, "-1", "1e9", "0001-01-01",
    "9999-12-31",
    "2026-02-30", "{}", "[]", "null", "NaN", "\\", "a" * 9000, "<!--", '"', "& | !", "(((",
    "a:*",
)  # fmt: skip


@pytest.mark.parametrize("value", NASTY)
def test_nasty_values_in_every_place_are_refused_or_used(served: FastAPI, value: str) -> None:
    from urllib.parse import quote

    from fastapi.testclient import TestClient

    with TestClient(served, base_url="http://127.0.0.1") as client:
        quoted = quote(value.encode("utf-8", "surrogatepass"))
        for path, operations in served.openapi()["paths"].items():
            for method, operation in operations.items():
                filled = path
                for parameter in operation.get("parameters", []):
                    if parameter["in"] == "path":
                        filled = filled.replace(f"{{{parameter['name']}}}", quoted if method == "get" else "1")
                names = [p["name"] for p in operation.get("parameters", []) if p["in"] == "query"]
                real = path.replace("{app_id}", "1").replace("{source_id}", "1").replace("{review_id}", "1")
                for address in (filled, f"{real}?" + "&".join(f"{name}={quoted}" for name in names)):
                    if len(address) > 60_000 or method == "delete":
                        continue
                    content = json.dumps(dict.fromkeys(_fields(served, operation), value)) if method != "get" else None
                    answer = client.request(
                        method, address, content=content, headers={"Content-Type": "application/json"}
                    )
                    assert answer.status_code < 500, (method, address[:200], answer.text[:300])
        for page in ("/apps/1", "/apps/1/reviews", "/incidents", "/inbox", "/login"):
            for name in ("q", "days", "until", "channel", "from", "after", "before", "back", "done", "version"):
                answer = client.get(f"{page}?{name}={quoted}")
                assert answer.status_code < 500, (page, name)


def _fields(app: FastAPI, operation: dict[str, Any]) -> list[str]:
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    references = [body, *body.get("anyOf", [])]
    for reference in references:
        name = reference.get("$ref", "").rpartition("/")[2]
        if name:
            return list(app.openapi()["components"]["schemas"][name].get("properties", {}))
    return []
