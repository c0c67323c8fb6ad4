"""A mock server that nobody here wrote: connexion serves an official OpenAPI file, checks requests, makes answers.

It knows no state and no paging; what it proves is that our requests are what the published description allows, and
that answers made from its schemas and examples are read. Ours beside it (tests/fakes) plays the system's behaviour.
"""

import contextlib
import copy
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import connexion
import uvicorn
from connexion.mock import MockResolver


def who(token: str) -> dict[str, Any] | None:
    """Take any bearer token, with every right to read."""
    return {"sub": token, "scope": ["event:admin", "event:read", "event:write", "org:read", "project:read"]}


def reading_part(spec: dict[str, Any], paths: tuple[str, ...]) -> dict[str, Any]:
    """Cut the description to the GETs of these paths, with tokens that are taken."""
    part = copy.deepcopy({name: value for name, value in spec.items() if name != "paths"})
    part["paths"] = {}
    for number, path in enumerate(paths):
        item = {key: copy.deepcopy(value) for key, value in spec["paths"][path].items() if key in {"get", "parameters"}}
        item["get"]["operationId"] = f"read{number}"
        for parameter in item["get"].get("parameters", []):
            items = parameter.get("schema", {}).get("items", {})
            if "anyOf" in items:  # connexion cannot convert a value that may be of two types: text is one of them
                assert {"type": "string"} in items["anyOf"]
                parameter["schema"]["items"] = {"type": "string"}
        part["paths"][path] = item
    for scheme in part["components"].get("securitySchemes", {}).values():
        if scheme.get("scheme") == "bearer":
            scheme["x-bearerInfoFunc"] = "tests.fakes.official.who"
    part.pop("servers", None)
    return part


@contextlib.contextmanager
def served(spec: dict[str, Any]) -> Iterator[tuple[str, list[tuple[str, int]]]]:
    """Serve a description on loopback; yields its address, and the (path, status) of what was asked."""
    seen: list[tuple[str, int]] = []
    app = connexion.AsyncApp("official")
    app.add_api(json.loads(json.dumps(spec)), resolver=MockResolver(mock_all=True), strict_validation=True)

    async def watched(scope: Any, receive: Any, send: Any) -> None:
        async def told(message: Any) -> None:
            if message["type"] == "http.response.start":
                query = scope.get("query_string", b"").decode()
                seen.append((f"{scope['path']}?{query}", message["status"]))
            await send(message)

        await app(scope, receive, told if scope["type"] == "http" else send)

    config = uvicorn.Config(watched, host="127.0.0.1", port=0, log_level="critical", lifespan="on")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    ends = time.monotonic() + 30
    while not server.started and thread.is_alive() and time.monotonic() < ends:
        thread.join(0.02)
    assert server.started
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}", seen
    finally:
        server.should_exit = True
        thread.join(10)
