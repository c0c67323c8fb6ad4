"""The contract of a channel: a message that says the same everywhere, and a send that tells how it went."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Protocol, Self
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Quote:
    """One telling verbatim, masked; `where` is the channel's name for people, `day` their date for it."""

    text: str
    stars: int | None
    version: str
    where: str
    day: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a letter; `link` is a page of ours or ""."""

    text: str
    link: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a letter with its heading."""

    title: str
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class Message:
    """What an alert says, before any channel's format. Stored as JSON in the outbox.

    `title` is the fact with its numbers, `lead` since when and which version, `chance` the honest sentence, `link` the
    one address to open and `link_text` its words; `trend` is a row of blocks, a week each; `status` says who looks
    after an incident, where that is known; `sections` are those of a letter. `data` is the same fact for machines
    (signed webhooks). `kind` is incident.opened, incident.updated, incident.resolved, digest.daily, test and so on.
    """

    kind: str
    title: str
    lead: str
    app: str
    language: str
    severity: str = ""
    quotes: tuple[Quote, ...] = ()
    chance: str = ""
    trend: str = ""
    link: str = ""
    link_text: str = ""
    status: str = ""
    sections: tuple[Section, ...] = ()
    incident_id: str | None = None
    data: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the document that the outbox keeps."""
        return asdict(self) | {
            "quotes": [asdict(quote) for quote in self.quotes],
            "sections": [
                asdict(section) | {"lines": [asdict(one) for one in section.lines]} for section in self.sections
            ],
        }

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        """Read what `to_json` made."""
        quotes = tuple(Quote(**quote) for quote in document.get("quotes", ()))
        sections = tuple(
            Section(section["title"], tuple(Line(**one) for one in section["lines"]))
            for section in document.get("sections", ())
        )
        return cls(**{**document, "quotes": quotes, "sections": sections})


@dataclass(frozen=True, slots=True)
class Receipt:
    """A message was taken: the status, the beginning of the answer, and a note of what was left out of it."""

    status: int
    answer: str = ""
    note: str = ""


class DeliveryError(Exception):
    """A message was not taken; the text says why in words.

    `lasting`: no further try can help. `retry_after`: seconds the receiver asked for. `gone`: the receiver wants no
    more messages at all, so the destination is to be disabled. `untried`: nothing was asked of the receiver, so that
    it does not count as a try.
    """

    def __init__(
        self,
        message: str,
        *,
        lasting: bool = False,
        retry_after: float | None = None,
        gone: bool = False,
        untried: bool = False,
        status: int | None = None,
    ) -> None:
        super().__init__(message)
        self.lasting, self.retry_after, self.gone, self.status = lasting, retry_after, gone, status
        self.untried = untried


Picture = Callable[[UUID, str], bytes | None]
"""Draws an incident's chart: its id and a language → a PNG, None where there is nothing to draw."""


class Channel(Protocol):
    """One destination, ready to send. `pace` is the least seconds between two messages."""

    pace: float

    def send(self, message: Message, delivery_id: UUID, at: datetime) -> Receipt:
        """Send once. `at` is the database's clock, for signatures. Raises DeliveryError; any answer but 2xx is one."""
        ...
