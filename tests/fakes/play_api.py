"""A stateful Google Play Developer API with its token address, over real HTTP on loopback.

Tokens expire by `clock`; the list shows the last seven days before `now` only. Requests and answers are kept, so that
a test can hold them against Google's own discovery document.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.fakes.connect import pem, verified
from tests.fakes.stores import FakeStore, Fault, Request, Review

SCOPE = "https://www.googleapis.com/auth/androidpublisher"
Answered = tuple[int, list[tuple[str, str]], bytes]
JSON = [("content-type", "application/json; charset=UTF-8")]
# One for all fakes: making an RSA key takes a tenth of a second.
KEY = rsa.generate_private_key(65537, 2048)


@dataclass
class PlayApiReview(Review):
    language: str | None = "fr"
    original: str | None = None
    code: int | None = 720
    device: str | None = "a52q"
    level: int | None = 34
    extra: dict[str, Any] = field(default_factory=dict)


def refusal(status: int, state: str, reason: str, message: str = "No.") -> Answered:
    told = {"message": message, "domain": "global", "reason": reason}
    document = {"error": {"code": status, "message": message, "errors": [told], "status": state}}
    return status, JSON, json.dumps(document).encode()


class FakePlayApi(FakeStore):
    """One app's list of reviews. `forbidden` is the reason of a 403, `grant_error` that of a refused key."""

    scope = SCOPE

    def __init__(self, app_id: str = "com.example.bank", now: datetime | None = None) -> None:
        super().__init__()
        self.app_id = app_id
        self.email = "cocoon@example-project.iam.gserviceaccount.com"
        self.key = KEY
        self.now = now or datetime.now(UTC)
        self.clock: Callable[[], float] = time.time
        self.life = 3599
        self.tokens: dict[str, float] = {}
        self.forbidden = ""
        self.grant_error: dict[str, str] | None = None
        self.circle = False
        self.change: Callable[[dict[str, Any]], None] = lambda document: None
        self.answers: list[tuple[Request, Answered]] = []
        self.tracks: list[dict[str, Any]] = []
        self.edits: set[str] = set()

    def key_file(self) -> str:
        document = {
            "type": "service_account",
            "project_id": "example-project",
            "private_key_id": "k1",
            "private_key": pem(self.key),
            "client_email": self.email,
            "token_uri": f"{self.url}/token",
        }
        return json.dumps(document)

    def respond(self, request: Request, fault: Fault | None) -> Answered:
        if urlsplit(request.path).path == "/token":
            return self._grant(request)
        answered = self.answer(request)
        self.answers.append((request, answered))
        return answered

    def answer(self, request: Request) -> Answered:
        """Answer anything but a request for a token."""
        return self._list(request)

    def _grant(self, request: Request) -> Answered:
        assert request.method == "POST"
        form = {name: values[0] for name, values in parse_qs(request.body).items()}
        assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
        if self.grant_error is not None:
            return 400, JSON, json.dumps(self.grant_error).encode()
        try:
            head, claims = verified(form["assertion"], self.key.public_key())
        except (InvalidSignature, ValueError):
            wrong = {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}
            return 400, JSON, json.dumps(wrong).encode()
        assert head == {"alg": "RS256", "typ": "JWT", "kid": "k1"}
        assert (claims["iss"], claims["scope"], claims["aud"]) == (self.email, self.scope, f"{self.url}/token")
        assert 0 < claims["exp"] - claims["iat"] <= 3600
        token = f"ya29.{len(self.tokens)}"
        self.tokens[token] = self.clock() + self.life
        told = {"access_token": token, "expires_in": self.life, "token_type": "Bearer"}
        return 200, JSON, json.dumps(told).encode()

    def unknown(self, request: Request) -> Answered | None:
        """The refusal of a request without a token that is good now."""
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if self.tokens.get(token, 0.0) <= self.clock():
            return refusal(401, "UNAUTHENTICATED", "authError", "Invalid Credentials")
        return None

    def _list(self, request: Request) -> Answered:
        parts = urlsplit(request.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if refused := self.unknown(request):
            return refused
        if self.forbidden:
            return refusal(403, "PERMISSION_DENIED", self.forbidden, "The caller does not have permission " + "x" * 400)
        place = f"/androidpublisher/v3/applications/{self.app_id}/"
        if parts.path.startswith(f"{place}edits"):
            return self._edit(request, parts.path.removeprefix(f"{place}edits").strip("/").split("/"))
        if parts.path != f"{place}reviews":
            return refusal(404, "NOT_FOUND", "applicationNotFound", "Package not found")
        size, place = int(query.get("maxResults", "10")), query.get("token")
        if place is not None and not place.isdigit():
            return refusal(400, "INVALID_ARGUMENT", "invalid", "Invalid pagination token")
        begin = int(place or 0)
        rows = [one for one in self.reviews if one.written_at > self.now - timedelta(days=7)]
        shown = rows[begin : begin + size]
        # Google leaves out what is empty.
        document: dict[str, Any] = {"reviews": [self._review(one) for one in shown]} if shown else {}
        if begin + size < len(rows) or self.circle:
            document["tokenPagination"] = {"nextPageToken": str((begin + size) % max(1, len(rows)))}
        self.change(document)
        return 200, JSON, json.dumps(document).encode()

    def _edit(self, request: Request, place: list[str]) -> Answered:
        """Edits: made, read and deleted; one that is gone is not found."""
        if request.method == "POST" and place == [""]:
            assert json.loads(request.body) == {}
            edit = f"0{len(self.answers)}83"
            self.edits.add(edit)
            return 200, JSON, json.dumps({"id": edit, "expiryTimeSeconds": "1795435200"}).encode()
        if place[0] not in self.edits:
            return refusal(404, "NOT_FOUND", "editNotFound", "No edit")
        if request.method == "DELETE" and len(place) == 1:
            self.edits.remove(place[0])
            return 204, [], b""
        assert (request.method, place[1:]) == ("GET", ["tracks"])
        document = {"kind": "androidpublisher#tracksListResponse", "tracks": self.tracks}
        return 200, JSON, json.dumps(document).encode()

    def _review(self, row: Review) -> dict[str, Any]:
        assert isinstance(row, PlayApiReview)
        user: dict[str, Any] = {
            "text": f"{row.title}\t{row.body}",
            "lastModified": {"seconds": str(int(row.written_at.timestamp())), "nanos": 713_000_000},
            "starRating": row.stars,
            "reviewerLanguage": row.language,
            "device": row.device,
            "androidOsVersion": row.level,
            "appVersionCode": row.code,
            "appVersionName": row.version,
            "thumbsUpCount": row.thumbs,
            "thumbsDownCount": 1,
            "originalText": row.original,
            "deviceMetadata": {"productName": "a52q (Galaxy A52)", "manufacturer": "Samsung", "ramMb": 6144},
            **row.extra,
        }
        comments: list[dict[str, Any]] = [
            {"userComment": {name: value for name, value in user.items() if value is not None}}
        ]
        if row.reply is not None:
            assert row.replied_at is not None
            modified = {"seconds": str(int(row.replied_at.timestamp())), "nanos": 0}
            comments.append({"developerComment": {"text": row.reply, "lastModified": modified}})
        return {"reviewId": row.id, "authorName": row.author, "comments": comments}
