"""Any text is a valid mail with the headers that we meant, and nothing of a reviewer's becomes live."""

import contextlib
import email
import re
import socket
import threading
import time
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import default
from html.parser import HTMLParser
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings

import alerts.channels.mail as mail_module
from alerts.channels.base import DeliveryError, Receipt
from alerts.channels.mail import Mail, MailSettings, compose
from tests.alerts.mail_server import MailServer
from tests.alerts.nasty import LINK, NASTY, PLAIN, message

NOW = datetime(2026, 11, 19, 21, tzinfo=UTC)
SETTINGS = MailSettings("127.0.0.1", "cocoon@banque.example", ("a@banque.example", "b@banque.example"), tls="none")


def read(raw: bytes) -> EmailMessage:
    parsed = email.message_from_bytes(raw, policy=default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def part(mail: EmailMessage, kind: str) -> str:
    found = mail.get_body((kind,))
    assert found is not None
    return str(found.get_content())


class Seen(HTMLParser):
    """What a reader sees, and what would be live."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self.tags, self.links = "", set[str](), list[str]()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.text += "\n"
        self.links += [value or "" for name, value in attrs if name in {"href", "src", "background", "action"}]

    def handle_data(self, data: str) -> None:
        self.text += data


@given(NASTY)
@settings(max_examples=150, deadline=None)
def test_any_text_is_a_mail_with_our_headers_and_one_live_link_ours(text: str) -> None:
    raw = compose(message(text), SETTINGS, uuid4(), NOW).as_bytes()
    assert max(map(len, raw.split(b"\r\n"))) <= 998  # RFC 5322 §2.1.1
    mail = read(raw)
    assert sorted(mail.keys()) == sorted(
        ["Subject", "From", "To", "Date", "Message-ID", "Auto-Submitted", "References", "MIME-Version", "Content-Type"]
    )
    assert [a.addr_spec for a in mail["To"].addresses] == list(SETTINGS.to)
    assert 1 <= len(mail["Subject"]) <= 200
    assert not mail.defects
    assert [p.get_content_type() for p in mail.walk()] == ["multipart/alternative", "text/plain", "text/html"]
    seen = Seen(part(mail, "html"))
    assert seen.links == [LINK]
    assert seen.tags <= {"html", "head", "meta", "title", "body", "h1", "p", "blockquote", "br", "small", "a"}
    plain = part(mail, "plain")
    assert plain.count(LINK) == 1
    for shown in (seen.text, plain.replace(LINK, ""), mail["Subject"]):
        assert "://" not in shown
        assert "\u202e" not in shown
        assert not re.search(r"@\S", shown.replace("\u2060", " "))
        assert not re.search(r"\w\.(com|example|je|fr)\b", shown)


def test_the_mail_says_the_fact_then_the_rest() -> None:
    number = UUID(int=7)
    mail = compose(PLAIN, SETTINGS, number, NOW)
    assert mail["Subject"] == "Banque Mésange : 4,4 → 3,6 ★ sur 212 avis en 3 jours"
    assert mail["Message-ID"] == f"<{number}@banque.example>"
    assert mail["References"] == f"<incident.{PLAIN.incident_id}@banque.example>"
    assert part(mail, "plain").splitlines() == [
        "Banque Mésange : 4,4 → 3,6 ★ sur 212 avis en 3 jours",
        "",
        "Depuis mardi 17 nov., surtout la version 7.2.",
        "",
        "« Impossible de me connecter »",
        "  ★☆☆☆☆ · 7.2 · Google Play · mardi 17 nov.",
        "",
        "Sans changement réel…",
        "",
        "Voir l’incident",
        "https://cocoon.example/incidents/1",
    ]


def test_the_chart_comes_inside_the_mail() -> None:
    mail = compose(PLAIN, SETTINGS, UUID(int=7), NOW, b"\x89PNG chart")
    assert [p.get_content_type() for p in mail.walk()] == [
        "multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png",
    ]  # fmt: skip
    picture = next(p for p in mail.walk() if p.get_content_type() == "image/png")
    assert picture.get_content() == b"\x89PNG chart"
    html = part(mail, "html")
    assert f'src="cid:{picture["Content-ID"].strip("<>")}"' in html
    assert f'alt="{PLAIN.title}"' in html


def test_a_chart_that_cannot_be_drawn_is_left_out_and_said() -> None:
    def broken(_incident: UUID, _language: str) -> bytes:
        raise RuntimeError("no ink")

    with MailServer() as server:
        mail = MailSettings.read({**SETTINGS.to_config(), "port": server.port, "tls": "none"})
        receipt = Mail(mail, "", allow_private=True, picture=broken).send(PLAIN, UUID(int=7), NOW)
    assert "no ink" in receipt.note
    assert len(server.mails) == 1


def test_a_server_that_drips_its_greeting_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_module, "LONGEST", 0.5)
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as dripping:

        def drip() -> None:
            talk, _ = dripping.accept()
            with talk, contextlib.suppress(OSError):
                while not ended.wait(0.05):
                    talk.sendall(b"2")

        thread = threading.Thread(target=drip)
        thread.start()
        settings = MailSettings.read({**SETTINGS.to_config(), "port": dripping.getsockname()[1], "tls": "none"})
        begun = time.monotonic()
        with pytest.raises(DeliveryError) as caught:
            Mail(settings, "", allow_private=True).send(PLAIN, UUID(int=7), NOW)
        ended.set()
        thread.join()
    assert not caught.value.lasting
    assert time.monotonic() - begun < 8


def send(server: MailServer, password: str = "", **changed: Any) -> Receipt:
    config = {**SETTINGS.to_config(), "port": server.port, **changed}
    return Mail(MailSettings.read(config), password, allow_private=True).send(PLAIN, UUID(int=7), NOW)


def test_a_mail_arrives_whole_and_a_repeat_has_the_same_id() -> None:
    with MailServer(login=("ada", "s3cret")) as server:
        assert send(server, "s3cret", user="ada").status == 250
        send(server, "s3cret", user="ada")
    assert server.recipients == [list(SETTINGS.to)] * 2
    first, again = map(read, server.mails)
    assert first["Message-ID"] == again["Message-ID"] == f"<{UUID(int=7)}@banque.example>"
    assert "Impossible de me connecter" in part(first, "plain")


def test_some_refused_recipients_are_named_and_the_others_told_once() -> None:
    with MailServer(refused=("a@banque.example",)) as server:
        assert send(server).answer == "refused: a@banque.example"
    assert server.recipients == [["b@banque.example"]]


@pytest.mark.parametrize(
    ("answers", "lasting"),
    [
        ({"CONNECT": "421 too busy"}, False),
        ({"DATA": "451 later"}, False),
        ({"DATA": "554 no"}, True),
        ({"RCPT": "550 no such box"}, True),
        ({"RCPT": "450 box is busy"}, False),
        ({"MAIL": "530 log in first"}, True),
    ],
)
def test_what_may_pass_is_told_from_what_will_not(answers: dict[str, str], lasting: bool) -> None:
    with MailServer(answers) as server, pytest.raises(DeliveryError) as caught:
        send(server)
    assert caught.value.lasting is lasting
    assert next(iter(answers.values()))[4:] in str(caught.value)
    assert server.mails == []


def test_a_wrong_password_is_lasting_and_never_told() -> None:
    with MailServer(login=("ada", "right")) as server, pytest.raises(DeliveryError) as caught:
        send(server, "wr0ng", user="ada")
    assert caught.value.lasting
    assert "wr0ng" not in str(caught.value)


def test_a_password_needs_encryption() -> None:
    with MailServer() as server, pytest.raises(DeliveryError, match="STARTTLS") as caught:
        send(server, "s3cret", user="ada", tls="starttls")  # the server offers none
    assert caught.value.lasting
    assert not [command for command in server.commands if command.startswith("AUTH")]


def test_a_server_that_is_away_is_tried_again() -> None:
    with MailServer() as server:
        port = server.port
    with pytest.raises(DeliveryError) as caught:
        Mail(MailSettings.read({**SETTINGS.to_config(), "port": port}), "", allow_private=True).send(
            PLAIN, UUID(int=7), NOW
        )
    assert not caught.value.lasting


def test_a_port_that_is_not_for_mail_needs_leave() -> None:
    with pytest.raises(DeliveryError, match="listen on 25, 465, 587, 2525"):
        Mail(MailSettings.read({**SETTINGS.to_config(), "port": 5432}), "")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"host": "smtp.example\r\nQUIT"}, "mail server is a name"),
        ({"host": ""}, "mail server is a name"),
        ({"port": "many"}, "port is a number"),
        ({"port": 70_000}, "port is a number"),
        ({"tls": "maybe"}, "one of starttls"),
        ({"to": []}, "1 to 50 recipients"),
        ({"to": ["a@b.fr"] * 51}, "1 to 50 recipients"),
        ({"to": ["a@b.fr\r\nBcc: x@y.fr"]}, "not an e-mail address"),
        ({"to": "Ada <a@b.fr>"}, "not an e-mail address"),
        ({"to": ["a@b.fr>, <c@d.fr"]}, "not an e-mail address"),
        ({"from": "cocoon"}, "not an e-mail address"),
        ({"from": ""}, "not an e-mail address"),
        ({"from": "é@b.fr"}, "not an e-mail address"),
    ],
)
def test_wrong_settings_are_named(changed: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        MailSettings.read({**SETTINGS.to_config(), **changed})


def test_settings_survive_the_database() -> None:
    assert MailSettings.read(SETTINGS.to_config()) == SETTINGS
    assert MailSettings.read({"host": "smtp.b.fr", "from": "c@b.fr", "to": "a@b.fr, d@b.fr", "tls": "ssl"}) == (
        MailSettings("smtp.b.fr", "c@b.fr", ("a@b.fr", "d@b.fr"), 465, "ssl")
    )
