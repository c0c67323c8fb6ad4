"""Every route of the application, as it is reached: page, API and what stands beside them."""

from collections.abc import Iterator
from dataclasses import dataclass

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.routing import Mount

from app.auth import Needs, needs_of
from app.guard import SAFE
from tests.app.seed import Portfolio

NOBODY_ID = "00000000-0000-4000-8000-000000000000"


@dataclass(frozen=True)
class Known:
    """One method of one route, and what it declares (None: nothing)."""

    method: str
    path: str
    needs: Needs | None

    def role(self) -> str | None:
        assert self.needs is not None
        return self.needs.read if self.method in SAFE else self.needs.change


def every_route(app: FastAPI) -> Iterator[Known]:
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        if isinstance(route, Mount):  # /static: the same files for everybody
            continue
        for method in sorted(context.methods or ()):
            if method != "HEAD" or context.methods == {"HEAD"}:
                yield Known(method, context.path or "", needs_of(route))


def filled(path: str, portfolio: Portfolio | None = None) -> str:
    """The path with ids of things that exist, so that whoever is let through would see something."""
    incident = str(portfolio.incident.id) if portfolio and portfolio.incident else NOBODY_ID
    app = str(portfolio.apps[0].id) if portfolio else "1"
    values = {"app_id": app, "incident_id": incident, "action": "run", "secret": "x" * 43, "token": "x" * 43}
    parts = [
        values.get(part[1:-1].partition(":")[0], "1") if part.startswith("{") else part for part in path.split("/")
    ]
    return "/".join(parts)
