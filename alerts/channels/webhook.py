"""Signed webhooks after Standard Webhooks 1.0.0 (standardwebhooks.com): headers webhook-id, -timestamp, -signature."""

import json
from datetime import UTC, datetime
from uuid import UUID

from standardwebhooks import Webhook

from alerts.channels.base import DeliveryError, Message, Receipt
from alerts.channels.post import TIMEOUT, post


class SignedWebhook:
    """Posts {type, timestamp, data}; the id stays the same over retries, so that a receiver can drop a repeat.

    `secrets` are whsec_… keys: all of them sign, so that a receiver can move from the old one to the new one.
    """

    pace = 0.0

    def __init__(self, url: str, secrets: list[str], *, allow_private: bool = False, timeout: float = TIMEOUT) -> None:
        self._url, self._guarded, self._timeout = url, not allow_private, timeout
        try:
            self._signers = [Webhook(secret) for secret in secrets]
        except Exception as error:
            raise DeliveryError("The signing secret is not a whsec_… key.", lasting=True) from error
        if not self._signers:
            raise DeliveryError("A signed webhook needs a secret (whsec_…).", lasting=True)

    def send(self, message: Message, delivery_id: UUID, at: datetime) -> Receipt:
        """Sign and post."""
        body, headers = signed(self._signers, message, delivery_id, at)
        return post(self._url, body.encode(), headers, guarded=self._guarded, timeout=self._timeout)


def signed(signers: list[Webhook], message: Message, delivery_id: UUID, at: datetime) -> tuple[str, dict[str, str]]:
    """Return the body and its headers. The same message gives the same body; only timestamp and signatures move."""
    at = at.astimezone(UTC)
    body = json.dumps(payload(message), ensure_ascii=False, separators=(",", ":"))
    body = body.encode("utf-8", "replace").decode()  # a lone surrogate has no bytes
    return body, {
        "webhook-id": str(delivery_id),
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signer.sign(str(delivery_id), at, body) for signer in signers),
    }


def payload(message: Message) -> dict[str, object]:
    """Return what a receiver reads: the words for people and the same fact for machines."""
    return {
        "type": message.kind,
        "timestamp": message.data.get("at"),
        "data": {
            "incident_id": message.incident_id,
            "app": message.app,
            "severity": message.severity,
            "language": message.language,
            "title": message.title,
            "lead": message.lead,
            "chance": message.chance,
            "link": message.link,
            "quotes": [
                {"text": q.text, "stars": q.stars, "version": q.version, "where": q.where, "day": q.day}
                for q in message.quotes
            ],
            **(
                {
                    "sections": [
                        {"title": s.title, "lines": [{"text": one.text, "link": one.link} for one in s.lines]}
                        for s in message.sections
                    ]
                }
                if message.sections
                else {}
            ),
            **{key: value for key, value in message.data.items() if key != "at"},
        },
    }
