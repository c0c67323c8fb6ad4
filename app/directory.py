"""Signing in by the company's directory: OpenID Connect Core 1.0, authorization code with PKCE (RFC 7636).

What is trusted: a token signed by a key that the issuer publishes, for us, not over, with the nonce of this very try.
Groups decide the role, at every sign-in, so that who leaves a group in the directory loses the role here.
"""

import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlencode

import httpx
import jwt
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import people
from app.auth import ROLES, Role
from app.errors import Problem
from app.seal import Seal
from app.settings import Settings
from models.people import Audit, User

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures by a private key; never “none”, never a secret that both sides know."""
LEEWAY = 60
"""Seconds that two clocks may differ."""
TRY_SECONDS = 600
KEPT_SECONDS = 3600
"""How long what the issuer publishes is believed without asking again."""
CALLBACK = "/login/directory/back"


class Directory:
    """One issuer: what it publishes is asked for when needed and kept for an hour."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[float, dict[str, Any]]] = {}

    def begin(self, seal: Seal, back: str) -> tuple[str, str]:
        """The address to send the browser to, and the sealed cookie that this try is recognised by."""
        found = self._published(self._discovery())
        secret = {name: secrets.token_urlsafe(32) for name in ("state", "nonce", "verifier")}
        challenge = base64.urlsafe_b64encode(hashlib.sha256(secret["verifier"].encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": self.settings.oidc_client_id or "",
            "redirect_uri": self._redirect(),
            "scope": "openid email profile",
            "state": secret["state"],
            "nonce": secret["nonce"],
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        where = str(found["authorization_endpoint"])
        address = f"{where}{'&' if '?' in where else '?'}{urlencode(asked)}"
        return address, seal.close(json.dumps({**secret, "back": back, "until": time.time() + TRY_SECONDS}))

    def finish(self, kept: dict[str, Any], state: str, code: str) -> dict[str, Any]:
        """The claims about who came back. Raises Problem 401 for whatever does not fit."""
        if not hmac.compare_digest(str(kept["state"]).encode(), state.encode("utf-8", "replace")):
            raise _refused("the answer belongs to another try")
        tokens = self._exchange(code, str(kept["verifier"]))
        claims = self._verified(str(tokens.get("id_token", "")), str(kept["nonce"]))
        if self.settings.oidc_groups_claim not in claims and "access_token" in tokens:
            claims = {**self._more(claims, str(tokens["access_token"])), **claims}
        return claims

    def _exchange(self, code: str, verifier: str) -> dict[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect(),
            "client_id": self.settings.oidc_client_id or "",
            "code_verifier": verifier,
        }
        if self.settings.oidc_client_secret:
            form["client_secret"] = self.settings.oidc_client_secret
        where = str(self._published(self._discovery())["token_endpoint"])
        return self._call("POST", where, data=form)

    def _verified(self, token: str, nonce: str) -> dict[str, Any]:
        """OpenID Connect Core 1.0, 3.1.3.7."""
        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") not in ALGORITHMS:
                raise _refused(f"its token is signed by {header.get('alg')!r}")
            claims: dict[str, Any] = jwt.decode(
                token,
                self._key(header),
                algorithms=list(ALGORITHMS),
                audience=self.settings.oidc_client_id,
                issuer=str(self._published(self._discovery())["issuer"]),
                leeway=LEEWAY,
                options={"require": ["exp", "iat", "iss", "aud", "sub"]},
            )
        except jwt.PyJWTError as error:
            raise _refused(f"its token does not hold ({type(error).__name__})") from error
        audience = claims["aud"]
        if isinstance(audience, list) and len(audience) > 1 and claims.get("azp") != self.settings.oidc_client_id:
            raise _refused("its token is for somebody else")
        if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
            raise _refused("its token belongs to another try")
        return claims

    def _key(self, header: dict[str, Any]) -> jwt.PyJWK:
        """The published key that the header names; asked for once more if it is not among the known ones."""
        where = str(self._published(self._discovery())["jwks_uri"])
        for fresh in (False, True):
            for key in self._published(where, fresh=fresh).get("keys", []):
                fits = header.get("kid") in {None, key.get("kid")} and key.get("use", "sig") == "sig"
                if fits and key.get("kty") in {"RSA", "EC", "OKP"}:
                    return jwt.PyJWK(key, algorithm=header["alg"])
        raise _refused("its token is signed by a key that the directory does not publish")

    def _more(self, claims: dict[str, Any], access: str) -> dict[str, Any]:
        where = self._published(self._discovery()).get("userinfo_endpoint")
        if where is None:
            return {}
        told = self._call("GET", str(where), headers={"Authorization": f"Bearer {access}"})
        if told.get("sub") != claims["sub"]:
            raise _refused("it speaks of somebody else")
        return told

    def _discovery(self) -> str:
        return f"{self.settings.oidc_issuer}/.well-known/openid-configuration"

    def _redirect(self) -> str:
        return self.settings.base_url + CALLBACK

    def _published(self, where: str, *, fresh: bool = False) -> dict[str, Any]:
        with self._lock:
            at, found = self._kept.get(where, (0.0, {}))
            if not found or fresh or time.monotonic() - at > KEPT_SECONDS:
                found = self._call("GET", where)
                if where == self._discovery() and str(found.get("issuer")).rstrip("/") != self.settings.oidc_issuer:
                    detail = f"The directory calls itself {found.get('issuer')!r}: set COCOON_OIDC_ISSUER so."
                    raise Problem(503, detail)
                self._kept[where] = (time.monotonic(), found)
            return found

    def _call(self, method: str, where: str, **what: Any) -> dict[str, Any]:
        try:
            answer = httpx.request(method, where, timeout=10.0, follow_redirects=False, **what)
            answer.raise_for_status()
            found = answer.json()
        except httpx.HTTPStatusError as error:
            if error.response.status_code in {400, 401}:
                raise _refused("it does not accept this answer any more") from error
            raise _silent() from error
        except (httpx.HTTPError, ValueError) as error:
            raise _silent() from error
        if not isinstance(found, dict):
            raise _silent()
        return cast("dict[str, Any]", found)


def _refused(why: str) -> Problem:
    return Problem(403, f"The directory's answer was refused: {why}. Try again.", key="problem.directory_refused")


def _silent() -> Problem:
    return Problem(503, "The directory does not answer. Try again in a moment.", key="problem.directory_silent")


def read_try(seal: Seal, cookie: str) -> dict[str, Any]:
    """What `begin` kept of this try. Raises Problem 403 when it is missing, forged or too old."""
    from app.settings import SettingsError

    try:
        kept: dict[str, Any] = json.loads(seal.open(cookie))
    except (SettingsError, ValueError) as error:
        raise _refused("it was not asked for here") from error
    if kept["until"] < time.time():
        raise _refused("it took too long")
    return kept


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody is in the directory."""

    subject: str
    email: str
    verified: bool
    name: str
    role: Role


def identity(claims: dict[str, Any], settings: Settings) -> Identity:
    """What the claims mean here. Raises Problem 403 without an address or without a group that has a role."""
    email = str(claims.get("email") or claims.get("preferred_username") or "").strip().lower()
    try:
        email = people.checked_email(email)
    except Problem as problem:
        raise _refused("it tells no e-mail address") from problem
    groups = claims.get(settings.oidc_groups_claim) or []
    groups = {groups} if isinstance(groups, str) else {str(group) for group in groups}
    roles: list[Role] = [role for group, role in settings.oidc_groups if group == "*" or group in groups]
    if not roles:
        detail = "You are known, and none of your groups has a role here. Ask an admin of Cocoon."
        raise Problem(403, detail, key="problem.no_group")
    name = " ".join(str(claims.get("name") or email.partition("@")[0]).split())[:100]
    subject = f"{claims['iss']}|{claims['sub']}"
    return Identity(subject, email, claims.get("email_verified") is True, name, max(roles, key=ROLES.index))


def admit(session: Session, who: Identity) -> User:
    """The person behind an identity, made at the first visit, with the role of today. Raises Problem 403, 409."""
    user = session.scalar(select(User).where(User.subject == who.subject))
    if user is None:
        user = people.find_user(session, who.email)
        if user is None:
            user = User(email=who.email, name=who.name, role=who.role, subject=who.subject)
            session.add(user)
            detail = {"email": who.email, "role": who.role, "way": "directory"}
            session.add(Audit(actor=who.email, action="person.joined", detail=detail))
        elif who.verified and user.subject is None:
            user.subject = who.subject
            session.add(Audit(actor=who.email, action="person.linked", detail={"email": who.email}))
        else:
            raise Problem(409, "This address has an account that the directory cannot vouch for.", key="problem.taken")
    if user.deactivated_at is not None:
        raise Problem(403, "This account is closed. Ask an admin of Cocoon.", key="problem.closed")
    user.name = who.name
    people.change_role(session, user, who.role, by="directory")
    user.signed_in_at = session.scalar(select(func.now()))
    session.flush()
    return user
