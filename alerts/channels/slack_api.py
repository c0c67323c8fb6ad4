"""Calls of Slack's Web API with a bot token: what each answer means for a delivery.

docs.slack.dev/apis/web-api: HTTP 200 with {"ok": false, "error": …} is a refusal; 429 carries Retry-After. Methods
used: chat.postMessage, chat.update, conversations.history, conversations.replies, files.getUploadURLExternal,
files.completeUploadExternal.
"""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx

from alerts.channels.base import DeliveryError
from alerts.channels.post import TIMEOUT, Answer, fetch, retry_after

API = "https://slack.com/api"
LONGEST = 2_000_000  # bytes of an answer: a page of a channel's history
GONE = {
    "invalid_auth": "the token is not valid",
    "not_authed": "the token is not valid",
    "token_revoked": "the token was revoked",
    "token_expired": "the token has expired",
    "account_inactive": "the app was removed from the workspace",
    "team_access_not_granted": "the app was removed from the workspace",
    "channel_not_found": "there is no such channel, or the app is not in it: /invite it there",
    "is_archived": "the channel is archived",
    "not_in_channel": "the app is not in the channel: /invite it there",
    "missing_scope": "the app lacks a right (scope): see the manifest in docs/operations.md",
    "restricted_action": "the workspace forbids the app to write there",
}
"""Refusals that only a person can mend: the destination is switched off, and the others are told why."""
BLOCKS_REFUSED = frozenset(
    {"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "blocks_too_long", "invalid_attachments"}
)


class SlackError(DeliveryError):
    """A refusal by Slack; `code` is its own word for it."""

    def __init__(self, code: str, message: str, **how: Any) -> None:
        super().__init__(message, **how)
        self.code = code


class SlackApi:
    """One app's way into one workspace."""

    def __init__(self, token: str, *, base: str = API, timeout: float = TIMEOUT) -> None:
        self._token, self._base, self._timeout = token, base.rstrip("/"), timeout

    def call(self, method: str, arguments: Mapping[str, Any], *, form: bool = False) -> dict[str, Any]:
        """Call a method; `form` for those that read no JSON. Raises SlackError for a refusal.

        Raises DeliveryError when it is not known whether Slack did it (no answer, 5xx).
        """
        given = {name: value for name, value in arguments.items() if value is not None}
        kind = "application/x-www-form-urlencoded" if form else "application/json; charset=utf-8"
        body = urlencode(given) if form else json.dumps(given)
        request = httpx.Request(
            "POST",
            f"{self._base}/{method}",
            content=body.encode("utf-8", "replace"),
            headers={"authorization": f"Bearer {self._token}", "content-type": kind, "user-agent": "Cocoon/0.1"},
        )
        answer = fetch(request, timeout=self._timeout, trust_env=True, longest=LONGEST)
        return _read(method, answer)

    def upload(self, address: str, content: bytes) -> None:
        """Send a file's bytes to the address that Slack named for them; only to Slack's own hosts."""
        parts = urlsplit(address)
        own = urlsplit(self._base)
        if (
            not ((parts.hostname or "").endswith(".slack.com") and parts.scheme == "https")
            and parts.netloc != own.netloc
        ):
            raise SlackError("bad_upload_url", "Slack named an address for the picture that is not its own.")
        request = httpx.Request("POST", address, content=content, headers={"content-type": "application/octet-stream"})
        answer = fetch(request, timeout=self._timeout, trust_env=True)
        if not answer.is_success:
            raise SlackError("upload_failed", f"The picture was refused with {answer.status}.", status=answer.status)


def _read(method: str, answer: Answer) -> dict[str, Any]:
    if answer.status == 429:
        wait = retry_after(answer.headers.get("retry-after"), answer.headers.get("date")) or 30.0
        raise SlackError("ratelimited", "Slack asks to slow down.", status=429, retry_after=wait)
    try:
        told = json.loads(answer.text)
    except ValueError:
        told = None
    if not answer.is_success or not isinstance(told, dict):
        raise DeliveryError(f"Slack answered {answer.status} to {method}.", status=answer.status)
    if told.get("ok") is True:
        return told
    code = str(told.get("error") or "unknown_error")
    if code in {"ratelimited", "rate_limited", "message_limit_exceeded"}:
        raise SlackError(code, "Slack asks to slow down.", status=429, retry_after=30.0)
    if code in {"internal_error", "fatal_error", "service_unavailable", "request_timeout"}:
        raise DeliveryError(f"Slack answered {code} to {method}.", status=answer.status)
    why = GONE.get(code)
    needed = f" ({told['needed']})" if code == "missing_scope" and isinstance(told.get("needed"), str) else ""
    raise SlackError(
        code, f"Slack refused {method}: {why or code}{needed}.", status=answer.status, gone=why is not None
    )
