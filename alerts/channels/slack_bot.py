"""Slack by bot token: one message per incident, kept up to date in place, with its story in its thread.

At least once, and how it stays once: a row (models.incidents.SlackPost) is committed before Slack is asked, and
completed with the message's place (channel, ts) after. If the process dies in between, or no answer came, the next try
looks for the message by the id that we put into its metadata (docs.slack.dev/messaging/message-metadata) before it is
sent again. Slack does not act on client_msg_id, so that is the way there is. With the scope channels:history (or
groups:history) nothing comes twice; without it, or when Slack's history is late, at most one duplicate a crash.

One delivery of an incident at a time, by an advisory lock; at most one message a second and channel, over all our
processes, by a row (SlackPace). docs.slack.dev/apis/web-api/rate-limits
"""

import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from alerts.channels.base import DeliveryError, Message, Picture, Receipt
from alerts.channels.plain import cut, one_line
from alerts.channels.slack import fit, quiet, render
from alerts.channels.slack_api import BLOCKS_REFUSED, SlackApi, SlackError
from alerts.outbox import Transaction
from alerts.saying import say
from models.incidents import SlackPace, SlackPost

log = logging.getLogger(__name__)

CHANNEL = re.compile(r"[CG][A-Z0-9]{5,20}")
"""A channel's id: names change, and files can only be sent to an id."""
EVENT = "cocoon_delivery"
AROUND = timedelta(minutes=2)  # how far our clock and Slack's may be apart
LONGEST_PACE = 20.0  # seconds that a send waits for its turn; else it is given back untried
SILENCES = (1, 7, 30)  # days offered
LOST = frozenset({"message_not_found", "cant_update_message", "edit_window_closed", "thread_not_found"})
"""The message was deleted, or is not ours to change any more: it is posted anew."""


@dataclass(frozen=True, slots=True)
class SlackSecrets:
    """What is sealed of a bot: its token, and the secret that signs what Slack tells us ("" without buttons)."""

    token: str
    signing: str = ""

    @classmethod
    def read(cls, sealed: str) -> "SlackSecrets":
        """Read what `to_text` made. Raises ValueError when it is something else."""
        try:
            told = json.loads(sealed)
            return cls(str(told["token"]), str(told.get("signing", "")))
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError("the bot token is missing") from error

    def to_text(self) -> str:
        """What is sealed."""
        return json.dumps({"token": self.token, "signing": self.signing})


class SlackBot:
    """Posts to one channel as one app."""

    pace = 0.0  # kept by a row, over all processes, and between the calls of one send

    def __init__(
        self,
        destination_id: int,
        config: Mapping[str, Any],
        secrets: SlackSecrets,
        transaction: Transaction,
        *,
        picture: Picture | None = None,
        base: str = "",
        pace: float = 1.0,
        timeout: float = 10.0,
    ) -> None:
        self._to, self._channel = destination_id, str(config["channel"])
        self._buttons = bool(secrets.signing)
        self._transaction, self._picture, self._least = transaction, picture, pace
        self._api = SlackApi(secrets.token, timeout=timeout, **({"base": base} if base else {}))

    def send(self, message: Message, delivery_id: UUID, at: datetime) -> Receipt:
        """Post, or change the incident's message and add to its thread. Raises DeliveryError."""
        del at
        incident = message.incident_id if message.kind.startswith("incident.") else None
        key = f"incident:{incident}" if incident else f"delivery:{delivery_id}"
        with self._transaction() as session:  # holds the lock to the end
            lock = select(func.pg_try_advisory_xact_lock(func.hashtextextended(f"slack:{self._to}:{key}", 0)))
            if not session.scalar(lock):
                raise DeliveryError("Another message of this incident is on its way.", untried=True, retry_after=2.0)
            if incident is None:
                self._once(key, compose(message), delivery_id)
                return Receipt(200, "posted")
            return self._tell(message, UUID(incident), key, delivery_id)

    def _tell(self, message: Message, incident: UUID, key: str, delivery_id: UUID) -> Receipt:
        told, known = _moment(message), self._find(key)
        body = compose(message, incident=incident, buttons=self._buttons)
        if known is None or not known.ts:
            root = self._once(key, body, delivery_id)
        else:
            root = known
            if known.told_at is None or known.told_at < told:  # an old state never covers a newer one
                try:
                    self._update(known, body)
                except SlackError as error:
                    if error.code not in LOST:
                        raise
                    self._forget(key)
                    root = self._once(key, body, delivery_id)
        self._mark(key, told)
        if root.made_by != delivery_id:
            self._once(f"delivery:{delivery_id}", compose_line(message), delivery_id, thread=root)
        note = self._chart(message, incident, root) if message.kind == "incident.opened" else ""
        return Receipt(200, "posted", note)

    # One message, whatever dies in between.

    def _once(self, key: str, body: dict[str, Any], delivery_id: UUID, thread: SlackPost | None = None) -> SlackPost:
        """Post under a key, unless Slack has it already; return where it is."""
        known = self._find(key)
        if known is not None and known.ts:
            return known
        if known is not None and (ts := self._search(key, known, thread)):
            return self._keep(key, self._channel, ts)
        self._wait()
        self._begin(key, delivery_id)
        place = {"channel": self._channel, "metadata": {"event_type": EVENT, "event_payload": {"id": key}}}
        if thread is not None:
            place |= {"thread_ts": thread.ts}
        try:
            answer = self._call_with_blocks("chat.postMessage", place | body)
        except SlackError:
            self._forget(key)  # refused: it is not there
            raise
        return self._keep(key, str(answer.get("channel") or self._channel), str(answer["ts"]))

    def _update(self, root: SlackPost, body: dict[str, Any]) -> None:
        self._wait()
        self._call_with_blocks("chat.update", {"channel": root.channel, "ts": root.ts, **body})

    def _call_with_blocks(self, method: str, body: dict[str, Any]) -> dict[str, Any]:
        """Call; when the blocks are refused, the same in plain text."""
        try:
            return self._call(method, body)
        except SlackError as error:
            if error.code not in BLOCKS_REFUSED or not body.get("blocks"):
                raise
            log.warning("Slack refused blocks; sent as plain text", extra={"code": error.code})
            self._wait()
            return self._call(method, {**body, "blocks": []})

    def _call(self, method: str, body: dict[str, Any], *, form: bool = False) -> dict[str, Any]:
        try:
            return self._api.call(method, body, form=form)
        except SlackError as error:
            if error.retry_after:
                self._slow_down(error.retry_after)
            raise

    def _search(self, key: str, begun: SlackPost, thread: SlackPost | None) -> str:
        """Return the ts of a message that an earlier try may have posted, "" when Slack does not have it.

        Without the right to read the channel it cannot be known: then it is posted again, rather twice than never.
        """
        oldest = (begun.begun_at - AROUND).timestamp()
        asked: dict[str, Any] = {
            "channel": thread.channel if thread else self._channel,
            "oldest": f"{oldest:.6f}",
            "latest": f"{oldest + 3 * AROUND.total_seconds():.6f}",
            "include_all_metadata": "true",
            "limit": "200",
        }
        if thread is not None:
            asked["ts"] = thread.ts
        try:
            for _page in range(5):
                answer = self._call("conversations.replies" if thread else "conversations.history", asked, form=True)
                for each in answer.get("messages") or []:
                    metadata = each.get("metadata") or {}
                    if metadata.get("event_type") == EVENT and metadata.get("event_payload", {}).get("id") == key:
                        return str(each["ts"])
                following = (answer.get("response_metadata") or {}).get("next_cursor")
                if not following:
                    return ""
                asked["cursor"] = following
        except SlackError as error:
            if error.code not in {"missing_scope", "not_in_channel", "thread_not_found"}:
                raise
            log.warning("what was posted before cannot be looked up in Slack", extra={"code": error.code})
        return ""

    # The chart, once.

    def _chart(self, message: Message, incident: UUID, root: SlackPost) -> str:
        """Upload the chart into the thread; a chart that fails is a note, never a lost alert."""
        key = f"chart:{incident}"
        known = self._find(key)
        if self._picture is None or (known is not None and known.ts):
            return ""
        try:
            file_id = known.file_id if known is not None else ""
            if not file_id:
                drawn = self._picture(incident, message.language)
                if drawn is None:
                    return ""
                given = {"filename": "cocoon.png", "length": str(len(drawn)), "alt_txt": _alt(message)}
                place = self._call("files.getUploadURLExternal", given, form=True)
                file_id = str(place["file_id"])
                self._api.upload(str(place["upload_url"]), drawn)
                self._begin(key, file_id=file_id)
            self._wait()
            try:
                shared = {"id": file_id, "title": _alt(message)}
                self._call(
                    "files.completeUploadExternal",
                    {"files": [shared], "channel_id": root.channel, "thread_ts": root.ts},
                )
            except SlackError as error:
                if known is None or error.retry_after:
                    raise  # else a second completion, refused because the first went well
            self._keep(key, root.channel, file_id)
        except Exception as error:
            log.warning("the chart could not be uploaded", exc_info=not isinstance(error, DeliveryError))
            return f"The chart was not sent: {error}"[:300]
        return ""

    # Where things are.

    def _find(self, key: str) -> SlackPost | None:
        with self._transaction() as session:
            found = session.get(SlackPost, (self._to, key), populate_existing=True)
            if found is not None:
                session.expunge(found)
            return found

    def _begin(self, key: str, made_by: UUID | None = None, file_id: str = "") -> None:
        now = func.clock_timestamp()
        row = insert(SlackPost).values(destination_id=self._to, key=key)
        fresh = {"begun_at": now, "ts": "", "made_by": made_by, "file_id": file_id}
        again = row.values(**fresh).on_conflict_do_update(index_elements=["destination_id", "key"], set_=fresh)
        with self._transaction() as session:
            session.execute(again)

    def _keep(self, key: str, channel: str, ts: str) -> SlackPost:
        with self._transaction() as session:
            row = session.get_one(SlackPost, (self._to, key), populate_existing=True)
            row.channel, row.ts = channel, ts
            session.flush()
            session.expunge(row)
            return row

    def _mark(self, key: str, told: datetime) -> None:
        with self._transaction() as session:
            row = session.get(SlackPost, (self._to, key), populate_existing=True)
            if row is not None and (row.told_at is None or row.told_at < told):
                row.told_at = told

    def _forget(self, key: str) -> None:
        with self._transaction() as session:
            row = session.get(SlackPost, (self._to, key), populate_existing=True)
            if row is not None:
                session.delete(row)

    # The pace.

    def _wait(self) -> None:
        """Take the channel's next turn and wait for it."""
        clock, pace = func.clock_timestamp(), timedelta(seconds=self._least)
        row = insert(SlackPace).values(channel=self._channel, next_at=clock + pace)
        turn = row.on_conflict_do_update(
            index_elements=["channel"],
            set_={"next_at": func.greatest(SlackPace.next_at, clock) + pace},
            where=SlackPace.next_at < clock + timedelta(seconds=LONGEST_PACE),
        ).returning(func.extract("epoch", SlackPace.next_at - pace - clock))
        with self._transaction() as session:
            seconds = session.scalar(turn)
            if seconds is None:
                rest = select(func.extract("epoch", SlackPace.next_at - clock))
                left = session.scalar(rest.where(SlackPace.channel == self._channel))
                raise DeliveryError("Slack asked to slow down.", untried=True, retry_after=float(left or LONGEST_PACE))
        if seconds > 0:
            Event().wait(float(seconds))

    def _slow_down(self, seconds: float) -> None:
        """Hold everything for this channel as long as Slack asked."""
        until = func.clock_timestamp() + timedelta(seconds=seconds)
        row = insert(SlackPace).values(channel=self._channel, next_at=until)
        with self._transaction() as session:
            session.execute(
                row.on_conflict_do_update(
                    index_elements=["channel"], set_={"next_at": func.greatest(SlackPace.next_at, until)}
                )
            )


def compose(message: Message, *, incident: UUID | None = None, buttons: bool = False) -> dict[str, Any]:
    """Return text and blocks of a message of its own: that of the webhook, with the incident's state and buttons."""
    made = render(message)
    blocks = list(made["blocks"])
    if status := fit(quiet(one_line(message.status)), 600).strip():
        blocks.append({"type": "context", "elements": [_text(status)]})
    if incident is not None and buttons and (actions := _actions(message, incident)):
        blocks.append({"type": "actions", "block_id": "cocoon", "elements": actions})
    return {"text": made["text"], "blocks": blocks}


def compose_line(message: Message) -> dict[str, Any]:
    """Return a line of an incident's thread; what somebody should see is shown in the channel too."""
    said = [message.status] if message.kind in QUIET_LINES else [message.title, message.lead]
    lines = [fit(quiet(one_line(words)), 1_400) for words in said if quiet(words).strip()] or ["Cocoon"]
    loud = message.kind in {"incident.opened", "incident.updated", "incident.reminder"}
    return {
        "text": "\n".join(lines),
        "blocks": [{"type": "section", "text": _text("\n".join(lines))}],
        "unfurl_links": False,
        "unfurl_media": False,
        **({"reply_broadcast": True} if loud else {}),
    }


QUIET_LINES = frozenset({"incident.acknowledged", "incident.silenced", "incident.unsilenced"})
"""What only changes the incident's state: one line says who did it."""


def _actions(message: Message, incident: UUID) -> list[dict[str, Any]]:
    """The buttons that its state allows; each names the incident."""
    language, state = message.language, message.data.get("state")
    value = str(incident)
    votes = [_button(vote, say(language, f"button_{vote}"), value) for vote in ("useful", "not_useful")]
    if state not in {"open", "acknowledged"}:
        return votes
    buttons: list[dict[str, Any]] = []
    if state == "open":
        buttons.append(_button("acknowledge", say(language, "button_acknowledge"), value, style="primary"))
    options = [
        {"text": _plain(say(language, f"button_silence_{days}")), "value": f"{value}:{days}"} for days in SILENCES
    ]
    placeholder = _plain(say(language, "button_silence"))
    buttons.append({"type": "static_select", "action_id": "silence", "placeholder": placeholder, "options": options})
    return buttons + votes


def _button(action: str, words: str, value: str, **style: str) -> dict[str, Any]:
    return {"type": "button", "action_id": action, "text": _plain(words), "value": value, **style}


def _plain(words: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": cut(words, 75), "emoji": False}


def _text(words: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": words, "verbatim": True}


def _alt(message: Message) -> str:
    return cut(one_line(message.title), 200) or "Cocoon"


def _moment(message: Message) -> datetime:
    """When what a message tells was so, by the story's clock; the beginning of time where it does not say."""
    try:
        return datetime.fromisoformat(str(message.data["at"]))
    except (KeyError, ValueError):
        return datetime.min.replace(tzinfo=UTC)
