"""The dispatcher of this process, and the destinations that the environment names."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from alerts.channels.registry import opener
from alerts.dispatch import run_dispatcher
from app.context import Context
from app.picture import drawer
from app.seal import Seal
from app.settings import Settings, SettingsError
from app.worker import Beat
from models.incidents import Destination


def dispatch(context: Context, beat: Beat, stop: threading.Event) -> None:
    """Send what is due until stopped."""
    open_channel = opener(
        context.seal.open,
        context.transaction,
        allow_private=context.settings.allow_private_webhooks,
        picture=drawer(context.transaction),
        slack_api=context.settings.slack_api_url,
    )

    @contextmanager
    def beating() -> Iterator[Session]:
        beat.tick("dispatcher")  # each round of the loop opens a transaction: that it comes round is its life
        with context.transaction() as session:
            yield session

    run_dispatcher(beating, open_channel, stop, worker=f"{socket.gethostname()}:{os.getpid()}")


def destinations_from_settings(session: Session, settings: Settings, seal: Seal) -> None:
    """Keep the destinations that the environment names as it names them; those made in the interface are untouched."""
    wanted: list[tuple[str, str, dict[str, str], str]] = []
    if settings.slack_webhook:
        wanted.append(("slack", "Slack (COCOON_SLACK_WEBHOOK)", {}, settings.slack_webhook))
    if settings.webhook_url:
        config = {"url": settings.webhook_url}
        wanted.append(("webhook", "Webhook (COCOON_WEBHOOK_URL)", config, settings.webhook_secret or ""))
    if wanted:  # two processes that start at once make it once
        session.execute(text("SELECT pg_advisory_xact_lock(hashtext('cocoon:destinations'))"))
    for kind, name, config, secret in wanted:
        known = session.scalar(select(Destination).where(Destination.name == name))
        if known is None:
            session.add(Destination(kind=kind, name=name, config=config, sealed=seal.close(secret)))
        elif known.config.get("url") != config.get("url") or _opened(seal, known.sealed) != secret:
            # What people chose in the interface (levels, switched off) stands until the address itself is another.
            known.config = {**known.config, **config}
            known.sealed, known.enabled, known.disabled_reason = seal.close(secret), True, ""
    session.flush()


def _opened(seal: Seal, sealed: str | None) -> str | None:
    """The secret; None where it was sealed with another key (the one that the environment names takes its place)."""
    try:
        return seal.open(sealed) if sealed else None
    except SettingsError:
        return None
