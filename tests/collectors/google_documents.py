"""Google's discovery documents as JSON Schema: what our clients send and read is held against them.

They come with the development dependency google-api-python-client, so that these tests need nothing beside the project.
"""

import json
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from jsonschema import Draft202012Validator

from tests.fakes.play_api import Answered
from tests.fakes.stores import Request


@cache
def document(name: str) -> dict[str, Any]:
    """A discovery document, such as "bigquery.v2"."""
    folder = files("googleapiclient.discovery_cache").joinpath("documents")
    found: dict[str, Any] = json.loads(folder.joinpath(f"{name}.json").read_text())
    return found


def _json_schema(part: Any) -> Any:
    """Turn a schema of the document into JSON Schema, closed: known fields only."""
    if isinstance(part, list):
        return [_json_schema(one) for one in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        return {"$ref": f"#/$defs/{part['$ref']}"}
    if part.get("type") == "any":
        return {}
    turned = {name: _json_schema(one) for name, one in part.items() if name in {"type", "items", "enum"}}
    if "properties" in part:
        turned["properties"] = {name: _json_schema(one) for name, one in part["properties"].items()}
        turned["additionalProperties"] = False
    elif isinstance(part.get("additionalProperties"), dict):
        turned["additionalProperties"] = _json_schema(part["additionalProperties"])
    return turned


def check(name: str, schema: str, instance: Any) -> None:
    """Raise ValidationError where an instance is not what the document's schema allows."""
    definitions = {one: _json_schema(told) for one, told in document(name)["schemas"].items()}
    Draft202012Validator({"$ref": f"#/$defs/{schema}", "$defs": definitions}).validate(instance)


def check_call(name: str, method: dict[str, Any], request: Request, answered: Answered, scope: str) -> None:
    """Hold one request and its answer against the document's method."""
    told = document(name)
    status, _, body = answered
    parts = urlsplit(request.path)
    assert request.method == method["httpMethod"]
    assert scope in method["scopes"]
    wanted = ("/" + told["servicePath"] + method["flatPath"]).split("/")
    given = unquote(parts.path).split("/")
    assert len(wanted) == len(given)
    for want, got in zip(wanted, given, strict=True):
        head, brace, tail = want.partition("{")
        assert got == want if not brace else got.startswith(head) and got.endswith(tail.partition("}")[2])
    for key, values in parse_qs(parts.query).items():
        told_of = method["parameters"][key]
        assert told_of["location"] == "query"
        assert len(values) == 1 or told_of.get("repeated")
        for value in values:
            assert told_of["type"] != "integer" or value.lstrip("-").isdigit()
            assert "enum" not in told_of or value in told_of["enum"]
    if "request" in method:
        check(name, method["request"]["$ref"], json.loads(request.body))
    if status == 200:
        check(name, method["response"]["$ref"], json.loads(body))
