"""The long tail through apprise (github.com/caronc/apprise): some hundred services, told by one address, as plain text.

Apprise is an optional part: pip install "cocoon[apprise]". It follows redirects and looks up names by itself, so our
guard against private networks cannot watch it: without leave for these, only services with a fixed host are used.
"""

import importlib
from datetime import datetime
from typing import Any
from uuid import UUID

from alerts.channels.base import DeliveryError, Message, Receipt
from alerts.channels.plain import alone, facts, line, quotes, sections, web_address

TITLE, PART, QUOTE = 200, 1_000, 300
INSTALL = 'Apprise is not installed. Install it where the workers run: pip install "cocoon[apprise]".'
KINDS = {"incident.resolved": "success", "test": "info"}
"""Our kinds of message in apprise's four; any other is a warning, or a failure when it is an alert."""


class Apprise:
    """Sends to one apprise address. Apprise tells only whether it went well, so every failure is tried again."""

    pace = 1.0

    def __init__(self, url: str, *, allow_private: bool = False) -> None:
        self._url, self._allow_private = url.strip(), allow_private

    def send(self, message: Message, delivery_id: UUID, at: datetime) -> Receipt:
        """Send title and text. Raises DeliveryError, a lasting one where apprise or the address cannot be used."""
        del delivery_id, at  # few of the services take an id
        sender = self._open(_library())
        title, body = text_of(message)
        kind = KINDS.get(message.kind, "failure" if message.severity == "alert" else "warning")
        if not sender.notify(body=body, title=title, notify_type=kind, body_format="text"):
            raise DeliveryError("Apprise could not hand over the message; its log says why.")
        return Receipt(200, "taken")

    def _open(self, library: Any) -> Any:
        asset = library.AppriseAsset(app_id="Cocoon", app_desc="Cocoon", app_url="", plugin_paths=[])
        service = library.Apprise.instantiate(self._url, asset=asset, suppress_exceptions=True)
        if service is None:
            raise DeliveryError("Apprise does not know this address, or a part of it is missing.", lasting=True)
        if not self._allow_private and not _fixed(service):
            raise DeliveryError(
                f"{service.service_name} is reached at a host of your own; "
                "allow that by COCOON_ALLOW_PRIVATE_WEBHOOKS=yes.",
                lasting=True,
            )
        sender = library.Apprise(asset=asset)
        sender.add(service)
        return sender


def _library() -> Any:
    try:
        return importlib.import_module("apprise")
    except ImportError as error:
        raise DeliveryError(INSTALL, lasting=True) from error


def _fixed(service: Any) -> bool:
    """Whether the service has a host of its own, by the forms that its addresses may have."""
    forms = [str(form) for form in service.templates]
    return bool(forms) and not any("{host}" in form or "{domain}" in form or form == "{schema}://" for form in forms)


def text_of(message: Message) -> tuple[str, str]:
    """Return title and text, with nothing in them that a service would make live but our link."""
    parts = [line(message.lead, PART), line(message.trend, PART)]
    for title, lines in sections(message):
        parts.append("\n".join(filter(None, [title, *(f"- {one.text}" for one in lines), alone(lines)])))
    parts += [f"« {line(q.text, QUOTE)} »\n{line(facts(q), PART)}".rstrip() for q in quotes(message)]
    parts.append(line(message.chance, PART))
    if web_address(message.link):
        parts.append(f"{line(message.link_text, 100) or 'Cocoon'}\n{message.link}")
    title = line(message.title, TITLE) or "Cocoon"
    return title, "\n\n".join(part for part in parts if part) or title
