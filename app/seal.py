"""Secrets at rest: one key in the data folder (or COCOON_SECRET_KEY) seals settings, hashes authors, signs cookies."""

import base64
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from app.settings import Settings, SettingsError


class Seal:
    """Keys derived from one root secret, each for one use."""

    def __init__(self, root: bytes) -> None:
        self._root = root
        self._fernet = Fernet(base64.urlsafe_b64encode(self.derive("seal")))

    def derive(self, use: str) -> bytes:
        """A 32-byte key for one use."""
        return hmac.digest(self._root, f"cocoon:{use}".encode(), hashlib.sha256)

    def close(self, secret: str) -> str:
        """Encrypt a secret for storage."""
        return self._fernet.encrypt(secret.encode()).decode()

    def open(self, sealed: str) -> str:
        """Decrypt what `close` made. Raises SettingsError when the key is another one."""
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken as error:
            raise SettingsError(
                "A stored secret was sealed with another key: restore secret.key (or COCOON_SECRET_KEY), "
                "or enter it again."
            ) from error

    def close_bytes(self, content: bytes) -> bytes:
        """Encrypt what came from outside, until it is read."""
        return self._fernet.encrypt(content)

    def open_bytes(self, closed: bytes) -> bytes:
        """Decrypt what `close_bytes` made. Raises SettingsError when the key is another one."""
        try:
            return self._fernet.decrypt(closed)
        except InvalidToken as error:
            raise SettingsError("It was sealed with another key: restore secret.key (or COCOON_SECRET_KEY).") from error

    def author(self, identity: str) -> str:
        """A keyed hash of an author: the same person gives the same hash, and nobody can go back."""
        return hmac.new(self.derive("author"), identity.encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:32]

    def person(self, kind: str, value: str) -> str:
        """A keyed hash of what a person is known by (their e-mail, say), under a key of its own."""
        plain = f"{kind}:{value}".encode("utf-8", "replace")
        return hmac.new(self.derive("person"), plain, hashlib.sha256).hexdigest()[:32]


def load_seal(settings: Settings) -> Seal:
    """The root secret from the settings, else from secret.key in the data folder, made at the first start (0600)."""
    if settings.secret_key:
        return Seal(settings.secret_key.encode())
    path = settings.data / "secret.key"
    try:
        settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            _make_key(path)
        root = path.read_bytes().strip()
    except OSError as error:
        raise SettingsError(
            f"The key {path} cannot be read or made ({error.strerror}): "
            "give this user the right to it, or set COCOON_SECRET_KEY."
        ) from error
    if len(root) < 32:  # an empty or cut file would seal with a key that anybody can guess
        raise SettingsError(f"The key {path} is damaged: restore it, or set COCOON_SECRET_KEY.")
    return Seal(root)


def _make_key(path: Path) -> None:
    fresh = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(base64.urlsafe_b64encode(os.urandom(48)))
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(fresh, path)  # the first of two processes wins; the other reads its key
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
