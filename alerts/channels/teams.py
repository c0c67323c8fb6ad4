"""Microsoft Teams by workflow webhook ("when a Teams webhook request is received"): one adaptive card.

Card version 1.4 (adaptivecards.io/explorer), which every Teams client shows. All texts are TextRuns: they know no
markdown, so nothing that a reviewer wrote is read as such. Limit: 28 KB a message
(learn.microsoft.com/microsoftteams/limits-specifications-teams); ours stays under 20 KB.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from alerts.channels.base import DeliveryError, Line, Message, Quote, Receipt
from alerts.channels.plain import facts, line, quotes, sections, web_address
from alerts.channels.post import TIMEOUT, post

TITLE, LEAD, QUOTE, SMALL = 200, 1_000, 300, 600
ROOM = 12_000  # bytes of a card for the sections of a letter
GONE = frozenset({404, 410})
"""The workflow was deleted."""
SERVICES = (".logic.azure.com", ".powerplatform.com")
"""Where Microsoft runs workflows: trusted addresses, so that a proxy of the environment is used."""


class TeamsWorkflow:
    """Posts the card. A workflow answers 202: it has taken the message."""

    pace = 0.5

    def __init__(self, url: str, *, allow_private: bool = False, timeout: float = TIMEOUT) -> None:
        self._url, self._timeout = url, timeout
        self._guarded = not allow_private and not (urlsplit(url).hostname or "").endswith(SERVICES)

    def send(self, message: Message, delivery_id: UUID, at: datetime) -> Receipt:
        """Send the card."""
        del delivery_id, at  # a workflow's trigger takes neither
        body = json.dumps(render(message), ensure_ascii=False).encode("utf-8", "replace")
        try:
            return post(self._url, body, {}, guarded=self._guarded, timeout=self._timeout)
        except DeliveryError as error:
            error.gone = error.gone or error.status in GONE
            raise


def render(message: Message) -> dict[str, Any]:
    """Return the body of one message: the fact, since when, the quotes, the chance, one link. Nothing else."""
    title = line(message.title, TITLE) or "Cocoon"
    body = [_text(title, size="Large", weight="Bolder")]
    body += [_text(words) for words in (line(message.lead, LEAD), line(message.trend, SMALL)) if words]
    room = ROOM
    for title, lines in sections(message):
        part = _listed(title, lines)
        if (room := room - len(json.dumps(part, ensure_ascii=False).encode("utf-8", "replace"))) < 0:
            break  # what is left out stands on the page that the card links to
        body.append(part)
    body += [_quoted(quote) for quote in quotes(message)]
    if chance := line(message.chance, SMALL):
        body.append(_text(chance, isSubtle=True, size="Small"))
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "lang": message.language,
        "fallbackText": title,
        "body": body,
        "msteams": {"width": "Full"},
    }
    if web_address(message.link):
        words = line(message.link_text, 60) or "Cocoon"
        card["actions"] = [{"type": "Action.OpenUrl", "title": words, "url": message.link}]
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def _listed(title: str, lines: Sequence[Line]) -> dict[str, Any]:
    """A section of a letter: its heading, and each line a link of ours where it has one."""
    items = [_text(title, weight="Bolder")] if title else []
    for one in lines:
        link = {"selectAction": {"type": "Action.OpenUrl", "url": one.link}} if one.link else {}
        items.append(_text(f"• {line(one.text, 200)}", **link))
    return {"type": "Container", "items": items}


def _text(words: str, **style: object) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": words, **style}]}


def _quoted(quote: Quote) -> dict[str, Any]:
    told = [_text(f"« {line(quote.text, QUOTE)} »", italic=True)]
    if about := line(facts(quote), SMALL):
        told.append(_text(about, isSubtle=True, size="Small"))
    return {"type": "Container", "style": "emphasis", "items": told}
