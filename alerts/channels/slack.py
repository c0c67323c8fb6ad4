"""Slack by incoming webhook: Block Kit within its limits for any text, and nothing of a reviewer's that becomes live.

Limits: docs.slack.dev/reference/block-kit/blocks (header 150, section 3,000 characters, 50 blocks) and chat.postMessage
(text 40,000). Escaping: docs.slack.dev/messaging/formatting-message-text (& < > only). `verbatim` keeps Slack from
turning plain words into links, channels or mentions; what looks like one is broken up besides.
"""

import json
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from alerts.channels.base import DeliveryError, Line, Message, Quote, Receipt
from alerts.channels.plain import cut, facts, inert, one_line, sections, web_address
from alerts.channels.post import TIMEOUT, post

HEADER, SECTION, TEXT, BLOCKS, QUOTE = 150, 3_000, 40_000, 50, 300
SLACK_HOSTS = frozenset({"hooks.slack.com", "hooks.slack-gov.com"})
GONE = frozenset({403, 404, 410})
"""Slack's permanent answers: action_prohibited, invalid_token, no_service, channel_not_found, channel_is_archived."""

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


class SlackWebhook:
    """Posts the rendered blocks; when Slack refuses them (400), the same message as plain text."""

    pace = 1.0  # docs.slack.dev/apis/web-api/rate-limits: one message a second and channel

    def __init__(self, url: str, *, allow_private: bool = False, timeout: float = TIMEOUT) -> None:
        self._url, self._timeout = url, timeout
        self._guarded = not allow_private and urlsplit(url).hostname not in SLACK_HOSTS

    def send(self, message: Message, delivery_id: UUID, at: datetime) -> Receipt:
        """Send the blocks, else the plain text."""
        del delivery_id, at  # Slack's webhooks take neither
        body = render(message)
        try:
            return self._post(body)
        except DeliveryError as error:
            if error.status != 400:
                raise
            return self._post({"text": body["text"], "unfurl_links": False, "unfurl_media": False})

    def _post(self, body: dict[str, Any]) -> Receipt:
        try:
            return post(self._url, json.dumps(body).encode(), {}, guarded=self._guarded, timeout=self._timeout)
        except DeliveryError as error:
            error.gone = error.gone or error.status in GONE
            raise


def render(message: Message) -> dict[str, Any]:
    """Return the body of one message: the fact, since when, the quotes, the chance, one link. Nothing else."""
    lead = quiet(message.lead) + (f"\n{quiet(message.trend)}" if message.trend else "")
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": _header(message.title), "emoji": False}},
    ]
    if lead.strip():
        blocks.append(_section(lead))
    told = [_listed(title, lines) for title, lines in sections(message)]
    blocks += [_section(part) for part in told]
    quotes = [quote for quote in message.quotes if quiet(quote.text).strip()][:3]
    blocks += [_section(_quoted(quote)) for quote in quotes]
    chance = quiet(message.chance).strip()
    closing = [fit(chance, 2_000)] if chance else []
    if link := _link(message):
        closing.append(link)
    if closing:
        elements = [{"type": "mrkdwn", "text": text, "verbatim": True} for text in closing]
        blocks.append({"type": "context", "elements": elements})
    plain = [message.title, message.lead, *(f"« {q.text} »" for q in quotes), message.chance]
    text = "\n".join(fit(quiet(one_line(part)), 2_000) for part in plain if quiet(part).strip()) or "Cocoon"
    if link:
        text += f"\n{link}"
    return {"text": text[:TEXT], "blocks": blocks[:BLOCKS], "unfurl_links": False, "unfurl_media": False}


def _listed(title: str, lines: Sequence[Line]) -> str:
    """A section of a letter: its heading, and each line a link of ours where it has one; whole lines only."""
    parts = [f"*{quiet(title).replace('*', '')}*"] if title else []
    room = SECTION - sum(map(len, parts))
    for each in lines:
        words = quiet(each.text)
        part = f"• <{each.link.translate(_ESCAPES)}|{words.replace('|', ' ')}>" if each.link else f"• {words}"
        if (room := room - len(part) - 1) < 0:
            break
        parts.append(part)
    return "\n".join(parts)


def quiet(text: str) -> str:
    """Make any text harmless in Slack: escaped, and without a link, a mention or a channel that would become live."""
    return inert(text).replace("`", "'").translate(_ESCAPES)


def _header(title: str) -> str:
    # plain_text knows no escapes, and an empty header is refused.
    plain = one_line(title).replace("<", "‹").replace(">", "›").replace("&", "+")
    return cut(quiet(plain), HEADER).strip() or "Cocoon"


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": fit(text, SECTION), "verbatim": True}}


def _quoted(quote: Quote) -> str:
    return f"> {quiet(cut(one_line(quote.text), QUOTE))}\n> {quiet(facts(quote))}"


def _link(message: Message) -> str:
    """The one live link, ours; left out unless it is a plain web address."""
    if not web_address(message.link):
        return ""
    words = quiet(one_line(message.link_text)).replace("|", " ").strip() or "Cocoon"
    return f"<{message.link.translate(_ESCAPES)}|{cut(words, 100)}>"


def fit(escaped: str, limit: int) -> str:
    """Cut an escaped text without leaving half an escape at the end."""
    if len(escaped) <= limit:
        return escaped
    return re.sub(r"&[a-z]{0,3}$", "", escaped[: limit - 1]) + "…"
