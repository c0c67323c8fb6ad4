"""The guards before every route, and the security headers on every answer.

A browser can be made to call us by any web page: the Host header must be a name of ours (DNS rebinding), and whatever
changes something must come from our own origin (CSRF). With a session's cookie the browser must say so; a form
without a token is as safe as one with, and none can be forgotten.
"""

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.settings import LOOPBACK, Settings

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

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
HSTS = "max-age=31536000"
"""Only where people come by https, and without subdomains: those are not ours to decide."""

_FOREIGN = "This change was asked for by another site's page, so it was refused."
_UNSAID = "Your browser does not say which page asked for this change (Origin), so it was refused."


class Guard:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp, settings: Settings, cookie: str) -> None:
        self.app, self.settings, self.cookie = app, settings, cookie
        self._ours = LOOPBACK | ({urlsplit(settings.public_url).hostname or ""} if settings.public_url else set())
        self._headers = dict(HEADERS)
        if settings.base_url.startswith("https://"):
            self._headers["Strict-Transport-Security"] = HSTS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
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
        if site is not None and site not in {"same-origin", "none"}:
            return _FOREIGN
        if origin is not None and not self._own_origin(origin, host):
            return _FOREIGN
        if site is None and origin is None and f"{self.cookie}=" in headers.get("cookie", ""):
            return _UNSAID
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
