"""The kinds of channel: one line each. Adding one is a module with a Channel and a line here."""

import json
from collections.abc import Callable
from dataclasses import dataclass

from alerts.channels.apprise import Apprise
from alerts.channels.base import Channel, DeliveryError, Picture
from alerts.channels.inbox import Inbox
from alerts.channels.mail import Mail, MailSettings
from alerts.channels.slack import SlackWebhook
from alerts.channels.slack_bot import SlackBot, SlackSecrets
from alerts.channels.teams import TeamsWorkflow
from alerts.channels.webhook import SignedWebhook
from alerts.outbox import OpenChannel, Target, Transaction


@dataclass(frozen=True, slots=True)
class Tools:
    """What channels are built with: our database, whether private networks are allowed, who draws, where Slack is."""

    transaction: Transaction
    private: bool = False
    picture: Picture | None = None
    slack_api: str = ""


Build = Callable[[Target, str, Tools], Channel]
"""destination, opened secret, tools → channel."""

KINDS: dict[str, Build] = {
    "slack": lambda _target, secret, tools: SlackWebhook(secret, allow_private=tools.private),
    "slack_bot": lambda target, secret, tools: SlackBot(
        target.id,
        target.config,
        SlackSecrets.read(secret),
        tools.transaction,
        picture=tools.picture,
        base=tools.slack_api,
    ),
    "webhook": lambda target, secret, tools: SignedWebhook(
        str(target.config["url"]), webhook_secrets(secret), allow_private=tools.private
    ),
    "teams": lambda _target, secret, tools: TeamsWorkflow(secret, allow_private=tools.private),
    "mail": lambda target, secret, tools: Mail(
        MailSettings.read(target.config), secret, allow_private=tools.private, picture=tools.picture
    ),
    "apprise": lambda _target, secret, tools: Apprise(secret, allow_private=tools.private),
    "inbox": lambda _target, _secret, tools: Inbox(tools.transaction),
}

LOCAL = frozenset({"inbox"})
"""Kinds that do no network: they write to our own database, and are sent by the thread that claimed them."""


def webhook_secrets(secret: str) -> list[str]:
    """Read the secrets of a webhook: one whsec_… key, several divided by white space, or a JSON list of them."""
    if secret.startswith("["):
        return [str(one) for one in json.loads(secret)]
    return secret.split()


def opener(
    unseal: Callable[[str], str],
    transaction: Transaction,
    *,
    allow_private: bool = False,
    picture: Picture | None = None,
    slack_api: str = "",
) -> OpenChannel:
    """Return what the dispatcher opens destinations with: `unseal` decrypts their secret part.

    A destination may allow private networks on its own by config {"allow_private": true}. `picture` draws an
    incident's chart; `slack_api` is another address of Slack's Web API (a proxy, a test).
    """

    def open_channel(target: Target) -> Channel:
        build = KINDS.get(target.kind)
        if build is None:
            raise DeliveryError(f"There is no channel of the kind {target.kind!r}.", lasting=True)
        secret = unseal(target.sealed) if target.sealed else ""
        private = allow_private or target.config.get("allow_private") is True
        try:
            return build(target, secret, Tools(transaction, private, picture, slack_api))
        except (KeyError, ValueError) as error:
            raise DeliveryError(f"The settings of {target.name} are not complete: {error}.", lasting=True) from error

    return open_channel
