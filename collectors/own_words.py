"""The customer's own words out of a message: HTML made plain, quoted mails, signatures of telephones and greetings of
systems cut off.

A quote begins at what mail programs write above it in French and English (Gmail, Outlook, Apple Mail, Thunderbird,
Zendesk, Zoho); everything below is somebody else's.
"""

import re
from html.parser import HTMLParser

_BLOCKS = frozenset({"p", "div", "br", "li", "tr", "h1", "h2", "h3", "h4", "ul", "ol", "table", "pre"})
_SILENT = frozenset({"style", "script", "head", "title"})
_QUOTES = re.compile(
    r"gmail_quote|gmail_extra|moz-cite-prefix|yahoo_quoted|zd-comment-quote|zmail_extra|OutlookMessageHeader"
)
_VOID = frozenset({"br", "img", "hr", "input", "meta", "link", "wbr", "area", "base", "col", "embed", "source"})

_WHO = r"[^\n]{3,200}(?:\n[^\n]{0,120})?"
_BEGINS = re.compile(
    "|".join(
        (
            rf"^[ \t>]*Le (?=[^\n]*[0-9]){_WHO}\ba [ée]crit[ \u00a0\u202f]*:[ \t]*$",
            rf"^[ \t>]*On (?=[^\n]*[0-9]){_WHO}\bwrote[ \u00a0]*:[ \t]*$",
            rf"^[ \t>]*Am {_WHO}\bschrieb\b[^\n]{{0,80}}:",
            rf"^[ \t>]*El {_WHO}\bescribi[óo][ \u00a0]*:",
            r"^[ \t>]*-{2,}[ \t]*(?:Original Message|Original message|Message d[’']origine|Message original"
            r"|Message transf[ée]r[ée]|Forwarded message|Mail original)[ \t]*-{2,}",
            r"^[ \t>]*(?:De|From)[ \u00a0]*:[^\n]+\n(?:[^\n]*\n){0,2}?"
            r"[ \t>]*(?:Envoy[ée]|Date|Sent|À|A|To|Objet|Subject)[ \u00a0]*:",
            r"##-[^\n]{5,200}-##",
            r"^[ \t]*_{10,}[ \t]*$",
            r"^--[ \t]*$",
            r"^[ \t]*(?:Début du message (?:réexpédié|transféré)|Begin forwarded message)[ \u00a0]*:",
        )
    ),
    re.MULTILINE,
)
_DEVICE = re.compile(
    r"^[ \t]*(?:Envoyé (?:de|depuis|à partir de|avec) [^\n]{2,80}|Sent from [^\n]{2,80}|Get Outlook for [^\n]{2,40}"
    r"|Télécharger Outlook pour [^\n]{2,40}|Provenance[ \u00a0]*: Courrier pour Windows[^\n]*)$",
    re.MULTILINE | re.IGNORECASE,
)


def own_words(content: str, *, html: bool | None = None) -> str:
    """Return what the writer wrote in this message; '' where all of it is quoted.

    `html` None: it is HTML where it holds a tag.
    """
    text = content.replace("\r\n", "\n").replace("\r", "\n")
    if html or (html is None and re.search(r"</?[a-zA-Z][a-zA-Z0-9]*(?:\s[^<>]*)?/?>", text)):
        text = plain_text(text)
    if found := _BEGINS.search(text):
        text = text[: found.start()]
    text = _DEVICE.sub("", text)
    lines = [line.rstrip() for line in text.split("\n") if not line.lstrip().startswith(">")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def plain_text(html: str) -> str:
    """HTML as text, without what it marks as quoted."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    text = re.sub(r"[ \t\f\v]+", " ", "".join(reader.parts))
    return re.sub(r" ?\n ?", "\n", text).strip()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._open: list[tuple[str, bool]] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a block, or what is hidden."""
        if tag in _BLOCKS:
            self.parts.append("\n")
        if tag in _VOID:
            return
        marks = " ".join(value or "" for name, value in attrs if name in {"class", "id"})
        hidden = tag in _SILENT or tag == "blockquote" or bool(_QUOTES.search(marks))
        self._open.append((tag, hidden))
        self._hidden += hidden

    def handle_endtag(self, tag: str) -> None:
        """End the nearest element of this name, and those left open within it."""
        if tag not in {name for name, _ in self._open}:
            return
        while self._open:
            name, hidden = self._open.pop()
            self._hidden -= hidden
            if name == tag:
                break
        if tag in _BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        """Keep what is seen and not quoted."""
        if not self._hidden:
            self.parts.append(data.replace("\n", " "))
