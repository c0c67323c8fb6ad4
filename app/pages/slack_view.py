"""A Slack message as Slack shows it: Block Kit read back into plain parts that a template can print safely.

Only what our own channel writes is understood (header, section, context, divider, mrkdwn with bold, italics, code,
quotes and links); anything else is shown as its text. Block Kit: https://api.slack.com/reference/block-kit/blocks
"""

import re
from dataclasses import dataclass
from html import unescape
from typing import Any

from markupsafe import Markup, escape

_LINK = re.compile(r"<((?:https?://|mailto:)[^|>]+)(?:\|([^>]*))?>")
_MARKS = (
    (re.compile(r"(?<![\w*])\*(?=\S)([^*\n]+?)(?<=\S)\*(?![\w*])"), "strong"),
    (re.compile(r"(?<!\w)_(?=\S)([^_\n]+?)(?<=\S)_(?!\w)"), "em"),
    (re.compile(r"`([^`\n]+)`"), "code"),
)


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a message: its kind (header, section, context, quote, divider) and its lines."""

    kind: str
    lines: list[Markup]


def read_blocks(body: dict[str, Any]) -> list[Block]:
    """The parts of a message's body; a body without blocks is shown by its text."""
    blocks = body.get("blocks")
    if not isinstance(blocks, list):
        text = body.get("text")
        return _parts("section", text) if isinstance(text, str) else []
    found: list[Block] = []
    for block in blocks:
        if not isinstance(block, dict):
            continue
        kind = str(block.get("type", ""))
        if kind == "divider":
            found.append(Block("divider", []))
        for text in _texts(block):
            found += _parts(kind if kind in {"header", "context"} else "section", text)
    return found


def _texts(block: dict[str, Any]) -> list[str]:
    """Every text of a block, in order."""
    holders: list[Any] = [block.get("text"), *(block.get("fields") or []), *(block.get("elements") or [])]
    found = []
    for holder in holders:
        if isinstance(holder, dict):
            text = holder.get("text")
            if isinstance(text, dict):  # a button
                label, url = str(text.get("text", "")), holder.get("url")
                found.append(f"<{url}|{label}>" if isinstance(url, str) else label)
            elif isinstance(text, str):
                found.append(text)
    return found


def _parts(kind: str, text: str) -> list[Block]:
    parts: list[Block] = []
    for line in text.split("\n"):
        quoted = kind == "section" and line.startswith(("&gt;", ">"))
        shown = mrkdwn(re.sub(r"^(&gt;|>)\s?", "", line) if quoted else line)
        here = "quote" if quoted else kind
        if parts and parts[-1].kind == here:
            parts[-1].lines.append(shown)
        else:
            parts.append(Block(here, [shown]))
    return parts


def mrkdwn(text: str) -> Markup:
    """Slack's markup as safe HTML: everything is escaped first, then our few marks are put back."""
    parts, at = [], 0
    for link in _LINK.finditer(text):
        parts.append(_marked(text[at : link.start()]))
        label = unescape(link[2] if link[2] is not None else link[1])
        href = unescape(link[1])
        parts.append(Markup('<a href="{}" rel="noreferrer">{}</a>').format(href, label))
        at = link.end()
    parts.append(_marked(text[at:]))
    return Markup("").join(parts)


def _marked(text: str) -> Markup:
    html = str(escape(unescape(text)))
    for pattern, tag in _MARKS:
        html = pattern.sub(rf"<{tag}>\1</{tag}>", html)
    return Markup(html)  # noqa: S704  escaped above
