"""A Google service account: its key file, and the access tokens that it is exchanged for.

Source: Google Identity, "Using OAuth 2.0 for Server to Server Applications" (the grant is RFC 7523).
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlencode

from cryptography.hazmat.primitives.asymmetric import rsa

from collectors.access import Key, json_object, private_key, read_key_file, reworded, safe_url, said, signed
from collectors.base import Probe, SourceError
from collectors.http import Walk
from collectors.values import sound

TOKEN_URI = "https://oauth2.googleapis.com/token"  # noqa: S105  an address
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LIFETIME = 3600
RENEWED = 120


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """Who asks: the account's address, its key, and where the key is exchanged for a token."""

    email: str
    key_id: str
    token_uri: str
    key: Key = field(repr=False)


def read_service_account(path: str) -> ServiceAccount:
    """Read the JSON key file of a service account. Raises SourceError(refused) with a sentence that names the file."""
    content = read_key_file(path)
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        document = None
    told = document if isinstance(document, dict) else {}
    email, pem = sound(told.get("client_email")), sound(told.get("private_key"))
    if told.get("type") != "service_account" or not email or not pem:
        raise SourceError(
            f"The file {path} is not the JSON key of a service account (Google Cloud, IAM, Service accounts, Keys).",
            "refused",
        )
    uri = safe_url(sound(told.get("token_uri")) or TOKEN_URI, f"token_uri of {path}")
    return ServiceAccount(
        email, sound(told.get("private_key_id")), uri, private_key(pem.encode(), path, rsa.RSAPrivateKey)
    )


class GoogleToken:
    """An access token for one scope, renewed two minutes before the end that Google names."""

    def __init__(self, account: ServiceAccount, scope: str, clock: Callable[[], float] = time.time) -> None:
        self._account = account
        self._scope = scope
        self._clock = clock
        self._text = ""
        self._ends = 0.0

    def bearer(self, walk: Walk) -> str:
        """Return a token that is still good for two minutes at least. Raises SourceError."""
        now = self._clock()
        if not self._text or now > self._ends - RENEWED:
            self._text, lasting = self._exchange(walk, int(now))
            self._ends = now + lasting
        return self._text

    def drop(self) -> None:
        """Ask for a new token at the next request."""
        self._text = ""

    def probe(self, walk: Walk, name: str) -> Probe:
        """Exchange the key for a token: the first thing that can be wrong."""
        try:
            self.bearer(walk)
        except SourceError as error:
            return Probe(name, False, error.message)
        return Probe(name, True, f"Google accepts the key of {self._account.email}.")

    def probe_both(self, walk: Walk, key_name: str, name: str, ask: Callable[[], str]) -> list[Probe]:
        """Exchange the key, then ask for what it is to read: two rights, told apart. `ask` says what it may read."""
        key = self.probe(walk, key_name)
        if not key.works:
            return [key]
        try:
            return [key, Probe(name, True, ask())]
        except SourceError as error:
            return [key, Probe(name, False, error.message)]

    def _exchange(self, walk: Walk, now: int) -> tuple[str, float]:
        """Exchange a signed claim for a token; returns it with its life in seconds."""
        account = self._account
        claims = {
            "iss": account.email,
            "scope": self._scope,
            "aud": account.token_uri,
            "iat": now,
            "exp": now + LIFETIME,
        }
        form = urlencode({"grant_type": GRANT, "assertion": signed(claims, account.key, account.key_id)}).encode()
        try:
            answer = walk.post(
                account.token_uri, content=form, headers={"content-type": "application/x-www-form-urlencoded"}
            )
        except SourceError as error:
            raise _explained(error, account.email) from error
        document = json_object(answer)
        token, lasting = document.get("access_token"), document.get("expires_in")
        if not isinstance(token, str) or not token:
            raise SourceError("Google's token address answered without a token.", "format")
        return token, float(lasting) if type(lasting) is int and lasting > 0 else float(LIFETIME)


def _explained(error: SourceError, email: str) -> SourceError:
    """Say why Google gives no token."""
    code, reason = said(error, "error"), said(error, "error_description")
    if error.status in {400, 401, 403} and code:
        if "signature" in reason.lower():
            text = f"Google does not accept the key of {email} any more: it was deleted or replaced; make a new one."
        elif "not found" in reason.lower():
            text = f"Google does not know the service account {email}: it was deleted or its file is wrong."
        elif "iat" in reason or "exp" in reason or "short-lived" in reason:
            text = "Google finds the time of the request wrong: set this machine's clock."
        else:
            text = f"Google gives the service account {email} no token ({code}): check its key file."
        return reworded(error, text, "refused")
    return error
