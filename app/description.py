"""The OpenAPI description, with what FastAPI cannot know: how callers say who they are, and what a GET may answer."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

SCHEMES = {
    "key": {"type": "http", "scheme": "bearer", "description": "an API key: cck_…"},
    "keyAsPassword": {"type": "http", "scheme": "basic", "description": "any name, and an API key as the password"},
    "session": {"type": "apiKey", "in": "cookie", "name": "cocoon_session", "description": "somebody signed in"},
}
OPEN = ("/api/v1/hooks/",)
"""Where the other system's signature is its right."""


def describe(app: FastAPI) -> dict[str, Any]:
    """The description, made once."""
    if app.openapi_schema is None:
        made = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        made["components"]["securitySchemes"] = SCHEMES
        made["security"] = [{name: []} for name in SCHEMES]
        for path, operations in made["paths"].items():
            for method, operation in operations.items():
                if path.startswith(OPEN):
                    operation["security"] = []
                if method == "get" and "application/json" in operation["responses"]["200"].get("content", {}):
                    unchanged = "Not changed since the answer whose ETag `If-None-Match` names"
                    operation["responses"]["304"] = {"description": unchanged}
        app.openapi_schema = made
    return app.openapi_schema
