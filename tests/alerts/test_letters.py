"""A letter of any text is valid everywhere, and only links of ours are live in it."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings

from alerts.channels import apprise, mail, slack, teams
from alerts.channels.base import Line, Message, Section
from alerts.channels.mail import MailSettings
from alerts.channels.slack_bot import compose
from alerts.channels.webhook import payload
from tests.alerts.nasty import LINK, NASTY, PLAIN, message
from tests.alerts.test_teams import validator
from tests.fakes.slack import check_message

OURS = "https://cocoon.example/apps/1/reviews?stars=1&from=2026-11-17"
SETTINGS = MailSettings("127.0.0.1", "cocoon@banque.example", ("a@banque.example",), tls="none")


def letter(text: str) -> Message:
    lines = (
        Line(text, OURS),
        Line(text),
        Line(text, "javascript:alert(1)"),
        Line(text, "https://x.example/<!channel>"),
    )
    return message(text, kind="digest.daily", sections=tuple(Section(text, lines * 4) for _ in range(30)))


def texts(part: Any) -> list[str]:
    """Every text of a body that is shown, wherever it is."""
    if isinstance(part, dict):
        return [
            found
            for name, value in part.items()
            for found in ([value] if name == "text" and isinstance(value, str) else texts(value))
        ]
    return [found for one in part for found in texts(one)] if isinstance(part, list) else []


@given(NASTY)
@settings(max_examples=60, deadline=None)
def test_any_letter_is_valid_in_slack_with_our_links_only(text: str) -> None:
    for body in (slack.render(letter(text)), compose(letter(text))):
        assert check_message(body) == ""
        for said in texts(body):
            for live in re.findall(r"<[^>]*>", said):
                assert live.startswith((f"<{OURS.replace('&', '&amp;')}|", f"<{LINK.replace('&', '&amp;')}|"))
            rest = re.sub(r"<[^>]*>", "", said)
            assert "<" not in rest
            assert "://" not in rest
            assert not re.search(r"[@#]\w", rest)


@given(NASTY)
@settings(max_examples=40, deadline=None)
def test_any_letter_is_a_card_within_its_limit(text: str) -> None:
    body = teams.render(letter(text))
    assert len(json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")) < 28_000
    addresses = re.findall(r'"url": "([^"]*)"', json.dumps(body))
    assert set(addresses) <= {OURS, LINK}


@given(NASTY)
@settings(max_examples=40, deadline=None)
def test_any_letter_is_a_mail(text: str) -> None:
    made = mail.compose(letter(text), SETTINGS, UUID(int=7), datetime(2026, 11, 19, tzinfo=UTC))
    html = made.get_body(("html",))
    plain = made.get_body(("plain",))
    assert html is not None
    assert plain is not None
    assert set(re.findall(r'href="([^"]*)"', html.get_content())) <= {
        OURS.replace("&", "&amp;"),
        LINK.replace("&", "&amp;"),
    }
    assert "<script" not in html.get_content()
    assert "://" not in plain.get_content().replace(LINK, "")
    assert "://" not in apprise.text_of(letter(text))[1].replace(LINK, "")


@pytest.mark.shared
@pytest.mark.parametrize("version", ["1.4.0", "1.5.0"])
def test_a_letter_is_a_card_by_the_published_schema(version: str) -> None:
    for one in (letter("Un avis @channel <b>"), letter("🏦 مرحبا"), replace(PLAIN, sections=letter("a").sections)):
        card = teams.render(one)["attachments"][0]["content"]
        card.pop("msteams")
        assert [error.message[:200] for error in validator(version).iter_errors(card)] == []


def test_a_letter_says_its_sections_in_order_everywhere() -> None:
    sections = (
        Section("Note", (Line("4,1 ± 0,2 ★ sur 212 avis", OURS),)),
        Section("Ce qu’on ne sait pas", (Line("Google Play : données incomplètes, 17 nov."),)),
    )
    one = replace(PLAIN, kind="digest.daily", sections=sections)
    assert Message.from_json(json.loads(json.dumps(one.to_json()))) == one
    text = mail.text_of(one)
    assert f"Note\n- 4,1 ± 0,2 ★ sur 212 avis\n  {OURS}\n\nCe qu’on ne sait pas\n- Google Play" in text
    assert text.index("Note") < text.index("Impossible de me connecter")
    told = [block["text"]["text"] for block in slack.render(one)["blocks"] if block["type"] == "section"]
    assert told[1] == f"*Note*\n• <{OURS.replace('&', '&amp;')}|4,1 ± 0,2 ★ sur 212 avis>"
    assert payload(one)["data"]["sections"][0] == {  # type: ignore[index]
        "title": "Note", "lines": [{"text": "4,1 ± 0,2 ★ sur 212 avis", "link": OURS}],
    }  # fmt: skip
    assert "sections" not in payload(PLAIN)["data"]  # type: ignore[operator]
