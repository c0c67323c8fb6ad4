"""What Zendesk tells of a ticket, its comments, its conversation log and its webhooks.

Sources: Zendesk Support API (Tickets, Ticket Comments, Conversation Log, Satisfaction Ratings, Ticket Metrics) and
event types of webhooks (zen:event-type:ticket.*, zen:event-type:messaging_ticket.*).
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from collectors.base import Page, SourceError
from collectors.file_values import moment
from collectors.own_words import own_words
from collectors.values import RowFault, sound
from models.records import PersonKey, TicketRecord, VerbatimRecord

MESSAGING = frozenset({"native_messaging", "whatsapp", "messaging", "line", "wechat", "facebook", "instagram_dm",
                       "sunshine_conversations_api", "sunshine_conversations_facebook_messenger", "telegram", "viber",
                       "apple", "twilio_sms", "sms", "chat", "chat_transcript", "business_messaging_slack_connect",
                       "google_rcs", "kakaotalk", "mobile_sdk"})  # fmt: skip
CUSTOMERS = frozenset({"end_user", "end-user", "user", "customer"})
Ticket = Mapping[str, Any]


def is_messaging(ticket: Ticket) -> bool:
    """Whether its description holds no words of the customer: they are in its conversation log."""
    return bool(ticket.get("from_messaging_channel")) or via(ticket) in MESSAGING


def via(ticket: Ticket) -> str:
    """How it came."""
    return sound((ticket.get("via") or {}).get("channel")).lower()


def read_ticket(
    ticket: Ticket,
    users: Mapping[str, Ticket],
    metrics: Mapping[str, Ticket],
    ratings: Mapping[str, Ticket],
    version: str,
) -> TicketRecord:
    """Read a ticket of the incremental export, with what came beside it. Raises RowFault."""
    if not isinstance(ticket, Mapping) or ticket.get("id") is None:
        raise RowFault("the row is no ticket")
    name = str(ticket["id"])
    status = sound(ticket.get("status")).lower()
    created = moment(ticket.get("created_at"))
    changed = moment(ticket.get("updated_at") or ticket.get("created_at"))
    if status == "deleted":
        return TicketRecord(name, changed, created, via(ticket), status, deleted=True)
    metric = ticket.get("metric_set") or metrics.get(name) or {}
    minutes = (metric.get("reply_time_in_minutes") or {}).get("calendar")
    solved = metric.get("solved_at") if status in {"solved", "closed"} else None
    score = sound((ratings.get(name) or ticket.get("satisfaction_rating") or {}).get("score")).lower()
    custom = {str(field.get("id")): field.get("value") for field in ticket.get("custom_fields") or ()}
    return TicketRecord(
        external_id=name,
        updated_at=changed,
        created_at=created,
        via=via(ticket),
        status=status,
        first_answer_at=created + timedelta(minutes=minutes) if isinstance(minutes, int | float) else None,
        resolved_at=moment(solved) if solved else None,
        satisfied=True if score.startswith("good") else False if score.startswith("bad") else None,
        version=sound(custom.get(version)) if version else "",
        keys=keys_of(users.get(str(ticket.get("requester_id")))),
    )


def keys_of(user: Ticket | None) -> tuple[PersonKey, ...]:
    """What the requester may be known by elsewhere."""
    if not user:
        return ()
    told: list[PersonKey] = [
        ("customer", sound(user.get("external_id"))),
        ("email", sound(user.get("email"))),
        ("phone", sound(user.get("phone"))),
    ]
    return tuple(key for key in told if key[1])


def message(
    ticket: TicketRecord, name: str, at: datetime, content: str, author: str, locale: str = ""
) -> VerbatimRecord | None:
    """A message of the customer as a verbatim; None where all of it is quoted or empty."""
    body = own_words(content)
    if not body:
        return None
    return VerbatimRecord(
        external_id=f"{ticket.external_id}:{name}",
        written_at=at,
        body=body,
        locale=locale or None,
        version=ticket.version or None,
        author=author or None,
        keys=ticket.keys,
        thread=ticket.external_id,
    )


def of_comments(
    ticket: TicketRecord, requester: str, comments: Iterable[Ticket], locale: str = ""
) -> list[VerbatimRecord]:
    """The public comments that the requester wrote."""
    found: list[VerbatimRecord] = []
    for comment in comments:
        if str(comment.get("author_id")) != requester or comment.get("public") is False:
            continue
        content = sound(comment.get("html_body")) or sound(comment.get("plain_body")) or sound(comment.get("body"))
        made = message(ticket, str(comment["id"]), moment(comment["created_at"]), content, requester, locale)
        found += [made] if made else []
    return found


def of_log(ticket: TicketRecord, requester: str, events: Iterable[Ticket]) -> list[VerbatimRecord]:
    """The messages of the conversation log that a customer wrote; bots, agents and events are left out."""
    found: list[VerbatimRecord] = []
    for event in events:
        # The description of the log leaves the place of these open: both spellings that Zendesk uses are read.
        who = event.get("author") or event.get("actor") or {}
        if sound(who.get("type")).lower() not in CUSTOMERS:
            continue
        content = _content(event)
        if content and (made := message(ticket, _same_words(content), moment(event["created_at"]), content, requester)):
            found.append(made)
    return found


def _content(event: Ticket) -> str:
    for holder in (event.get("content"), event.get("message"), event.get("attributes"), event):
        if isinstance(holder, Mapping):
            for name in ("text", "body", "html_body", "plain_body"):
                if sound(holder.get(name)):
                    return sound(holder[name])
    return ""


def _same_words(content: str) -> str:
    """A message's name within its ticket, from what it says: webhook and log name the same one differently."""
    return "m" + hashlib.sha256(" ".join(own_words(content).casefold().split()).encode()).hexdigest()[:16]


def of_rating(ticket: TicketRecord, rating: Ticket, author: str) -> VerbatimRecord | None:
    """What the customer wrote beside a satisfaction rating."""
    if not sound(rating.get("comment")):
        return None
    at = rating.get("updated_at") or rating.get("created_at")
    return message(ticket, "satisfaction", moment(at) if at else ticket.updated_at, sound(rating["comment"]), author)


def read_zendesk_hook(body: bytes, config: Mapping[str, Any]) -> Page:
    """Read an event of Zendesk. Raises SourceError where it is none."""
    try:
        event = json.loads(body)
        kind = str(event["type"]).removeprefix("zen:event-type:")
        told = event["event"]
    except (ValueError, RecursionError, KeyError, TypeError) as error:
        raise SourceError("This is no event of Zendesk.", "format") from error
    if kind.startswith("messaging_ticket.") and not _is_customer(told.get("actor")):
        return Page(note="a bot's or an agent's words, left out")
    name = sound((event.get("detail") or {}).get("id")) or sound(event.get("subject")).rpartition(":")[2]
    if not name or not event.get("time"):
        raise SourceError("The event of Zendesk names no ticket or no time.", "format")
    at = moment(event["time"])
    detail = event.get("detail") or {}
    # The export tells whole seconds: with the fraction its full record of the same change would look older.
    second = at.replace(microsecond=0)
    ticket = TicketRecord(name, second, status=sound(detail.get("status")).lower(), via=via(detail), partial=True)
    if kind == "messaging_ticket.message_added":
        content = _content(told)
        who = sound((told.get("actor") or {}).get("id"))
        made = message(ticket, _same_words(content), at, content, who) if content else None
        return Page(verbatims=(made,) if made else (), tickets=(ticket,))
    if kind == "ticket.comment_added":
        return Page(verbatims=_commented(ticket, detail, told.get("comment") or {}, at), tickets=(ticket,))
    if kind == "ticket.status_changed":
        return Page(tickets=(TicketRecord(name, second, status=sound(told.get("current")).lower(), partial=True),))
    if kind in {"ticket.soft_deleted", "ticket.permanently_deleted", "ticket.marked_as_spam"}:
        return Page(tickets=(TicketRecord(name, second, status="deleted", deleted=True, partial=True),))
    return Page(note=f"an event of the kind {kind[:60]}, which tells nothing that is kept")


def _is_customer(actor: object) -> bool:
    return isinstance(actor, Mapping) and sound(actor.get("type")).lower() in CUSTOMERS


def _commented(ticket: TicketRecord, detail: Ticket, comment: Ticket, at: datetime) -> tuple[VerbatimRecord, ...]:
    author = comment.get("author") or {}
    mine = str(author.get("id")) == str(detail.get("requester_id")) and author.get("is_staff") is not True
    # In messaging the comment only says "Conversation with Web User …".
    if not mine or comment.get("is_public") is False or ticket.via in MESSAGING:
        return ()
    made = message(ticket, str(comment.get("id")), at, sound(comment.get("body")), str(author.get("id")))
    return (made,) if made else ()
