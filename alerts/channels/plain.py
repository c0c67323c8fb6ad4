"""Text that no channel can bring to life: what all of them do to a reviewer's words before their own format."""

import re
import unicodedata
from collections.abc import Sequence
from urllib.parse import urlsplit

from alerts.channels.base import Line, Message, Quote

JOINER = "\u2060"  # breaks a link or a mention, shows nothing
_LIVE = re.compile(r"(?<=[^\W_])\.(?=[^\W\d_])|(?<=:)//|(?<=\w):(?=//)|[@#](?=\S)|(?i:(?<=mailto):|(?<=tel):)")
_TURNING = re.compile(r"[\u202a-\u202e\u2066-\u2069]")  # overrides of direction would turn our words round


def inert(text: str) -> str:
    """Return any text without control signs, and without a link, a mention or a channel that would become live."""
    visible = "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in {"Cc", "Cs"})
    return _LIVE.sub(lambda found: _broken(found[0]), _TURNING.sub("", visible))


def _broken(sign: str) -> str:
    return f"{JOINER}{sign}" if sign in {".", "//", ":"} else f"{sign}{JOINER}"


def one_line(text: str) -> str:
    """Fold all white space."""
    return " ".join(text.split())


def cut(text: str, limit: int) -> str:
    """Cut at a word where one is near, with an ellipsis."""
    if len(text) <= limit:
        return text
    short = text[: limit - 1]
    at = short.rfind(" ")
    return f"{(short[:at] if at > limit * 0.6 else short).rstrip()}…"


def line(text: str, limit: int) -> str:
    """Return one inert line of at most `limit` characters."""
    return re.sub(r"[@#]…$", "…", cut(inert(one_line(text)).strip(), limit))


def facts(quote: Quote) -> str:
    """Return what stands under a quote: stars, version, channel, day."""
    stars = "★" * quote.stars + "☆" * (5 - quote.stars) if quote.stars is not None and 0 <= quote.stars <= 5 else ""
    return " · ".join(cut(part, 60) for part in (stars, quote.version, quote.where, quote.day) if part)


def quotes(message: Message) -> list[Quote]:
    """Return the first three quotes that show something."""
    return [quote for quote in message.quotes if inert(quote.text).strip()][:3]


MOST_SECTIONS, MOST_LINES = 24, 10


def sections(message: Message) -> list[tuple[str, list[Line]]]:
    """Return a letter's sections that say something, as inert text, each line with its link or ""."""
    told = []
    for section in message.sections[:MOST_SECTIONS]:
        lines = [Line(line(one.text, 300), one.link if web_address(one.link) else "") for one in section.lines]
        shown = [one for one in lines if one.text][:MOST_LINES]
        if shown:
            told.append((line(section.title, 150), shown))
    return told


def alone(lines: Sequence[Line]) -> str:
    """Return the address of a section's only line, for plain text: those of a letter's many lines would drown it."""
    return f"  {lines[0].link}" if len(lines) == 1 and lines[0].link else ""


def web_address(link: str) -> bool:
    """Whether it is a plain web address, the only thing that we ever make live."""
    try:
        parts = urlsplit(link)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and not re.search(r"[\s<>|\"]", link)
