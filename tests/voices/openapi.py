"""A server made from an OpenAPI file alone: it refuses what the file does not allow, and answers with its examples.

It knows nothing of our fakes: what they and our collectors might believe together, it does not.
"""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import yaml
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from tests.fakes.stores import FakeStore, Fault, Request
from tests.fakes.surveys import Answered, told


class Described:
    """An OpenAPI document, and whether a request is one that it describes."""

    def __init__(self, path: Path) -> None:
        self.document = yaml.load(path.read_bytes(), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        resource = Resource.from_contents(self.document, default_specification=DRAFT202012)
        self._registry = Registry().with_resource("urn:api", resource)

    def wrong(self, request: Request) -> list[str]:
        """What the document does not allow about a request; nothing where all is well."""
        place, operation = self.operation(request)
        if operation is None:
            return [f"no {request.method} {urlsplit(request.path).path}"]
        found: list[str] = []
        parameters = [self._whole(one) for one in (*place.get("parameters", ()), *operation.get("parameters", ()))]
        known = {one["name"]: one for one in parameters if one["in"] == "query"}
        for name, value in parse_qsl(urlsplit(request.path).query):
            schema = known.get(name, {}).get("schema")
            if schema is None:
                found.append(f"unknown query parameter {name}")
                continue
            given = int(value) if schema.get("type") == "integer" and value.isdigit() else value
            found += self.faults(given, schema)
        for one in parameters:
            if one["in"] == "header" and one["name"].lower() in request.headers:
                found += self.faults(request.headers[one["name"].lower()], one["schema"])
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if content:
            found += self.faults(json.loads(request.body), content["schema"])
        return found

    def operation(self, request: Request) -> tuple[dict[str, Any], dict[str, Any] | None]:
        """The path and the operation that a request means: the one with the fewest placeholders."""
        path = urlsplit(request.path).path
        fits = [
            (template.count("{"), template)
            for template in self.document["paths"]
            if re.fullmatch(re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(template)), path)
        ]
        for _, template in sorted(fits):
            place = self.document["paths"][template]
            if request.method.lower() in place:
                return place, place[request.method.lower()]
        return {}, None

    def faults(self, value: object, schema: dict[str, Any]) -> list[str]:
        """What a schema of the document finds wrong with a value."""
        whole = json.loads(json.dumps(schema).replace('"#/', '"urn:api#/'))
        return [error.message for error in Draft202012Validator(whole, registry=self._registry).iter_errors(value)]

    def _whole(self, parameter: dict[str, Any]) -> dict[str, Any]:
        if "$ref" not in parameter:
            return parameter
        found = self.document
        for step in parameter["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        return found  # type: ignore[no-any-return]


class ExampleServer(FakeStore):
    """Answers each operation with the first example of its success, and 422 with what is wrong."""

    def __init__(self, described: Described) -> None:
        super().__init__()
        self.described = described
        self.refused: list[str] = []

    def respond(self, request: Request, fault: Fault | None) -> Answered:
        if wrong := self.described.wrong(request):
            self.refused += wrong
            return told({"errors": wrong}, 422)
        _, operation = self.described.operation(request)
        assert operation is not None
        content = operation["responses"]["200"]["content"]["application/json"]
        return told(next(iter(content["examples"].values()))["value"])
