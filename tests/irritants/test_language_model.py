"""The optional language model: a fake over loopback, told masked words only, believed only when it makes sense."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from sqlalchemy import Engine, select

from app.db import transaction
from app.irritants import refresh
from app.language_model import OpenAICompatible, Silent, teller
from app.settings import Settings, SettingsError, read_settings
from app.tell_irritants import tell
from models.apps import App
from models.insight import Irritant, IrritantEvent
from tests.irritants.conftest import LOOP, TODAY, Bench

GOOD_ANSWER = json.dumps(
    {
        "name_fr": "Accès impossible à l’espace client",
        "name_en": "Cannot reach the account",
        "summary_fr": "Ils restent dehors.",
    }
)


class Fake:
    """An OpenAI-compatible server that says what it is told to."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.content: str = GOOD_ANSWER
        self.status = 200
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                fake.asked.append({"path": self.path, "key": self.headers.get("Authorization"), "body": body})
                answer = json.dumps(
                    {
                        "choices": [{"message": {"content": fake.content}}],
                        "usage": {"prompt_tokens": 1000, "completion_tokens": 50},
                    }
                ).encode()
                self.send_response(fake.status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/v1"


@pytest.fixture
def fake() -> Iterator[Fake]:
    made = Fake()
    yield made
    made.server.shutdown()
    made.server.server_close()


def model(fake: Fake) -> OpenAICompatible:
    return OpenAICompatible(fake.url, "small", "sk-secret", price_in=2.0, price_out=4.0)


def test_it_is_told_masked_words_only_and_its_cost_is_counted(fake: Fake) -> None:
    asked = model(fake)
    said = asked.tell(["Mon IBAN FR7630006000011234567890189 est bloqué", "écrivez à jean.dupont@example.com"])
    assert said is not None
    assert said.name.fr == "Accès impossible à l’espace client"
    (call,) = fake.asked
    told = json.dumps(call["body"], ensure_ascii=False)
    assert "FR76" not in told
    assert "jean.dupont" not in told
    assert (call["path"], call["key"]) == ("/v1/chat/completions", "Bearer sk-secret")
    assert (asked.cost.calls, asked.cost.tokens_in, asked.cost.tokens_out) == (1, 1000, 50)
    assert asked.cost.money == pytest.approx(0.0022)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "no JSON here",
        "{",
        "[]",
        '{"name_fr": "x"}',
        '{"name_fr": 3, "name_en": 4}',
        json.dumps({"name_fr": "x" * 99, "name_en": "y"}),
    ],
)
def test_an_odd_answer_is_left_aside(fake: Fake, content: str) -> None:
    fake.content = content
    assert model(fake).tell(["Impossible de me connecter"]) is None


def test_a_fault_is_no_fault_of_ours(fake: Fake) -> None:
    fake.status = 500
    asked = model(fake)
    assert asked.tell(["Impossible"]) is None
    assert asked.cost.failed == 1
    gone = OpenAICompatible("http://127.0.0.1:9/v1", "small")
    assert gone.tell(["Impossible"]) is None


def test_an_answer_in_a_fence_is_read(fake: Fake) -> None:
    fake.content = f"Here it is:\n```json\n{GOOD_ANSWER}\n```"
    assert model(fake).tell(["Impossible"]) is not None


@pytest.fixture
def app_id(own_engine: Engine) -> int:
    with transaction(own_engine) as session:
        app = App(name="Banque")
        session.add(app)
        session.flush()
        bench = Bench(session, app.id)
        bench.calm()
        bench.store([(TODAY, text) for text in LOOP * 4], stars=1, version="7.2", channel="app_store")
        bench.refresh()
        return app.id


def test_it_names_an_irritant_once_and_keeps_the_release(own_engine: Engine, app_id: int, fake: Fake) -> None:
    asked = model(fake)
    assert tell(own_engine, app_id, asked) == 1
    assert tell(own_engine, app_id, asked) == 0
    assert len(fake.asked) == 1
    with transaction(own_engine) as session:
        row = session.scalars(select(Irritant)).one()
        assert row.name_fr == "Accès impossible à l’espace client après la mise à jour 7.2"
        assert row.summary == "Ils restent dehors"
        event = session.scalars(select(IrritantEvent).where(IrritantEvent.kind == "asked_model")).one()
        assert event.detail == {"answered": True, "tokens_in": 1000, "tokens_out": 50, "cost": 0.0022}
        refresh(session, app_id, row.created_at, today=TODAY)
        assert row.name_fr.startswith("Accès impossible")


def test_without_an_answer_our_name_stays(own_engine: Engine, app_id: int, fake: Fake) -> None:
    fake.status = 503
    assert tell(own_engine, app_id, model(fake)) == 0
    with transaction(own_engine) as session:
        assert session.scalars(select(Irritant)).one().name_fr == "Connexion impossible après la mise à jour 7.2"


def test_it_is_off_unless_settings_name_it(own_engine: Engine, app_id: int) -> None:
    assert isinstance(teller(Settings()), Silent)
    assert tell(own_engine, app_id, teller(Settings())) == 0
    named = read_settings(
        {"COCOON_LLM_URL": "http://127.0.0.1:1/v1", "COCOON_LLM_MODEL": "m", "COCOON_LLM_PRICE_IN": "0,5"}
    )
    assert isinstance(teller(named), OpenAICompatible)
    assert named.llm_price_in == 0.5
    with pytest.raises(SettingsError, match="COCOON_LLM_PRICE_OUT"):
        read_settings({"COCOON_LLM_PRICE_OUT": "cheap"})
