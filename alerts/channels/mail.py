"""E-mail by SMTP: text, HTML and the chart inside it, nothing from outside, no tracking.

The mails of one incident make one thread.

Message-ID is made of the delivery's id and stays the same over retries, so that a mail store can drop a repeat.
Headers are written by email.message (RFC 5322), which refuses line breaks; ours are folded before they get there.
"""

import logging
import smtplib
import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from email.errors import HeaderParseError, MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as RFC5322
from email.utils import format_datetime
from html import escape
from ipaddress import ip_address
from threading import Timer
from typing import Any, Literal
from uuid import UUID

from alerts.channels.base import DeliveryError, Line, Message, Picture, Receipt
from alerts.channels.plain import alone, facts, line, quotes, sections, web_address

log = logging.getLogger(__name__)

TIMEOUT = 10.0  # for each step of the talk
LONGEST = 40.0  # for the whole of it: less than a delivery's lease
PORTS = frozenset({25, 465, 587, 2525})
"""Where mail servers listen; others only where private networks are allowed, for it would be a way to look around."""
MOST = 50  # recipients
SUBJECT, LEAD, QUOTE = 200, 2_000, 600

Tls = Literal["starttls", "ssl", "none"]


@dataclass(frozen=True, slots=True)
class MailSettings:
    """A mail server and who writes to whom. Its password is kept apart, sealed."""

    host: str
    sender: str
    to: tuple[str, ...]
    port: int = 587
    tls: Tls = "starttls"
    user: str = ""

    @classmethod
    def read(cls, config: Mapping[str, Any]) -> "MailSettings":
        """Read host, port, tls, user, from and to. Raises ValueError with a sentence that names what is wrong."""
        tls = str(config.get("tls") or "starttls")
        if tls not in {"starttls", "ssl", "none"}:
            raise ValueError("encryption is one of starttls, ssl and none")
        try:
            port = int(config.get("port") or (465 if tls == "ssl" else 587))
        except (TypeError, ValueError):
            port = 0
        if not 1 <= port <= 65_535:
            raise ValueError("the port is a number such as 587")
        host = str(config.get("host") or "").strip()
        if not host or len(host) > 255 or not all(c.isalnum() or c in ".-:" for c in host):
            raise ValueError("the mail server is a name such as smtp.example.com")
        given = config.get("to") or ()
        to = tuple(address(one) for one in (given.replace(",", " ").split() if isinstance(given, str) else given))
        if not 1 <= len(to) <= MOST:
            raise ValueError(f"there must be 1 to {MOST} recipients")
        sender = address(str(config.get("from") or ""))
        user = str(config.get("user") or "")
        return cls(host, sender, to, port, tls, user)  # type: ignore[arg-type]  # tls was checked above

    def to_config(self) -> dict[str, Any]:
        """Return what a destination's config keeps."""
        return {
            "host": self.host,
            "port": self.port,
            "tls": self.tls,
            "user": self.user,
            "from": self.sender,
            "to": list(self.to),
        }


def address(text: str) -> str:
    """Return one plain address, a@b. Raises ValueError for anything else."""
    try:
        found = Address(addr_spec=text.strip())
    except (HeaderParseError, MessageError, IndexError, ValueError) as error:
        raise ValueError(f"{text[:80]!r} is not an e-mail address") from error
    spec = found.addr_spec
    if not found.domain or not found.username or not spec.isascii() or not spec.isprintable() or len(spec) > 254:
        raise ValueError(f"{text[:80]!r} is not an e-mail address")
    return spec


class Mail:
    """Sends one mail to all recipients; when the server refuses some of them, the receipt says which."""

    pace = 0.0

    def __init__(
        self,
        settings: MailSettings,
        password: str,
        *,
        allow_private: bool = False,
        picture: Picture | None = None,
    ) -> None:
        self._settings, self._password, self._picture = settings, password, picture
        if not allow_private and settings.port not in PORTS:
            known = ", ".join(map(str, sorted(PORTS)))
            raise DeliveryError(f"Mail servers listen on {known}, not on {settings.port}.", lasting=True)

    def send(self, message: Message, delivery_id: UUID, at: datetime) -> Receipt:
        """Compose and send; a chart that cannot be drawn is left out, and the receipt says so."""
        drawn, note = self._drawn(message)
        try:
            receipt = self._talk(compose(message, self._settings, delivery_id, at, drawn))
            return replace(receipt, note=note)
        except smtplib.SMTPRecipientsRefused as error:
            code, answer = next(iter(error.recipients.values()))
            raise _refused(code, answer) from error
        except smtplib.SMTPResponseException as error:
            raise _refused(error.smtp_code, error.smtp_error) from error
        except smtplib.SMTPNotSupportedError as error:
            raise DeliveryError(f"The mail server cannot do what is asked: {error}.", lasting=True) from error
        except (smtplib.SMTPException, OSError) as error:
            raise DeliveryError(f"The mail server could not be used: {error or type(error).__name__}.") from error

    def _drawn(self, message: Message) -> tuple[bytes | None, str]:
        if self._picture is None or message.incident_id is None or not message.kind.startswith("incident."):
            return None, ""
        try:
            return self._picture(UUID(message.incident_id), message.language), ""
        except Exception as error:
            log.warning("the chart could not be drawn", exc_info=True)
            return None, f"The chart was left out: {error}"[:300]

    def _talk(self, mail: EmailMessage) -> Receipt:
        mine = self._settings
        context = ssl.create_default_context()
        kind = smtplib.SMTP_SSL if mine.tls == "ssl" else smtplib.SMTP
        server = kind.__new__(kind)  # known to the watch before it connects: a server may drip its very greeting
        watch = Timer(LONGEST, _hang_up, [server])
        watch.daemon = True
        watch.start()
        try:
            own = {"context": context} if mine.tls == "ssl" else {}
            server.__init__(mine.host, mine.port, timeout=TIMEOUT, **own)  # type: ignore[misc]
            with server:
                refused = self._hand_over(server, mail, context)
        finally:
            watch.cancel()
        return Receipt(250, f"refused: {', '.join(sorted(refused))}" if refused else "taken")

    def _hand_over(
        self, server: smtplib.SMTP, mail: EmailMessage, context: ssl.SSLContext
    ) -> dict[str, tuple[int, bytes]]:
        """Encrypt, sign in, and give the mail; return the recipients that were refused, while others were not."""
        mine = self._settings
        if mine.tls == "starttls":
            server.starttls(context=context)
        if mine.user:
            if mine.tls == "none" and not _loopback(mine.host):
                raise DeliveryError("A password is not sent without encryption.", lasting=True)
            server.login(mine.user, self._password)
        return server.send_message(mail, mine.sender, list(mine.to))


def _hang_up(server: smtplib.SMTP) -> None:
    """End a talk that takes too long, from another thread: its next word fails."""
    if (talk := getattr(server, "sock", None)) is not None:
        with suppress(OSError):
            socket.socket.shutdown(talk, socket.SHUT_RDWR)  # not the TLS one's, which would forget its state first


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _refused(code: int, answer: bytes | str) -> DeliveryError:
    """4xx may pass, 5xx will not (RFC 5321 §4.2.1); one that a wrong password got is mended by a person."""
    words = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else str(answer)
    return DeliveryError(
        f"The mail server answered {code}: {' '.join(words.split())[:300]}", status=code, lasting=500 <= code < 600
    )


def compose(
    message: Message, settings: MailSettings, delivery_id: UUID, at: datetime, drawn: bytes | None = None
) -> EmailMessage:
    """Return the mail: the fact is its subject, the text and the HTML say the same; `drawn` is a PNG for the HTML."""
    domain = settings.sender.rpartition("@")[2]
    mail = EmailMessage(policy=RFC5322)
    mail["Subject"] = line(message.title, SUBJECT) or "Cocoon"
    mail["From"] = Address("Cocoon", addr_spec=settings.sender)
    mail["To"] = [Address(addr_spec=one) for one in settings.to]
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = f"<{delivery_id}@{domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    if message.incident_id:
        mail["References"] = f"<incident.{UUID(message.incident_id)}@{domain}>"
    mail.set_content(text_of(message))
    chart = f"chart.{delivery_id}@{domain}"
    mail.add_alternative(html_of(message, chart if drawn else ""), subtype="html")
    if drawn:
        html = mail.get_body(("html",))
        assert html is not None, "it was added above"
        html.add_related(drawn, "image", "png", cid=f"<{chart}>", filename="cocoon.png", disposition="inline")
    return mail


def text_of(message: Message) -> str:
    """Return the plain text."""
    parts = [line(message.title, SUBJECT), line(message.lead, LEAD), line(message.trend, LEAD)]
    for title, lines in sections(message):
        parts.append("\n".join(filter(None, [title, *(f"- {one.text}" for one in lines), alone(lines)])))
    parts += [f"« {line(q.text, QUOTE)} »\n  {line(facts(q), LEAD)}".rstrip() for q in quotes(message)]
    parts.append(line(message.chance, LEAD))
    if web_address(message.link):
        parts.append(f"{line(message.link_text, 100) or 'Cocoon'}\n{message.link}")
    return "\n\n".join(part for part in parts if part) + "\n"


def html_of(message: Message, chart: str = "") -> str:
    """Return the HTML: no outside style or picture, one link. `chart` is the Content-ID of a part of the same mail."""
    said = [
        f'<blockquote style="margin:12px 0;padding:2px 12px;border-left:3px solid #c8d2d4">'
        f"{_html(q.text, QUOTE)}<br><small>{_html(facts(q), LEAD)}</small></blockquote>"
        for q in quotes(message)
    ]
    parts = [
        f'<h1 style="font-size:18px;line-height:1.3">{_html(message.title, SUBJECT) or "Cocoon"}</h1>',
        *(f"<p>{shown}</p>" for part in (message.lead, message.trend) if (shown := _html(part, LEAD))),
    ]
    for title, lines in sections(message):
        if title:
            parts.append(f'<h2 style="font-size:15px;margin:18px 0 4px">{escape(title)}</h2>')
        parts.append('<ul style="margin:0;padding-left:20px">' + "".join(map(_item, lines)) + "</ul>")
    if chart:
        alt = _html(message.title, SUBJECT)
        parts.append(f'<p><img src="cid:{escape(chart)}" width="668" alt="{alt}" style="max-width:100%"></p>')
    parts += said
    if chance := _html(message.chance, LEAD):
        parts.append(f"<p><small>{chance}</small></p>")
    if web_address(message.link):
        words = _html(message.link_text, 100) or "Cocoon"
        parts.append(f'<p><a href="{escape(message.link)}">{words}</a></p>')
    body = "\n".join(parts)
    return (
        f'<!doctype html>\n<html lang="{"fr" if message.language == "fr" else "en"}"><head><meta charset="utf-8">'
        f"<title>{_html(message.title, SUBJECT) or 'Cocoon'}</title></head>"
        f'<body style="font:15px/1.5 sans-serif;max-width:40em">\n{body}\n</body></html>\n'
    )


def _item(one: Line) -> str:
    words = escape(one.text)
    return f'<li><a href="{escape(one.link)}">{words}</a></li>' if one.link else f"<li>{words}</li>"


def _html(text: str, limit: int) -> str:
    return escape(line(text, limit))
