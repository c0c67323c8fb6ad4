"""Signed webhooks: verified by the reference library, rotation, and no way into a private network."""

import socket
from base64 import b64encode
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from alerts.channels import post as posting
from alerts.channels.base import DeliveryError, Message
from alerts.channels.post import retry_after
from alerts.channels.registry import opener, webhook_secrets
from alerts.channels.webhook import SignedWebhook
from alerts.outbox import Target
from tests.alerts.receiver import Receiver

OLD, NEW = ("whsec_" + b64encode(letter * 32).decode() for letter in (b"a", b"b"))
MESSAGE = Message(kind="incident.opened", title="Un titre", lead="depuis", app="B", language="fr", data={"at": "x"})


def test_the_reference_library_verifies_both_keys_during_rotation() -> None:
    identity = UUID(int=7)
    with Receiver([204]) as receiver:
        channel = SignedWebhook(receiver.url, [OLD, NEW], allow_private=True)
        assert channel.send(MESSAGE, identity, datetime.now(UTC)).status == 204
    headers = receiver.headers[0]
    for key in (OLD, NEW):
        told = Webhook(key).verify(receiver.raw[0], headers)
        assert (told["type"], told["data"]["title"], headers["webhook-id"]) == (
            "incident.opened",
            "Un titre",
            str(identity),
        )
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + b64encode(b"c" * 32).decode()).verify(receiver.raw[0], headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(OLD).verify(receiver.raw[0] + b" ", headers)


def test_the_timestamp_is_the_databases_and_in_utc() -> None:
    at = datetime(2026, 11, 17, 23, 0, tzinfo=UTC)
    paris = at.astimezone(datetime.now().astimezone().tzinfo)
    with Receiver([200]) as receiver:
        SignedWebhook(receiver.url, [OLD], allow_private=True).send(MESSAGE, uuid4(), paris)
    assert receiver.headers[0]["webhook-timestamp"] == str(int(at.timestamp()))
    expected = Webhook(OLD).sign(receiver.headers[0]["webhook-id"], at, receiver.raw[0].decode())
    assert receiver.headers[0]["webhook-signature"] == expected


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.8",
        "169.254.169.254",
        "192.168.1.1",
        "::1",
        "fe80::1",
        "fd00::1",
        "::ffff:10.0.0.1",
        "2002:a00:8::1",
        "64:ff9b::a00:8",
        "224.0.0.251",
        "ff0e::1",
        "0.0.0.0",
    ],
)
def test_private_addresses_are_refused_before_any_connection(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    answers = [(family, 1, 6, "", (address, 443)), (socket.AF_INET, 1, 6, "", ("93.184.216.34", 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_a, **_k: answers)
    with pytest.raises(DeliveryError, match="private network"):
        SignedWebhook("https://inside.example/x", [OLD]).send(MESSAGE, uuid4(), datetime.now(UTC))


def test_the_connection_goes_to_the_address_that_was_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    with Receiver([200]) as receiver:
        port = receiver.server.server_address[1]
        monkeypatch.setattr(
            posting, "_public_address", lambda host, _port: "127.0.0.1" if host == "hook.example" else ""
        )
        SignedWebhook(f"http://hook.example:{port}/x", [OLD]).send(MESSAGE, uuid4(), datetime.now(UTC))
    assert receiver.headers[0]["host"] == f"hook.example:{port}"


def test_redirects_time_outs_and_half_answers_are_failures() -> None:
    for answer, words in (("hang", "No answer"), ("drop", "connection failed"), (302, "302")):
        patience = 0.5 if answer == "hang" else 20.0
        with Receiver([answer]) as receiver, pytest.raises(DeliveryError, match=words):
            SignedWebhook(receiver.url, [OLD], allow_private=True, timeout=patience).send(
                MESSAGE, uuid4(), datetime.now(UTC)
            )
        assert len(receiver.raw) == 1


def test_retry_after_takes_seconds_and_the_receivers_own_dates() -> None:
    assert retry_after("120") == 120
    assert retry_after("Tue, 17 Nov 2026 08:01:30 GMT", "Tue, 17 Nov 2026 08:00:00 GMT") == 90
    assert retry_after("Tue, 17 Nov 2026 08:01:30 GMT") is None
    assert retry_after("soon", "x") is None


def test_settings_that_cannot_be_used_are_lasting_failures() -> None:
    open_channel = opener(lambda sealed: sealed, lambda: pytest.fail("no transaction"))  # type: ignore[arg-type,return-value]
    for kind, config, sealed in (
        ("pigeon", {}, None),
        ("webhook", {}, OLD),
        ("webhook", {"url": "https://x.example"}, ""),
    ):
        with pytest.raises(DeliveryError) as caught:
            open_channel(Target(1, None, kind, "x", config, sealed))
        assert caught.value.lasting
    assert webhook_secrets(f"{OLD} {NEW}") == webhook_secrets(f'["{OLD}", "{NEW}"]') == [OLD, NEW]
