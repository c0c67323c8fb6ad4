"""ETags on the API's JSON: who asks again with `If-None-Match` gets 304 and no body while nothing has changed.

The tag is of the content (SHA-256), so it is right whatever wrote the data, over several web processes and restarts.
It is weak, since the same answer may travel compressed or not. Streams (CSV, Excel) have none.
"""

import hashlib

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Etags:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http" or scope["method"] != "GET" or not scope["path"].startswith("/api/"):
            await self.app(scope, receive, send)
            return
        asked = Headers(scope=scope).get("if-none-match", "")
        held: list[Message] = []

        async def tagged(message: Message) -> None:
            if message["type"] == "http.response.start":
                kind = Headers(raw=message["headers"]).get("content-type", "")
                if message["status"] == 200 and kind.startswith("application/json"):
                    held.append(message)
                    return
            elif held and message["type"] == "http.response.body":
                start = held.pop()
                if not message.get("more_body", False):
                    start, message = _answer(start, message, asked)
                await send(start)
            await send(message)

        await self.app(scope, receive, tagged)


def _answer(start: Message, body: Message, asked: str) -> tuple[Message, Message]:
    tag = f'W/"{hashlib.sha256(body["body"]).hexdigest()[:32]}"'
    headers = MutableHeaders(raw=list(start["headers"]))
    headers["ETag"] = tag
    headers["Cache-Control"] = "private, no-cache"  # may be kept by who asked, and is asked for again each time
    if not _known(tag, asked):
        return {**start, "headers": headers.raw}, body
    del headers["content-length"]
    del headers["content-type"]
    return {**start, "status": 304, "headers": headers.raw}, {**body, "body": b""}


def _known(tag: str, asked: str) -> bool:
    """Weak comparison (RFC 9110, 13.1.2)."""
    given = [each.strip().removeprefix("W/") for each in asked.split(",")]
    return "*" in given or tag.removeprefix("W/") in given
