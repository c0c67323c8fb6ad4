"""Access with a key: key files, signed tokens (JWT), and requests that renew their token.

A key never leaves this module as text: errors name the file and what to do, never what stands in it.
"""

import base64
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import httpx
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from collectors.base import SourceError
from collectors.http import Answer, Walk
from collectors.pace import LOOPBACK

LARGEST_KEY = 64 * 1024
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


class HeldKey(str):
    """A key that is held in memory in place of a file: as text it is its name only, `content` are its bytes.

    It stands in a setting where a path to a key file stands otherwise.
    """

    content: bytes

    def __new__(cls, name: str, content: bytes) -> "HeldKey":
        """Hold these bytes under this name."""
        held = super().__new__(cls, name)
        held.content = content
        return held

    def __str__(self) -> "HeldKey":
        """Itself, so that str(setting) keeps the bytes."""
        return self


class Token(Protocol):
    """What a request shows as its right; renewed before it expires."""

    def bearer(self, walk: Walk) -> str:
        """Return a token that is still good; raise SourceError(refused) where none is to be had."""
        ...

    def drop(self) -> None:
        """Forget the token: the source no longer takes it."""
        ...


def read_key_file(path: str) -> bytes:
    """Read the file that holds a key, or take the key that is held in its place.

    Raises SourceError(refused) with a sentence that names the file.
    """
    if isinstance(path, HeldKey):
        return path.content
    file = Path(path).expanduser()
    try:
        with file.open("rb") as opened:
            content = opened.read(LARGEST_KEY + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a path"
        raise SourceError(f"The key file {path} cannot be read ({reason}).", "refused") from error
    if not content.strip() or len(content) > LARGEST_KEY:
        raise SourceError(f"The file {path} is empty or too large to be a key.", "refused")
    return content


def private_key(pem: bytes, path: str, kind: type[Key]) -> Key:
    """Load a private key without a password. Raises SourceError(refused) where it is none of this kind."""
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # The cause is not kept: what a parser says of a key may show some of it.
        raise SourceError(f"The file {path} holds no private key that can be read.", "refused") from None
    if not isinstance(key, kind) or (isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name != "secp256r1"):
        raise SourceError(f"The file {path} holds a private key of another kind than this source's.", "refused")
    return key


def signed(claims: Mapping[str, Any], key: Key, key_id: str = "") -> str:
    """Write and sign a JSON Web Token: ES256 with an elliptic key, RS256 with an RSA key (RFC 7515, RFC 7518 3.3, 3.4).

    Every claim goes in as it is; moments are unix seconds.
    """
    elliptic = isinstance(key, ec.EllipticCurvePrivateKey)
    header = {"alg": "ES256" if elliptic else "RS256", "typ": "JWT"} | ({"kid": key_id} if key_id else {})
    text = f"{_part(header)}.{_part(claims)}"
    if isinstance(key, ec.EllipticCurvePrivateKey):
        r, s = decode_dss_signature(key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
        signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    else:
        signature = key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{text}.{_base64(signature)}"


def _part(value: Mapping[str, Any]) -> str:
    return _base64(json.dumps(value, separators=(",", ":")).encode())


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def safe_url(url: str, what: str) -> str:
    """Return the address without a trailing slash; ValueError where a token would cross a network in the clear."""
    try:
        parts = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise ValueError(f"the {what} is not a web address") from error
    if not parts.host or (parts.scheme != "https" and not (parts.scheme == "http" and parts.host in LOOPBACK)):
        raise ValueError(f"the {what} must begin with https://, because a token is sent there")
    return url.rstrip("/")


def get_json(
    walk: Walk,
    url: str,
    token: Token,
    explain: Callable[[SourceError], SourceError],
    params: Mapping[str, str] | None = None,
) -> tuple[dict[str, Any], Answer]:
    """GET a JSON object with a token, which is renewed once where it is no longer taken (401).

    `explain` turns a refusal into the sentence that fits this source. Raises SourceError.
    """
    answer = None
    for last in (False, True):
        shown = {"Authorization": f"Bearer {token.bearer(walk)}", "Accept": "application/json"}
        try:
            answer = walk.get(url, params=params, headers=shown)
            break
        except SourceError as error:
            if error.status != 401 or last:
                raise explain(error) from error
            token.drop()
    assert answer is not None
    return json_object(answer), answer


def post_json(
    walk: Walk, url: str, token: Token, explain: Callable[[SourceError], SourceError], body: Mapping[str, Any]
) -> dict[str, Any]:
    """POST a JSON question that only reads, with a token that is renewed once. Otherwise as `get_json`."""
    content = json.dumps(body).encode()
    for last in (False, True):
        shown = {"Authorization": f"Bearer {token.bearer(walk)}", "Content-Type": "application/json"}
        try:
            return json_object(walk.post(url, content=content, headers=shown))
        except SourceError as error:
            if error.status != 401 or last:
                raise explain(error) from error
            token.drop()
    raise AssertionError("one of the two tries returned or raised")


def json_object(answer: Answer) -> dict[str, Any]:
    """Read an answer as a JSON object. Raises SourceError(format)."""
    try:
        document = json.loads(answer.body)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        host = httpx.URL(answer.url).host
        text = f"{host} sent something else than its JSON (cut off, changed, or a proxy's page)."
        raise SourceError(text, "format", None, host, answer.text[:300])
    return document


def said(error: SourceError, name: str) -> str:
    """Return the first text that the body of a refusal gives under this name; '' where it gives none."""
    found = re.search(rf'"{re.escape(name)}"\s*:\s*"([^"\\]{{1,300}})', error.excerpt)
    return found[1] if found else ""


def refusal(error: SourceError, refused: str, unknown: str = "") -> SourceError:
    """Say in a source's own words that it refuses the key (401, 403) or does not know what was asked for (404).

    Any other fault, and a 404 without words for it, stays as it is.
    """
    if error.status in {401, 403}:
        return reworded(error, refused)
    return reworded(error, unknown) if error.status == 404 and unknown else error


def reworded(error: SourceError, message: str, kind: str | None = None) -> SourceError:
    """Return the same fault in words of the source's own, as another kind of fault where one is given."""
    fault = SourceError(message, error.kind, error.retry_after, error.host, error.excerpt, error.status)
    if kind in {"throttled", "refused", "gone", "format", "unreachable"}:
        fault.kind = kind  # type: ignore[assignment]
    return fault
