"""The kinds of channel: one line each. Adding one is a module with a Channel and a line here."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from alerts.channels.apprise import Apprise
from alerts.channels.base import Channel, DeliveryError
from alerts.channels.inbox import Inbox
from alerts.channels.mail import Mail, MailSettings
from alerts.channels.slack import SlackWebhook
from alerts.channels.teams import TeamsWorkflow
from alerts.channels.webhook import SignedWebhook
from alerts.outbox import OpenChannel, Target, Transaction

Build = Callable[[Mapping[str, Any], str, Transaction, bool], Channel]
"""config, opened secret, transaction, whether private networks are allowed → channel."""

KINDS: dict[str, Build] = {
    "slack": lambda _config, secret, _transaction, private: SlackWebhook(secret, allow_private=private),
    "webhook": lambda config, secret, _transaction, private: SignedWebhook(
        str(config["url"]), webhook_secrets(secret), allow_private=private
    ),
    "teams": lambda _config, secret, _transaction, private: TeamsWorkflow(secret, allow_private=private),
    "mail": lambda config, secret, _transaction, private: Mail(
        MailSettings.read(config), secret, allow_private=private
    ),
    "apprise": lambda _config, secret, _transaction, private: Apprise(secret, allow_private=private),
    "inbox": lambda _config, _secret, transaction, _private: Inbox(transaction),
}

LOCAL = frozenset({"inbox"})
"""Kinds that do no network: they write to our own database, and are sent by the thread that claimed them."""


def webhook_secrets(secret: str) -> list[str]:
    """Read the secrets of a webhook: one whsec_… key, several divided by white space, or a JSON list of them."""
    if secret.startswith("["):
        return [str(one) for one in json.loads(secret)]
    return secret.split()


def opener(unseal: Callable[[str], str], transaction: Transaction, *, allow_private: bool = False) -> OpenChannel:
    """Return what the dispatcher opens destinations with: `unseal` decrypts their secret part.

    A destination may allow private networks on its own by config {"allow_private": true}.
    """

    def open_channel(target: Target) -> Channel:
        build = KINDS.get(target.kind)
        if build is None:
            raise DeliveryError(f"There is no channel of the kind {target.kind!r}.", lasting=True)
        secret = unseal(target.sealed) if target.sealed else ""
        private = allow_private or target.config.get("allow_private") is True
        try:
            return build(target.config, secret, transaction, private)
        except (KeyError, ValueError) as error:
            raise DeliveryError(f"The settings of {target.name} are not complete: {error}.", lasting=True) from error

    return open_channel
