"""A stateful App Store Connect over real HTTP on loopback: signed tokens, rights, paging, its hourly limit.

Every request and answer is kept, so that a test can hold them against Apple's own OpenAPI document.
"""

import base64
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from tests.fakes.stores import FakeStore, Fault, Request, Review, Status

Answered = tuple[int, list[tuple[str, str]], bytes]


def pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def verified(token: str, key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey) -> tuple[dict[str, Any], dict[str, Any]]:
    """Check a token's signature as RFC 7515 says and return header and claims; InvalidSignature where it is wrong."""
    head, claims, signature = token.split(".")
    raw, text = decoded(signature), f"{head}.{claims}".encode()
    if isinstance(key, rsa.RSAPublicKey):
        key.verify(raw, text, padding.PKCS1v15(), hashes.SHA256())
    else:
        assert len(raw) == 64
        r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
        key.verify(encode_dss_signature(r, s), text, ec.ECDSA(hashes.SHA256()))
    return json.loads(decoded(head)), json.loads(decoded(claims))


@dataclass
class ConnectReview(Review):
    territory: str = "FRA"
    reply_state: str = "PUBLISHED"
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass
class ConnectVersion:
    id: str
    name: str
    created: str
    build: str = "1"
    phased: dict[str, Any] | None = None
    state: str = ""
    notes: tuple[tuple[str, str], ...] = (("en-US", "Fixes."), ("fr-FR", "Corrections."))


def error(status: int, code: str) -> Answered:
    told = {"id": "x", "status": str(status), "code": code, "title": "No.", "detail": "It was refused."}
    return status, [("content-type", "application/json")], json.dumps({"errors": [told]}).encode()


class FakeConnect(FakeStore):
    """One app with reviews and versions. `forbidden` names parts of paths that the key has no right to.

    `places` makes cursors places in the list instead of marks in it, so that deletions shift pages. `told_total`
    replaces the true count, None leaves it out. `rest` counts down with each request when it is set.
    """

    def __init__(self, app_id: str = "123456789") -> None:
        super().__init__()
        self.app_id = app_id
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.key_id, self.issuer_id = "2X9R4HXF34", "57246542-96fe-1a63-e053-0824d011072a"
        self.versions: list[ConnectVersion] = []
        self.forbidden: set[str] = set()
        self.places = False
        self.told_total: int | str | None = "true"
        self.limit, self.rest = 3500, 3000
        self.clock: Callable[[], float] = time.time
        self.answers: list[tuple[Request, Answered]] = []
        self.tokens: set[str] = set()
        self.revoked: set[str] = set()
        self.change: Callable[[dict[str, Any]], None] = lambda document: None

    def respond(self, request: Request, fault: Fault | None) -> Answered:
        answered = self._decide(request)
        self.answers.append((request, answered))
        return answered

    def asked(self, part: str) -> list[Request]:
        return [request for request in self.requests if part in request.path]

    def _decide(self, request: Request) -> Answered:
        parts = urlsplit(request.path)
        query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        if (refusal := self._refused(request)) is not None:
            return refusal
        if any(part in parts.path for part in self.forbidden):
            return error(403, "FORBIDDEN_ERROR")
        self.rest -= 1
        if self.rest < 0:
            return error(429, "RATE_LIMIT_EXCEEDED")
        own = f"/v1/apps/{self.app_id}"
        version = re.fullmatch(r"/v1/appStoreVersions/([^/]+)/customerReviews", parts.path)
        known = {one.id: one for one in self.versions}
        if parts.path == own:
            document: dict[str, Any] = {
                "data": {"type": "apps", "id": self.app_id, "attributes": {"name": "Ma Banque"}},
                "links": {"self": self.url + parts.path},
            }
        elif parts.path == f"{own}/customerReviews":
            document = self._reviews(parts.path, query, self.reviews)
        elif parts.path == f"{own}/appStoreVersions":
            document = self._versions(parts.path, query)
        elif version and version[1] in known:
            rows = [one for one in self.reviews if one.version == known[version[1]].name]
            document = self._reviews(parts.path, query, rows)
        else:
            return error(404, "NOT_FOUND")
        if isinstance(document.get("status"), int):
            return error(400, "PARAMETER_ERROR.INVALID")
        self.change(document)
        headers = [
            ("content-type", "application/json"),
            ("x-rate-limit", f"user-hour-lim:{self.limit};user-hour-rem:{self.rest};"),
        ]
        return 200, headers, json.dumps(document).encode()

    def _refused(self, request: Request) -> Answered | None:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        try:
            head, claims = verified(token, self.key.public_key())
        except (InvalidSignature, ValueError, AssertionError):
            return error(401, "NOT_AUTHORIZED")
        now = self.clock()
        sound = (
            head == {"alg": "ES256", "typ": "JWT", "kid": self.key_id}
            and claims.get("aud") == "appstoreconnect-v1"
            and (claims.get("iss") == self.issuer_id if self.issuer_id else claims.get("sub") == "user")
            and claims["iat"] <= now < claims["exp"]
            and claims["exp"] - claims["iat"] <= 1200
            and token not in self.revoked
        )
        self.tokens.add(token)
        return None if sound else error(401, "NOT_AUTHORIZED")

    def _reviews(self, path: str, query: dict[str, str], rows: list[Review]) -> dict[str, Any]:
        assert query.get("sort", "-createdDate") == "-createdDate"
        if wanted := query.get("filter[territory]"):
            rows = [one for one in rows if isinstance(one, ConnectReview) and one.territory in wanted.split(",")]
        size, cursor = int(query.get("limit", "50")), query.get("cursor")
        begin = 0
        if cursor is not None:
            if not re.fullmatch(r"[0-9.]+\|.+", cursor):
                return {"status": 400}
            mark, _, identity = cursor.partition("|")
            keys = [(one.written_at.timestamp(), one.id) for one in rows]
            begin = int(mark) if self.places else sum(key >= (float(mark), identity) for key in keys)
        shown = rows[begin : begin + size]
        replies = [one for one in shown if one.reply is not None and "response" in query.get("include", "")]
        document: dict[str, Any] = {
            "data": [self._review(one, one in replies) for one in shown],
            "links": {"self": self.url + path},
            "meta": {"paging": {"total": len(rows), "limit": size}},
        }
        if replies:
            document["included"] = [_reply(one) for one in replies]
        if begin + size < len(rows):
            last = shown[-1]
            mark = f"{begin + size}|x" if self.places else f"{last.written_at.timestamp()}|{last.id}"
            document["links"]["next"] = f"https://elsewhere.invalid{path}?cursor={quote(mark)}&limit={size}"
        if self.told_total != "true":
            document["meta"]["paging"]["total"] = self.told_total
            if self.told_total is None:
                del document["meta"]["paging"]["total"]
        return document

    def _review(self, row: Review, replied: bool) -> dict[str, Any]:
        assert isinstance(row, ConnectReview)
        related = {"links": {"self": f"{self.url}/v1/customerReviews/{row.id}/relationships/response"}}
        if replied:
            related = {"data": {"type": "customerReviewResponses", "id": f"answer-{row.id}"}, **related}  # type: ignore[dict-item]
        return {
            "type": "customerReviews",
            "id": row.id,
            "attributes": {
                "rating": row.stars,
                "title": row.title,
                "body": row.body,
                "reviewerNickname": row.author,
                "createdDate": row.written_at.isoformat(timespec="seconds"),
                "territory": row.territory,
                **row.extra,
            },
            "relationships": {"response": related},
            "links": {"self": f"{self.url}/v1/customerReviews/{row.id}"},
        }

    def _versions(self, path: str, query: dict[str, str]) -> dict[str, Any]:
        size, begin = int(query["limit"]), int(query.get("cursor", "0"))
        shown, included = self.versions[begin : begin + size], []
        data = []
        for one in shown:
            keys = [{"type": "appStoreVersionLocalizations", "id": f"{one.id}-{locale}"} for locale, _ in one.notes]
            relations: dict[str, Any] = {
                "appStoreVersionLocalizations": {"data": keys},
                "build": {"data": {"type": "builds", "id": f"build-{one.id}"}},
            }
            for (locale, text), key in zip(one.notes, keys, strict=True):
                included.append({**key, "attributes": {"locale": locale, "whatsNew": text}})
            included.append({"type": "builds", "id": f"build-{one.id}", "attributes": {"version": one.build}})
            if one.phased is not None:
                phase = {"type": "appStoreVersionPhasedReleases", "id": f"phase-{one.id}"}
                relations["appStoreVersionPhasedRelease"] = {"data": phase}
                included.append({**phase, "attributes": one.phased})
            told = {"platform": "IOS", "versionString": one.name, "createdDate": one.created}
            if one.state:
                told["appVersionState"] = one.state
            data.append({"type": "appStoreVersions", "id": one.id, "attributes": told, "relationships": relations})
        document: dict[str, Any] = {
            "data": data,
            "included": included,
            "links": {"self": self.url + path},
            "meta": {"paging": {"total": len(self.versions), "limit": size}},
        }
        if begin + size < len(self.versions):
            document["links"]["next"] = f"{self.url}{path}?cursor={begin + size}"
        return document


def _reply(row: Review) -> dict[str, Any]:
    assert isinstance(row, ConnectReview)
    assert row.replied_at is not None
    return {
        "type": "customerReviewResponses",
        "id": f"answer-{row.id}",
        "attributes": {
            "responseBody": row.reply,
            "lastModifiedDate": row.replied_at.isoformat(),
            "state": row.reply_state,
        },
        "relationships": {"review": {"data": {"type": "customerReviews", "id": row.id}}},
    }


__all__ = ["ConnectReview", "ConnectVersion", "FakeConnect", "Status", "decoded", "error", "pem", "verified"]
