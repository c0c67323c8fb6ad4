"""Any text gives a valid Slack message, and nothing of a reviewer's becomes live."""

import json
import re
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from alerts.channels.base import DeliveryError, Message, Quote
from alerts.channels.slack import SlackWebhook, render
from tests.alerts.receiver import Receiver

NASTY = st.one_of(
    st.text(max_size=400),
    st.text(alphabet=st.characters(), max_size=200),
    st.sampled_from(
        [
            "<!channel> <!here> <@U123> <#C1|x> <https://evil.example|cliquez>",
            "@here @channel @everyone #general www.evil.example evil.com/path http://evil.example mailto:a@b.fr",
            "& < > &amp; &lt; " * 40,
            "🏦" * 20_000,
            "a" * 20_000,
            "<" * 20_000,
            "\u202eabc\u202c مرحبا שלום",
            "`code` ```block``` *gras* _it_ ~s~",
            "ligne\n\n> citation\n\x00\x07fin",
            "nul.je déteste",
            "\ud800 seul",
            "",
            " \n ",
        ]
    ),
)


def message(text: str, **changed: object) -> Message:
    fields: dict[str, object] = {
        "kind": "incident.opened",
        "title": text,
        "lead": text,
        "app": text,
        "language": "fr",
        "quotes": tuple(Quote(text, 1, text[:20], "Google Play", "mardi 17 nov.") for _ in range(4)),
        "chance": text,
        "trend": text[:100],
        "link": "https://cocoon.example/incidents/1?a=1&b=2",
        "link_text": text,
    }
    return Message(**(fields | changed))  # type: ignore[arg-type]


@given(NASTY)
@example("http://evil.example <!channel> @here")
@settings(max_examples=150, deadline=None)
def test_any_text_is_a_valid_message_with_one_live_link_ours(text: str) -> None:
    body = render(message(text))
    json.dumps(body).encode()
    blocks = body["blocks"]
    assert 1 <= len(blocks) <= 50
    assert 1 <= len(body["text"]) <= 40_000
    assert blocks[0]["type"] == "header"
    assert 1 <= len(blocks[0]["text"]["text"]) <= 150
    assert "\n" not in blocks[0]["text"]["text"]
    mrkdwn = [body["text"]]
    for block in blocks[1:]:
        assert block["type"] in {"section", "context"}
        parts = [block["text"]] if block["type"] == "section" else block["elements"]
        assert 1 <= len(parts) <= 10
        for part in parts:
            assert part["type"] == "mrkdwn"
            assert part["verbatim"] is True
            assert 1 <= len(part["text"]) <= 3_000
            mrkdwn.append(part["text"])
    everything = "\n".join([*mrkdwn, blocks[0]["text"]["text"]])
    live = re.findall(r"<[^>]*>", everything)
    assert len(live) == 2  # the fallback text and the blocks each hold our link, and nothing else in brackets
    for link in live:
        assert link.startswith("<https://cocoon.example/incidents/1?a=1&amp;b=2|")
    rest = re.sub(r"<[^>]*>", "", everything)
    assert "<" not in rest
    assert ">" not in rest.replace("\n> ", "\n").removeprefix("> ")
    assert not re.search(r"&(?!amp;|lt;|gt;)", rest)
    assert "://" not in rest
    assert not re.search(r"[@#]\S", rest.replace("\u2060", " "))
    assert not re.search(r"\w\.(com|example|je|fr)\b", rest)
    assert "\u202e" not in rest
    assert "`" not in rest


@given(st.text(min_size=1, max_size=40))
@settings(max_examples=50, deadline=None)
def test_only_a_plain_web_address_becomes_the_link(words: str) -> None:
    for address in ("javascript:alert(1)", "https://x.example/<!channel>", "https://x.example/a|b", ""):
        assert not re.findall(r"<[^>]*>", str(render(message(words, link=address))["blocks"]))


def test_the_message_says_the_fact_then_the_rest_and_nothing_else() -> None:
    body = render(
        Message(
            kind="incident.opened",
            title="Banque Mésange : 4,4 → 3,6 ★ sur 212 avis en 3 jours",
            lead="Depuis mardi 17 nov., surtout la version 7.2.",
            app="Banque Mésange",
            language="fr",
            quotes=(Quote("Impossible de me connecter", 1, "7.2", "Google Play", "mardi 17 nov."),),
            chance="Sans changement réel…",
            link="https://cocoon.example/incidents/1",
            link_text="Voir l’incident",
        )
    )
    texts = [b["text"]["text"] for b in body["blocks"][:3]]
    assert texts == [
        "Banque Mésange : 4,4 → 3,6 ★ sur 212 avis en 3 jours",
        "Depuis mardi 17 nov., surtout la version 7.2.",
        "> Impossible de me connecter\n> ★☆☆☆☆ · 7.2 · Google Play · mardi 17 nov.",
    ]
    assert [e["text"] for e in body["blocks"][3]["elements"]] == [
        "Sans changement réel…",
        "<https://cocoon.example/incidents/1|Voir l’incident>",
    ]
    assert len(body["blocks"]) == 4


def send(receiver: Receiver) -> int:
    channel = SlackWebhook(receiver.url, allow_private=True, timeout=20.0)
    return channel.send(message("bonjour"), uuid4(), datetime.now(UTC)).status


def test_refused_blocks_are_sent_again_as_plain_text() -> None:
    with Receiver([400, 200]) as receiver:
        assert send(receiver) == 200
    assert "blocks" in receiver.bodies[0]
    assert "blocks" not in receiver.bodies[1]
    assert receiver.bodies[1]["text"] == receiver.bodies[0]["text"]


@pytest.mark.parametrize(("status", "gone"), [(403, True), (404, True), (410, True), (500, False), (302, False)])
def test_slacks_permanent_answers_are_told_apart(status: int, gone: bool) -> None:
    with Receiver([status]) as receiver, pytest.raises(DeliveryError) as caught:
        send(receiver)
    assert caught.value.gone is gone
    assert len(receiver.bodies) == 1


def test_retry_after_is_read() -> None:
    with Receiver([429], headers={"Retry-After": "77"}) as receiver, pytest.raises(DeliveryError) as caught:
        send(receiver)
    assert caught.value.retry_after == 77
