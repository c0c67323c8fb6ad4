"""The long tail: what apprise is handed, and what is said where it is not installed."""

import re
import sys
from datetime import UTC, datetime
from types import ModuleType, SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given, settings

from alerts.channels.apprise import Apprise, text_of
from alerts.channels.base import DeliveryError
from tests.alerts.nasty import LINK, NASTY, PLAIN, message
from tests.alerts.receiver import Receiver


def send(url: str, *, allow_private: bool = False) -> int:
    return Apprise(url, allow_private=allow_private).send(PLAIN, uuid4(), datetime.now(UTC)).status


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A stand-in for apprise, which is an optional part: `forms` of its one service, and what it was `handed`."""
    state = SimpleNamespace(forms=("{schema}://{token}/{targets}",), works=True, handed=[])

    class Sender:
        @staticmethod
        def instantiate(url: str, **_: Any) -> Any:
            known = url.startswith("tail://")
            return SimpleNamespace(service_name="Tail", templates=state.forms) if known else None

        def __init__(self, **_: Any) -> None:
            pass

        def add(self, service: Any) -> None:
            state.service = service

        def notify(self, **what: Any) -> bool:
            state.handed.append(what)
            return bool(state.works)

    fake = ModuleType("apprise")
    fake.Apprise, fake.AppriseAsset = Sender, lambda **_: None  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "apprise", fake)
    return state


def test_without_apprise_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(DeliveryError, match=r'pip install "cocoon\[apprise\]"') as caught:
        send("tail://token/x")
    assert caught.value.lasting


def test_title_text_and_kind_are_handed_over(library: SimpleNamespace) -> None:
    assert send("tail://token/x") == 200
    (handed,) = library.handed
    assert handed["title"] == "Banque Mésange : 4,4 → 3,6 ★ sur 212 avis en 3 jours"
    assert handed["body"].split("\n\n") == [
        "Depuis mardi 17 nov., surtout la version 7.2.",
        "« Impossible de me connecter »\n★☆☆☆☆ · 7.2 · Google Play · mardi 17 nov.",
        "Sans changement réel…",
        "Voir l’incident\nhttps://cocoon.example/incidents/1",
    ]
    assert (handed["notify_type"], handed["body_format"]) == ("failure", "text")


def test_a_failure_is_tried_again(library: SimpleNamespace) -> None:
    library.works = False
    with pytest.raises(DeliveryError) as caught:
        send("tail://token/x")
    assert not caught.value.lasting


@pytest.mark.parametrize("form", ["{schema}://{host}:{port}", "{schema}://{user}@{domain}", "{schema}://"])
def test_a_host_of_ones_own_needs_leave(library: SimpleNamespace, form: str) -> None:
    library.forms = ("{schema}://{token}", form)
    with pytest.raises(DeliveryError, match="COCOON_ALLOW_PRIVATE_WEBHOOKS") as caught:
        send("tail://token/x")
    assert caught.value.lasting
    assert library.handed == []
    assert send("tail://token/x", allow_private=True) == 200


def test_an_address_that_apprise_does_not_know_is_lasting_and_not_told(library: SimpleNamespace) -> None:
    with pytest.raises(DeliveryError) as caught:
        send("nowhere://s3cret")
    assert caught.value.lasting
    assert "s3cret" not in str(caught.value)


@given(NASTY)
@settings(max_examples=100, deadline=None)
def test_any_text_is_short_and_nothing_in_it_is_live_but_our_link(text: str) -> None:
    title, body = text_of(message(text))
    assert 1 <= len(title) <= 200
    assert "\n" not in title
    assert 1 <= len(body) <= 8_000
    assert body.count("://") == body.count(LINK) == 1
    rest = f"{title}\n{body.replace(LINK, '')}"
    assert not re.search(r"[@#]\S", rest.replace("\u2060", " "))
    assert not re.search(r"\w\.(com|example|je|fr)\b", rest)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # its markdown library's, on Python 3.11
def test_the_real_apprise_delivers_and_is_guarded() -> None:
    pytest.importorskip("apprise", reason="apprise is an optional part and not installed here")
    with Receiver([200]) as receiver:
        url = receiver.url.replace("http://", "json://")
        with pytest.raises(DeliveryError, match="host of your own"):
            send(url)
        assert receiver.raw == []
        assert send(url, allow_private=True) == 200
    assert receiver.bodies[0]["title"] == PLAIN.title
    with pytest.raises(DeliveryError, match="does not know"):
        send("nowhere://token")
