"""Settings: the only reader of the environment. Each secret may come as NAME or, from a file, as NAME_FILE."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal, cast
from urllib.parse import urlsplit

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
"""Names under which only this machine can reach itself."""


class SettingsError(Exception):
    """A setting cannot be used; the message says which and what to do."""


@dataclass(frozen=True)
class Settings:
    """All that the environment decides. Secrets never appear in repr."""

    data: Path = Path(".cocoon")
    host: str = "127.0.0.1"
    port: int = 8765
    public_url: str | None = None
    database_url: str | None = field(default=None, repr=False)
    secret_key: str | None = field(default=None, repr=False)
    slack_webhook: str | None = field(default=None, repr=False)
    webhook_url: str | None = None
    webhook_secret: str | None = field(default=None, repr=False)
    slack_api_url: str = "https://slack.com/api"
    app_store_url: str = "https://itunes.apple.com"
    google_play_url: str = "https://play.google.com"
    host_interval: float = 1.0
    """Seconds between two calls to one host."""
    user_agent: str = "Cocoon/0.1 (self-hosted review monitor)"
    allow_private_webhooks: bool = False
    """Whether alert webhooks may point into a private network (off: a guard against SSRF)."""
    workers: int = 2
    """Jobs that one process runs at the same time."""
    log_json: bool = False
    encoder: bool = True
    """Whether the multilingual encoder reads too; without it words and cues alone."""
    llm_url: str | None = None
    """An OpenAI-compatible address (https://…/v1) that names irritants; None: no language model."""
    llm_model: str | None = None
    llm_key: str | None = field(default=None, repr=False)
    llm_price_in: float = 0.0
    """What a million tokens cost, told and answered, so that the cost can be shown."""
    llm_price_out: float = 0.0
    language: str = "en"
    """The language of the terminal: fr or en."""
    sign_in: bool = True
    """Whether people sign in; it can be switched off only where nobody else can reach the pages."""
    session_hours: int = 336
    """How long a browser stays signed in."""
    oidc_issuer: str | None = None
    """The company's directory (OpenID Connect), by the name that it calls itself."""
    oidc_client_id: str | None = None
    oidc_client_secret: str | None = field(default=None, repr=False)
    oidc_groups: tuple[tuple[str, Literal["viewer", "editor", "admin"]], ...] = ()
    """Which group of the directory has which role; “*” is everybody."""
    oidc_groups_claim: str = "groups"

    @cached_property
    def base_url(self) -> str:
        """The address that people reach the pages by, without a trailing slash."""
        return (self.public_url or f"http://{self.display_host}:{self.port}").rstrip("/")

    @property
    def display_host(self) -> str:
        """A host name that a browser on this machine can open."""
        if self.host in {"0.0.0.0", "::", ""}:  # noqa: S104  compared, not bound
            return "127.0.0.1"
        return f"[{self.host}]" if ":" in self.host else self.host

    @property
    def loopback_only(self) -> bool:
        """Whether we listen on this machine's own address only."""
        return self.host in LOOPBACK

    @property
    def reachable(self) -> bool:
        """Whether others can reach us: we listen beyond loopback, or a proxy serves us under a public address."""
        public = urlsplit(self.public_url).hostname if self.public_url else None
        return not self.loopback_only or (public is not None and public not in LOOPBACK)


def read_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the environment (or `environ`). Raises SettingsError with a sentence that names the setting."""
    env = os.environ if environ is None else environ  # noqa: TID251  the one place
    default = Settings()
    settings = Settings(
        data=Path(env.get("COCOON_DATA") or ".cocoon").expanduser().absolute(),
        host=env.get("COCOON_HOST") or default.host,
        port=_number(env, "COCOON_PORT", default.port, 0, 65535),
        public_url=_url(env, "COCOON_BASE_URL", None),
        database_url=_database_url(_secret(env, "DATABASE_URL")),
        secret_key=_secret(env, "COCOON_SECRET_KEY"),
        slack_webhook=_secret(env, "COCOON_SLACK_WEBHOOK"),
        webhook_url=_secret(env, "COCOON_WEBHOOK_URL"),
        webhook_secret=_secret(env, "COCOON_WEBHOOK_SECRET"),
        slack_api_url=_url(env, "COCOON_SLACK_API_URL", default.slack_api_url) or default.slack_api_url,
        app_store_url=_url(env, "COCOON_APP_STORE_URL", default.app_store_url) or default.app_store_url,
        google_play_url=_url(env, "COCOON_GOOGLE_PLAY_URL", default.google_play_url) or default.google_play_url,
        host_interval=_number(env, "COCOON_HOST_INTERVAL_MS", 1000, 0, 600_000) / 1000,
        user_agent=env.get("COCOON_USER_AGENT") or default.user_agent,
        allow_private_webhooks=_flag(env, "COCOON_ALLOW_PRIVATE_WEBHOOKS"),
        workers=_number(env, "COCOON_WORKERS", default.workers, 1, 64),
        log_json=_flag(env, "COCOON_LOG_JSON"),
        encoder=_flag(env, "COCOON_ENCODER", default=True),
        llm_url=_url(env, "COCOON_LLM_URL", None),
        llm_model=env.get("COCOON_LLM_MODEL") or None,
        llm_key=_secret(env, "COCOON_LLM_KEY"),
        llm_price_in=_price(env, "COCOON_LLM_PRICE_IN"),
        llm_price_out=_price(env, "COCOON_LLM_PRICE_OUT"),
        language=_language(env),
        sign_in=_flag(env, "COCOON_SIGN_IN", default=True),
        session_hours=_number(env, "COCOON_SESSION_HOURS", default.session_hours, 1, 24 * 366),
        oidc_issuer=_url(env, "COCOON_OIDC_ISSUER", None),
        oidc_client_id=env.get("COCOON_OIDC_CLIENT_ID") or None,
        oidc_client_secret=_secret(env, "COCOON_OIDC_CLIENT_SECRET"),
        oidc_groups=_groups(env, "COCOON_OIDC_GROUPS"),
        oidc_groups_claim=env.get("COCOON_OIDC_GROUPS_CLAIM") or default.oidc_groups_claim,
    )
    _check_directory(settings)
    if not settings.sign_in and settings.reachable:
        raise SettingsError(
            "COCOON_SIGN_IN may be “no” only where nobody else can reach the pages: COCOON_HOST on this machine's own "
            "address, and no public COCOON_BASE_URL."
        )
    return settings


def _check_directory(settings: Settings) -> None:
    if settings.oidc_issuer is None:
        return
    if not settings.oidc_client_id or not settings.oidc_groups:
        raise SettingsError(
            "COCOON_OIDC_ISSUER needs COCOON_OIDC_CLIENT_ID and COCOON_OIDC_GROUPS, "
            "such as “cocoon-admins=admin,*=viewer”."
        )
    parts = urlsplit(settings.oidc_issuer)
    if parts.scheme != "https" and parts.hostname not in LOOPBACK:
        raise SettingsError("COCOON_OIDC_ISSUER must be an https address.")


def _groups(env: Mapping[str, str], name: str) -> tuple[tuple[str, Literal["viewer", "editor", "admin"]], ...]:
    """“group=role,group=role”."""
    found: list[tuple[str, Literal["viewer", "editor", "admin"]]] = []
    for part in filter(None, (env.get(name) or "").split(",")):
        group, _, role = (each.strip() for each in part.rpartition("="))
        if not group or role not in {"viewer", "editor", "admin"}:
            raise SettingsError(f"{name} must be like “cocoon-admins=admin,*=viewer”, not {part.strip()!r}.")
        found.append((group, cast('Literal["viewer", "editor", "admin"]', role)))
    return tuple(found)


def _secret(env: Mapping[str, str], name: str) -> str | None:
    value, file = env.get(name), env.get(f"{name}_FILE")
    if value and file:
        raise SettingsError(f"Both {name} and {name}_FILE are set: keep one of them.")
    if file:
        try:
            value = Path(file).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise SettingsError(f"{name}_FILE cannot be read ({error.strerror}): {file}") from error
    return value or None


def _number(env: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    raw = env.get(name)
    if not raw:
        return default
    if not raw.isascii() or not raw.isdigit() or not least <= int(raw) <= most:
        raise SettingsError(f"{name} must be a whole number from {least} to {most}, not {raw!r}.")
    return int(raw)


def _language(env: Mapping[str, str]) -> str:
    """French where the terminal speaks it: LC_ALL before LC_MESSAGES before LANG, as POSIX has it."""
    told = next((value for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (value := env.get(name))), "")
    return "fr" if told.lower().startswith("fr") else "en"


def _price(env: Mapping[str, str], name: str) -> float:
    raw = env.get(name) or "0"
    try:
        price = float(raw.replace(",", "."))
    except ValueError:
        price = -1.0
    if not 0 <= price < 1e6:
        raise SettingsError(f"{name} must be what a million tokens cost, such as 0.5, not {raw!r}.")
    return price


def _flag(env: Mapping[str, str], name: str, *, default: bool = False) -> bool:
    raw = (env.get(name) or "").lower()
    if raw == "":
        return default
    if raw in {"0", "no", "false", "off"}:
        return False
    if raw in {"1", "yes", "true", "on"}:
        return True
    raise SettingsError(f"{name} must be yes or no, not {raw!r}.")


def _url(env: Mapping[str, str], name: str, default: str | None) -> str | None:
    raw = env.get(name)
    if not raw:
        return default
    parts = urlsplit(raw)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise SettingsError(f"{name} must be an address such as https://example.com, not {raw!r}.")
    return raw.rstrip("/")


def _database_url(raw: str | None) -> str | None:
    """Any usual spelling of a Postgres URL, turned into the driver that we use."""
    if raw is None:
        return None
    scheme, found, rest = raw.partition("://")
    if not found or scheme.split("+")[0] not in {"postgres", "postgresql"}:
        raise SettingsError("DATABASE_URL must be a Postgres address: postgresql://user:password@host:5432/name.")
    return f"postgresql+psycopg://{rest}"
