"""Who signed a webhook: each system's own scheme, and the age beyond which a signed call is refused.

Sources: Standard Webhooks 1.0.0; Typeform, "Secure your webhooks"; Zendesk, "Verifying webhook authenticity"; Intercom,
"Webhooks: signed notifications".
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

TOLERANCE = timedelta(minutes=5)
Headers = Mapping[str, str]


class RefusedError(Exception):
    """The call cannot be trusted; the message says why, without what it held."""


def checked(scheme: str, secret: str, headers: Headers, body: bytes, now: datetime) -> str:
    """Check a call's signature and age. Returns the sender's id of the event; of one without, the hash of its body.

    `headers` have names in lower case. Raises RefusedError.
    """
    if scheme not in SCHEMES:
        raise RefusedError(f"There is no way of signing called {scheme!r}.")
    if scheme != "token" and not secret:
        raise RefusedError("This address has no secret yet: give it the one that the sender signs with.")
    named = SCHEMES[scheme](secret.encode(), headers, body, now)
    return hashlib.sha256(named.encode() if named else body).hexdigest()


def _standard(secret: bytes, headers: Headers, body: bytes, now: datetime) -> str:
    """webhook-id, webhook-timestamp, webhook-signature: HMAC-SHA-256 of "id.timestamp.body", base64, "v1,…"."""
    name, at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not name or not at.isascii() or not at.isdigit() or len(at) > 12:
        raise RefusedError("The call has no webhook-id or no webhook-timestamp.")
    try:
        key = base64.b64decode(secret.removeprefix(b"whsec_"), validate=True)
    except binascii.Error as error:
        raise RefusedError("The secret of this address is not one of Standard Webhooks (whsec_…).") from error
    _recent(datetime.fromtimestamp(min(int(at), 10**10), UTC), now)
    wanted = "v1," + _base64(key, hashlib.sha256, f"{name}.{at}.".encode() + body)
    _same(wanted, headers.get("webhook-signature", "").split())
    return name


def _typeform(secret: bytes, headers: Headers, body: bytes, now: datetime) -> str:
    """Typeform-Signature: "sha256=" and the base64 of HMAC-SHA-256 of the body. No time is signed, the event id is."""
    _same("sha256=" + _base64(secret, hashlib.sha256, body), [headers.get("typeform-signature", "")])
    return _named(body, "event_id")


def _zendesk(secret: bytes, headers: Headers, body: bytes, now: datetime) -> str:
    """X-Zendesk-Webhook-Signature: base64 of HMAC-SHA-256 of the timestamp's text followed by the body."""
    at = headers.get("x-zendesk-webhook-signature-timestamp", "")
    _same(_base64(secret, hashlib.sha256, at.encode() + body), [headers.get("x-zendesk-webhook-signature", "")])
    try:
        signed_at = datetime.fromisoformat(at)
    except ValueError as error:
        raise RefusedError("The call has no time that can be read.") from error
    _recent(signed_at if signed_at.tzinfo else signed_at.replace(tzinfo=UTC), now)
    return _named(body, "id")


def _intercom(secret: bytes, headers: Headers, body: bytes, now: datetime) -> str:
    """X-Hub-Signature: "sha1=" and the hex of HMAC-SHA-1 of the body, with the app's client secret."""
    _same("sha1=" + hmac.new(secret, body, hashlib.sha1).hexdigest(), [headers.get("x-hub-signature", "")])
    return _named(body, "id")


def _token(secret: bytes, headers: Headers, body: bytes, now: datetime) -> str:
    """Nothing is signed: who knows the address may call it."""
    return ""


SCHEMES: dict[str, Callable[[bytes, Headers, bytes, datetime], str]] = {
    "standard": _standard,
    "typeform": _typeform,
    "zendesk": _zendesk,
    "intercom": _intercom,
    "token": _token,
}


def _base64(key: bytes, digest: Callable[..., Any], content: bytes) -> str:
    return base64.b64encode(hmac.new(key, content, digest).digest()).decode()


def _same(wanted: str, given: list[str]) -> None:
    # Every one is compared, each in constant time: how long it takes tells nothing.
    if not sum(hmac.compare_digest(wanted.encode(), one.encode("utf-8", "replace")) for one in given[:20]):
        raise RefusedError("The signature is missing or is not made with this address's secret.")


def _recent(at: datetime, now: datetime) -> None:
    if abs(now - at) > TOLERANCE:
        raise RefusedError("The call was signed more than five minutes ago (or in the future): a replay, or a clock.")


def _named(body: bytes, name: str) -> str:
    """The text that a JSON body gives under this name; '' where it gives none."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    value = document.get(name) if isinstance(document, dict) else None
    return value if isinstance(value, str) else ""
