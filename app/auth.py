"""Who may ask what. On loopback nobody needs a key; anywhere else the API needs one and pages a cookie got with one.

Two guards stand in front of both, because a browser on this machine can be made to call us by any web page: the Host
header must be a name of ours (DNS rebinding), and whatever changes something must come from our own origin (CSRF).
"""

import hashlib
import hmac
import secrets
import time
from collections.abc import Sequence
from typing import Literal
from urllib.parse import urlsplit

from fastapi import Request
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.db import transaction
from app.errors import Problem
from app.seal import Seal
from app.settings import Settings
from models.people import ApiKey, Audit

Right = Literal["read", "write"]
RIGHTS: tuple[Right, ...] = ("read", "write")
COOKIE = "cocoon_session"
COOKIE_SECONDS = 14 * 24 * 3600
PREFIX = "cck_"
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
OPEN_PATHS = frozenset({"/healthz", "/readyz", "/login", "/preferences", "/api/v1/slack/actions"})

SIGNED_PATHS = "/api/v1/hooks/"
"""What other systems call: their signature is their right."""

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def create_key(session: Session, name: str, scopes: Sequence[str]) -> str:
    """Make a key and return it; this is the only time that it can be read. Raises ValueError on an unknown scope."""
    unknown = [scope for scope in scopes if scope not in RIGHTS]
    if unknown or not scopes:
        raise ValueError(f"Scopes are {' and '.join(RIGHTS)}, not {', '.join(unknown) or 'none'}.")
    key = PREFIX + secrets.token_urlsafe(32)
    session.add(ApiKey(name=name, prefix=key[:12], hash=_hash(key), scopes=sorted(set(scopes))))
    session.add(Audit(actor="cli", action="key.created", detail={"name": name, "scopes": sorted(set(scopes))}))
    session.flush()
    return key


def find_key(session: Session, key: str) -> ApiKey | None:
    """The key's row, if it exists and was not revoked; its last use is noted at most once a minute."""
    if not key.startswith(PREFIX) or not key.isascii():
        return None
    # 256 random bits need no slow hash, and a lookup by hash tells a stranger nothing
    found = session.scalar(select(ApiKey).where(ApiKey.hash == _hash(key), ApiKey.revoked_at.is_(None)))
    if found is not None:
        stale = ApiKey.last_used_at.is_(None) | (
            ApiKey.last_used_at < func.now() - func.make_interval(0, 0, 0, 0, 0, 1)
        )
        session.execute(update(ApiKey).where(ApiKey.id == found.id, stale).values(last_used_at=func.now()))
    return found


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def sign_cookie(seal: Seal, key_id: int, now: float | None = None) -> str:
    """A cookie that names a key and until when; it dies with the key."""
    plain = f"{key_id}.{int((now or time.time()) + COOKIE_SECONDS)}"
    return f"{plain}.{_signature(seal, plain)}"


def read_cookie(seal: Seal, cookie: str, now: float | None = None) -> int | None:
    """The id of the key that a cookie names, or None when it is forged or too old."""
    plain, _, signature = cookie.rpartition(".")
    if not signature.isascii() or not hmac.compare_digest(_signature(seal, plain), signature):
        return None
    key_id, _, until = plain.partition(".")
    return int(key_id) if int(until) > (now or time.time()) else None


def _signature(seal: Seal, plain: str) -> str:
    return hmac.new(seal.derive("cookie"), plain.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def asks_for_keys(settings: Settings) -> bool:
    """Whether others can reach us: we listen beyond loopback, or a proxy serves us under a public address."""
    public = urlsplit(settings.public_url).hostname if settings.public_url else None
    return not settings.loopback_only or (public is not None and public not in LOOPBACK)


def require_rights(request: Request) -> None:
    """Let a request through, or raise Problem 401 or 403; `request.state.actor` then names who asks."""
    settings: Settings = request.app.state.settings
    request.state.actor = "local"
    if not asks_for_keys(settings) or request.url.path in OPEN_PATHS or request.url.path.startswith(SIGNED_PATHS):
        return
    right: Right = "read" if request.method in SAFE else "write"
    key = _key_of(request)
    if key is None:
        if request.url.path.startswith("/api/"):
            raise Problem(
                401,
                "This needs a key: send the header “Authorization: Bearer cck_…”. Make one with “cocoon key create”.",
                headers={"WWW-Authenticate": "Bearer"},
            )
        raise Problem(401, "Sign in first.")
    if right not in key.scopes:
        raise Problem(403, f"This key may not {right}: make one with the scope “{right}”.")
    request.state.actor = key.name


def _key_of(request: Request) -> ApiKey | None:
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    with transaction(request.app.state.bind) as session:
        if scheme.lower() == "bearer":
            return find_key(session, bearer.strip())
        cookie = request.cookies.get(COOKIE)
        key_id = read_cookie(request.app.state.seal, cookie) if cookie else None
        if key_id is None:
            return None
        return session.scalar(select(ApiKey).where(ApiKey.id == key_id, ApiKey.revoked_at.is_(None)))


class Guard:
    """The guards before every route, and the security headers on every answer."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app, self.settings = app, settings
        self._ours = LOOPBACK | ({urlsplit(settings.public_url).hostname or ""} if settings.public_url else set())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                named = scope["path"].startswith("/static/") and scope["query_string"]  # by the hash of its content
                headers.setdefault("Cache-Control", "max-age=31536000, immutable" if named else "no-store")
            await send(message)

        refusal = self._refusal(scope)
        if refusal is not None:
            body = {"type": "about:blank", "title": "Forbidden", "status": 403, "detail": refusal, "errors": []}
            await JSONResponse(body, 403, media_type="application/problem+json")(scope, receive, with_headers)
            return
        await self.app(scope, receive, with_headers)

    def _refusal(self, scope: Scope) -> str | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        name = _hostname(f"//{host}")
        if self.settings.loopback_only and name not in self._ours:
            return "This name is not one of Cocoon's: open it as 127.0.0.1, or set COCOON_BASE_URL to the name you use."
        if scope["method"] in SAFE or headers.get("authorization", "").lower().startswith("bearer "):
            return None
        site, origin = headers.get("sec-fetch-site"), headers.get("origin")
        foreign = "This change was asked for by another site's page, so it was refused."
        if site is not None and site not in {"same-origin", "none"}:
            return foreign
        if origin is not None and not self._own_origin(origin, host):
            return foreign
        return None

    def _own_origin(self, origin: str, host: str) -> bool:
        return urlsplit(origin).netloc == host or origin.rstrip("/") == self._base_origin

    @property
    def _base_origin(self) -> str:
        parts = urlsplit(self.settings.base_url)
        return f"{parts.scheme}://{parts.netloc}"


def _hostname(address: str) -> str:
    try:
        return (urlsplit(address).hostname or "").rstrip(".")
    except ValueError:
        return ""
