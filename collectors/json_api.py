"""A JSON API with a key: requests that carry it, renew it once where it is refused, and say in words what is wrong."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from collectors.access import json_object
from collectors.base import SourceError
from collectors.http import Answer, Walk


class Right(Protocol):
    """What a request shows as its right."""

    def headers(self, walk: Walk) -> dict[str, str]:
        """The headers that carry it."""
        ...

    def drop(self) -> None:
        """Forget what can be renewed: the source no longer takes it."""
        ...


class HeaderKey:
    """A key from a file that a person made in the source's settings, in the header that the source wants."""

    def __init__(self, content: bytes, name: str = "Authorization", form: str = "Bearer {}") -> None:
        text = content.decode("utf-8", "replace").strip()
        if not text or any(not 32 < ord(character) < 127 for character in text):
            raise SourceError("The file of the key holds something else than one key.", "refused")
        self._headers = {name: form.format(text)}

    def headers(self, walk: Walk) -> dict[str, str]:
        """The key."""
        return dict(self._headers)

    def drop(self) -> None:
        """Nothing can renew it: the next request is refused, and says so."""


class JsonApi:
    """The requests of one walk to one base address; never to another, whatever an answer leads to."""

    def __init__(self, walk: Walk, base: str, right: Right, explain: Callable[[SourceError], SourceError]) -> None:
        self._walk = walk
        self._base = base
        self._right = right
        self._explain = explain

    def get(self, path: str, params: Mapping[str, str] | None = None) -> dict[str, Any]:
        """GET a JSON object. Raises SourceError."""
        return json_object(self.raw("GET", path, params))

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """POST a question that only reads, as JSON. Raises SourceError."""
        return json_object(self.raw("POST", path, None, json.dumps(body).encode()))

    def raw(
        self, method: str, path: str, params: Mapping[str, str] | None = None, content: bytes | None = None
    ) -> Answer:
        """The answer as it came. Raises SourceError."""
        for last in (False, True):
            headers = {"Accept": "application/json"} | self._right.headers(self._walk)
            try:
                if method == "GET":
                    return self._walk.get(self._base + path, params=params, headers=headers)
                headers["Content-Type"] = "application/json"
                return self._walk.post(self._base + path, content=content or b"", params=params, headers=headers)
            except SourceError as error:
                if error.status != 401 or last:
                    raise self._explain(error) from error
                self._right.drop()
        raise AssertionError("the loop returns or raises")
