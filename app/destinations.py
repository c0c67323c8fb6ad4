"""Where alerts go: making, changing and trying out a destination, for the pages and the API alike."""

import secrets
from base64 import b64encode
from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts.channels.mail import MailSettings
from alerts.channels.slack_bot import CHANNEL, SlackSecrets
from alerts.messages import test_message
from alerts.outbox import enqueue, release
from alerts.quiet import ZONE, read_span, read_zone
from alerts.reminders import MOST_HOURS
from app import clock
from app.digests import AT, EVERY, read_time
from app.errors import Problem
from app.seal import Seal
from models.apps import App
from models.incidents import Destination

Kind = Literal["slack", "slack_bot", "teams", "mail", "webhook", "apprise", "inbox"]


def add(
    session: Session,
    seal: Seal,
    *,
    kind: Kind,
    name: str,
    url: str = "",
    app_id: int | None = None,
    levels: tuple[str, ...] = ("alert",),
    secret: str = "",
    mail: Mapping[str, Any] | None = None,
    channel: str = "",
    signing: str = "",
    rhythm: Mapping[str, Any] | None = None,
) -> tuple[Destination, str | None]:
    """A new destination, and the signing key of a webhook when we made one: this is the only time that it is told.

    The addresses of Slack, Teams and apprise are themselves secrets, so they are sealed and never returned; so is the
    password of a mail server (`secret`), whose settings are `mail` (alerts.channels.mail). A Slack bot has a token
    (`secret`), the id of a `channel`, and its app's `signing` secret where its buttons are wanted. `rhythm` is what
    `rhythm_of` reads. Raises Problem.
    """
    name = name.strip()
    if not name:
        raise Problem(422, "Give it a name that colleagues will recognise.", where="body.name")
    if session.scalar(select(Destination.id).where(Destination.name == name)) is not None:
        raise Problem(409, f"There is already a destination called “{name}”: choose another name.", where="body.name")
    if app_id is not None and session.get(App, app_id) is None:
        raise Problem(422, "There is no such app.", where="body.app_id")
    config: dict[str, Any] = {"levels": sorted(set(levels) & {"watch", "alert"}) or ["alert"]}
    config |= rhythm_of(rhythm or {})
    sealed, fresh = None, None
    if kind in {"slack", "teams"}:
        sealed = seal.close(_address(url, https=True))
    elif kind == "apprise":
        sealed = seal.close(_apprise_address(url))
    elif kind == "mail":
        try:
            config |= MailSettings.read(mail or {}).to_config()
        except ValueError as error:
            raise Problem(422, f"{str(error)[0].upper()}{str(error)[1:]}.", where="body.mail") from error
        sealed = seal.close(secret) if secret else None
    elif kind == "slack_bot":
        config |= {"channel": _slack_channel(channel), "buttons": bool(signing.strip())}
        sealed = seal.close(_slack_secrets(secret, signing))
    elif kind == "webhook":
        config["url"] = _address(url, https=False)
        fresh = None if secret else "whsec_" + b64encode(secrets.token_bytes(32)).decode()
        if secret and not secret.startswith("whsec_"):
            raise Problem(422, "A signing key begins with whsec_ (Standard Webhooks).", where="body.secret")
        sealed = seal.close(secret or fresh or "")
    made = Destination(app_id=app_id, kind=kind, name=name, config=config, sealed=sealed, disabled_reason="")
    session.add(made)
    session.flush()
    return made, fresh


def _address(url: str, *, https: bool) -> str:
    url = url.strip()
    try:
        parts = urlsplit(url)
        fine = parts.scheme in {"https", "http"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        fine = False
    if not fine or any(character.isspace() for character in url):
        raise Problem(422, "Paste a whole address, such as https://hooks.slack.com/services/….", where="body.url")
    if https and parts.scheme != "https" and parts.hostname not in {"127.0.0.1", "localhost", "::1"}:
        raise Problem(422, "This address begins with https://.", where="body.url")
    return url


def _slack_channel(channel: str) -> str:
    channel = channel.strip()
    if not CHANNEL.fullmatch(channel):
        raise Problem(
            422,
            "Give the channel's id, such as C0123456789: it is at the foot of the channel's details in Slack.",
            where="body.channel",
        )
    return channel


def _slack_secrets(token: str, signing: str) -> str:
    token, signing = token.strip(), signing.strip()
    if not token.startswith("xoxb-") or not token.isascii() or any(character.isspace() for character in token):
        raise Problem(422, "A bot token begins with xoxb- (your Slack app, OAuth & Permissions).", where="body.secret")
    if signing and not (signing.isascii() and signing.isalnum() and len(signing) >= 16):
        raise Problem(
            422,
            "The signing secret is a row of letters and figures (your Slack app, Basic Information).",
            where="body.signing_secret",
        )
    return SlackSecrets(token, signing).to_text()


def _apprise_address(url: str) -> str:
    url = url.strip()
    scheme, found, rest = url.partition("://")
    if not found or not rest or not scheme.isalnum() or any(character.isspace() for character in url):
        raise Problem(422, "An apprise address is like discord://…; one destination has one of them.", where="body.url")
    return url


RHYTHM = {"remind_hours", "quiet", "zone", "digest", "digest_at", "language"}


def change_rhythm(session: Session, destination: Destination, given: Mapping[str, Any]) -> None:
    """Change what of `rhythm_of` is given; what was kept back by quiet hours goes by the new ones. Raises Problem."""
    if not given:
        return
    before = {name: value for name, value in destination.config.items() if name in RHYTHM}
    rest = {name: value for name, value in destination.config.items() if name not in RHYTHM}
    destination.config = rest | rhythm_of({**before, **given})
    if destination.config.get("quiet") != before.get("quiet") or destination.config.get("zone") != before.get("zone"):
        release(session, destination.id)


def hours(given: str) -> int:
    """A whole number, 0 for an empty field, and -1, which is refused in words, for anything else."""
    given = given.strip()
    return int(given) if given.isascii() and given.isdecimal() else -1 if given else 0


def rhythm_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """When to send: `remind_hours` until somebody looks after it, `quiet` hours (22:00-07:00) and their `zone`; the
    letters (`digest`: daily, weekly), their hour (`digest_at`) and `language`.

    Returns what a destination's config keeps of these, nothing for those that are off. Raises Problem.
    """
    kept: dict[str, Any] = {}
    zone = str(given.get("zone") or ZONE)
    if letters := [every for every in EVERY if every in (given.get("digest") or ())]:
        at = str(given.get("digest_at") or AT)
        try:
            read_time(at)
        except ValueError as error:
            raise Problem(422, str(error), where="body.digest_at") from error
        kept |= {"digest": letters, "digest_at": at, "zone": zone}
    if given.get("language") in {"fr", "en"}:
        kept["language"] = given["language"]
    if hours := given.get("remind_hours"):
        if not isinstance(hours, int) or not 1 <= hours <= MOST_HOURS:
            raise Problem(422, f"Reminders come every 1 to {MOST_HOURS} hours.", where="body.remind_hours")
        kept["remind_hours"] = hours
    if quiet := str(given.get("quiet") or "").replace(" ", ""):
        try:
            read_span(quiet)
        except ValueError as error:
            raise Problem(422, str(error), where="body.quiet") from error
        kept |= {"quiet": quiet, "zone": zone}
    if "zone" in kept:
        try:
            read_zone(zone)
        except ValueError as error:
            raise Problem(422, str(error), where="body.zone") from error
    return kept


def send_test(session: Session, destination: Destination, base_url: str, language: str) -> UUID | None:
    """Put a test alert into the real outbox. Returns the delivery's id. Raises Problem for one that is switched off."""
    if not destination.enabled:
        raise Problem(409, f"“{destination.name}” is switched off: switch it on, then send the test.")
    return enqueue(
        session,
        app_id=destination.app_id or 0,
        destination_id=destination.id,
        kind="test",
        event_id=uuid4(),
        message=test_message(language, at=clock.now(), link=base_url),
    )
