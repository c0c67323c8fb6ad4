"""Errors that pages show: every sentence has its French, and strangers are told nothing of the database."""

import ast
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import create_engine

from app.auth import OPEN
from app.main import create_app
from app.reasons import catalogue, in_french
from app.seal import Seal
from app.settings import Settings
from tests.app.seed import Portfolio

APP = Path(__file__).resolve().parents[2] / "app"
NO_PAGE = {"survey_import.py", "slack_clicks.py", "slack_actions.py", "hooks.py", "training.py"}
"""Told on the command line, or to programs alone."""


def told(path: Path) -> set[str]:
    """The sentences of every Problem without a key of its own, their values as {}."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Problem"):
            continue
        if len(node.args) < 2 or any(keyword.arg == "key" for keyword in node.keywords):
            continue
        words = node.args[1]
        if isinstance(words, ast.Constant):
            found.add(str(words.value))
        elif isinstance(words, ast.JoinedStr):
            parts = [str(part.value) if isinstance(part, ast.Constant) else "{}" for part in words.values]
            if any(part != "{}" and part.strip(" .") for part in parts):
                found.add("".join(parts))
    return found


def test_every_error_has_its_french() -> None:
    missing = {
        (path.name, sentence)
        for path in sorted(APP.rglob("*.py"))
        if path.name not in NO_PAGE
        for sentence in told(path)
        if (said := sentence.replace("{}", "7")) and in_french(said) == said
    }
    assert not missing, "its French goes into app/locales/problems_fr.yaml"
    assert len([1 for english in catalogue() if "There is no such" in english]) > 5


REFUSALS = {"DeliveryError", "SlackError", "ValueError"}
FORMS = (
    *(f"alerts/channels/{name}.py" for name in ("apprise", "mail", "post", "slack_api", "slack_bot", "webhook")),
    "alerts/quiet.py", "app/digests.py", "collectors/links.py", "collectors/survey_plan.py",
    *(f"collectors/{name}.py" for name in ("app_store_connect", "app_store_lookup", "play_format", "sentry")),
    *(f"collectors/{name}.py" for name in ("typeform", "qualtrics", "surveymonkey", "intercom", "zoho_desk")),
    *(f"collectors/{name}.py" for name in ("crashlytics_bigquery", "crashlytics_api", "play_console_bucket")),
    *(f"collectors/{name}.py" for name in ("zendesk", "access")),
)  # fmt: skip
FOR_PROGRAMS = {"Slack named an address for the picture that is not its own."}


def refused(path: Path) -> set[str]:
    """What is raised as the words for a refused field, link or delivery, values as {}."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not (isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and isinstance(node.exc.func, ast.Name)):
            continue
        kinds = REFUSALS | ({"SourceError"} if path.name == "links.py" else set())
        if node.exc.func.id not in kinds or not node.exc.args:
            continue
        words = node.exc.args[0]
        parts = words.values if isinstance(words, ast.JoinedStr) else [words]
        found.add("".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in parts))
    return {sentence for sentence in found if " " in sentence} - FOR_PROGRAMS


@pytest.mark.parametrize("name", FORMS)
def test_what_a_form_or_a_delivery_is_refused_for_has_its_french(name: str) -> None:
    sentences = refused(APP.parent / name)
    assert sentences
    missing = {one for one in sentences if in_french(one.replace("{}", "7")) == one.replace("{}", "7")}
    assert not missing, "its French goes into app/locales/reasons_fr.yaml"


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/apps/424242", "Cette application n’existe pas."),
        ("/nothing", "Il n’y a rien à l’adresse /nothing"),
        ("/incidents/00000000-0000-4000-8000-000000000000", "Cet incident n’existe pas."),
    ],
)
def test_a_french_page_errs_in_french(web: TestClient, portfolio: Portfolio, path: str, words: str) -> None:
    assert words in web.get(path, headers={"Accept-Language": "fr"}).text


def test_a_form_errs_in_french(web: TestClient, portfolio: Portfolio) -> None:
    form = {"link": "https://apps.apple.com/fr/app/x/id1", "name": portfolio.apps[0].name, "storefronts": ["xyz1"]}
    answer = web.post("/setup", data=form, headers={"Accept-Language": "fr"})
    assert answer.status_code == 422
    assert "Un pays s’écrit en deux lettres" in answer.text


def test_strangers_learn_nothing_of_the_database(settings: Settings) -> None:
    engine = create_engine(
        "postgresql+psycopg://somebody:hush@127.0.0.1:9/secrets", connect_args={"connect_timeout": 2}
    )
    with TestClient(create_app(engine, settings, Seal(b"tests")), base_url="http://127.0.0.1:8765") as client:
        answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"ready": False, "database": "no answer"})


def test_what_breaks_says_so_and_shows_nothing_of_the_inside(application: FastAPI) -> None:
    def broken() -> None:
        raise RuntimeError("secret inside")

    for path in ("/broken", "/api/v1/broken"):
        application.get(path, dependencies=[OPEN])(broken)
    with TestClient(application, base_url="http://127.0.0.1:8765", raise_server_exceptions=False) as client:
        page = client.get("/broken", headers={"Accept-Language": "fr"})
        told = client.get("/api/v1/broken")
    assert (page.status_code, told.status_code) == (500, 500)
    assert "Quelque chose s’est cassé de notre côté" in page.text
    assert told.headers["content-type"] == "application/problem+json"
    assert "secret inside" not in page.text + told.text
