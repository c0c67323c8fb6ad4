"""Calls signed as their systems sign them, written from the systems' own descriptions."""

import base64
import hashlib
import hmac
import time
from datetime import UTC, datetime

from standardwebhooks import Webhook


def typeform(secret: str, body: bytes) -> dict[str, str]:
    digest = hmac.new(secret.encode(), body, hashlib.sha256).digest()
    return {"Typeform-Signature": "sha256=" + base64.b64encode(digest).decode()}


def zendesk(secret: str, body: bytes, at: str = "") -> dict[str, str]:
    at = at or datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    digest = hmac.new(secret.encode(), at.encode() + body, hashlib.sha256).digest()
    return {
        "X-Zendesk-Webhook-Signature": base64.b64encode(digest).decode(),
        "X-Zendesk-Webhook-Signature-Timestamp": at,
    }


def intercom(secret: str, body: bytes) -> dict[str, str]:
    return {"X-Hub-Signature": "sha1=" + hmac.new(secret.encode(), body, hashlib.sha1).hexdigest()}


def standard(secret: str, body: bytes, name: str = "msg_1", at: float = 0) -> dict[str, str]:
    """By the reference library, so that ours is held against an independent one."""
    moment = datetime.fromtimestamp(at or time.time(), UTC)
    signature = Webhook(secret).sign(name, moment, body.decode())
    return {"webhook-id": name, "webhook-timestamp": str(int(moment.timestamp())), "webhook-signature": signature}
