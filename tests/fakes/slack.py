"""A Slack on loopback: its Web API as our bot uses it, strict about tokens, scopes, blocks and one message a second.

Rules from docs.slack.dev: methods, block-kit/blocks (limits), rate-limits. It keeps messages as a workspace would.
"""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

SCOPES = frozenset({"chat:write", "files:write", "channels:history"})
NEEDS = {
    "chat.postMessage": "chat:write",
    "chat.update": "chat:write",
    "files.getUploadURLExternal": "files:write",
    "files.completeUploadExternal": "files:write",
    "conversations.history": "channels:history",
    "conversations.replies": "channels:history",
}


@dataclass
class Fault:
    """What happens at a call: `then` after it was done ("drop": the answer is lost), or instead of it."""

    method: str
    error: str = ""
    status: int = 0
    retry_after: int = 0
    after: Callable[[], None] | None = None
    drop_answer: bool = False


@dataclass
class Posted:
    ts: str
    channel: str
    text: str
    blocks: list[dict[str, Any]]
    thread_ts: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)
    broadcast: bool = False
    edits: int = 0
    files: list[str] = field(default_factory=list)


class FakeSlack:
    """`channels`: where the app is a member. `least`: seconds between two messages to one channel (0: not checked)."""

    def __init__(
        self,
        token: str = "xoxb-1-good",
        channels: frozenset[str] = frozenset({"C0000000001"}),
        scopes: frozenset[str] = SCOPES,
        least: float = 0.0,
    ) -> None:
        self.token, self.channels, self.scopes, self.least = token, channels, scopes, least
        self.messages: list[Posted] = []
        self.files: dict[str, dict[str, Any]] = {}
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.problems: list[str] = []  # blocks that Slack would have refused
        self.faults: list[Fault] = []
        self.last: dict[str, float] = {}
        self.lock = threading.RLock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers.get("content-length", 0)))
                path = urlsplit(self.path).path
                if path.startswith("/upload/"):
                    outer.files[path.removeprefix("/upload/")]["content"] = raw
                    self._say(200, b"OK - 1")
                    return
                method = path.removeprefix("/api/")
                if "json" in self.headers.get("content-type", ""):
                    arguments = json.loads(raw)
                else:
                    arguments = {name: values[0] for name, values in parse_qs(raw.decode()).items()}
                fault = outer._fault(method)
                if fault is not None and not fault.drop_answer:
                    body = {"ok": False, "error": fault.error or "internal_error"}
                    self._say(fault.status or 200, json.dumps(body).encode(), fault.retry_after)
                    return
                with outer.lock:
                    status, told, wait = outer._do(method, arguments, self.headers.get("authorization", ""))
                if fault is not None:
                    if fault.after:
                        fault.after()
                    self.close_connection = True
                    return
                self._say(status, json.dumps(told).encode(), wait)

            def _say(self, status: int, body: bytes, wait: int = 0) -> None:
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                if wait:
                    self.send_header("retry-after", str(wait))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.base = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.url = f"{self.base}/api"

    def __enter__(self) -> Self:
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def fail(self, method: str, **how: Any) -> None:
        """The next call of a method goes wrong."""
        self.faults.append(Fault(method, **how))

    def roots(self) -> list[Posted]:
        return [message for message in self.messages if not message.thread_ts]

    def thread_of(self, root: Posted) -> list[Posted]:
        return [message for message in self.messages if message.thread_ts == root.ts]

    def methods(self) -> list[str]:
        return [method for method, _ in self.calls]

    def _fault(self, method: str) -> Fault | None:
        with self.lock:
            found = next((fault for fault in self.faults if fault.method == method), None)
            if found is not None:
                self.faults.remove(found)
            return found

    def _do(self, method: str, given: dict[str, Any], authorization: str) -> tuple[int, dict[str, Any], int]:
        self.calls.append((method, given))
        refusal = self._refusal(method, given, authorization)
        if refusal:
            told = {"ok": False, "error": refusal}
            if refusal == "missing_scope":
                told["needed"] = NEEDS[method]
            return (429 if refusal == "ratelimited" else 200), told, 1 if refusal == "ratelimited" else 0
        answer: dict[str, Any] = getattr(self, "_" + method.replace(".", "_"))(given)
        return 200, answer, 0

    def _refusal(self, method: str, given: dict[str, Any], authorization: str) -> str:
        if authorization != f"Bearer {self.token}":
            return "invalid_auth"
        if method not in NEEDS:
            return "unknown_method"
        if NEEDS[method] not in self.scopes:
            return "missing_scope"
        channel = given.get("channel") or given.get("channel_id")
        if channel is not None and channel not in self.channels:
            return "channel_not_found"
        if method in {"chat.postMessage", "chat.update"}:
            problem = check_message(given)
            if problem:
                self.problems.append(problem)
                return "invalid_blocks"
        if method in {"chat.postMessage", "files.completeUploadExternal"} and self.least:
            now = time.monotonic()
            if now - self.last.get(str(channel), -100.0) < self.least:
                return "ratelimited"
            self.last[str(channel)] = now
        return ""

    def _chat_postMessage(self, given: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        ts = f"{time.time():.4f}{len(self.messages):02d}"
        thread = given.get("thread_ts", "")
        if thread and not any(m.ts == thread for m in self.messages):
            return {"ok": False, "error": "thread_not_found"}
        self.messages.append(
            Posted(
                ts,
                given["channel"],
                given["text"],
                given.get("blocks", []),
                thread,
                given.get("metadata", {}),
                bool(given.get("reply_broadcast")),
            )
        )
        return {"ok": True, "channel": given["channel"], "ts": ts}

    def _chat_update(self, given: dict[str, Any]) -> dict[str, Any]:
        found = next((m for m in self.messages if m.ts == given["ts"] and m.channel == given["channel"]), None)
        if found is None:
            return {"ok": False, "error": "message_not_found"}
        found.text, found.blocks, found.edits = given["text"], given.get("blocks", []), found.edits + 1
        return {"ok": True, "channel": found.channel, "ts": found.ts}

    def _conversations_history(self, given: dict[str, Any]) -> dict[str, Any]:
        return self._read([m for m in self.messages if not m.thread_ts], given)

    def _conversations_replies(self, given: dict[str, Any]) -> dict[str, Any]:
        return self._read([m for m in self.messages if given["ts"] in {m.ts, m.thread_ts}], given)

    def _read(self, found: list[Posted], given: dict[str, Any]) -> dict[str, Any]:
        first, last = float(given.get("oldest", 0)), float(given.get("latest", 9e12))
        shown = [m for m in found if m.channel == given["channel"] and first <= float(m.ts) <= last]
        metadata = given.get("include_all_metadata") == "true"
        return {
            "ok": True,
            "messages": [{"ts": m.ts, "text": m.text, **({"metadata": m.metadata} if metadata else {})} for m in shown],
            "response_metadata": {"next_cursor": ""},
        }

    def _files_getUploadURLExternal(self, given: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        number = f"F{len(self.files):09d}"
        self.files[number] = {"name": given["filename"], "length": int(given["length"]), "alt": given.get("alt_txt")}
        return {"ok": True, "upload_url": f"{self.base}/upload/{number}", "file_id": number}

    def _files_completeUploadExternal(self, given: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        for shared in given["files"]:
            file = self.files.get(shared["id"])
            if file is None or len(file.get("content", b"")) != file["length"] or file.get("shared"):
                return {"ok": False, "error": "file_not_found"}
            file["shared"] = (given["channel_id"], given.get("thread_ts"))
        return {"ok": True, "files": given["files"]}


def check_message(body: dict[str, Any]) -> str:
    """What Slack would refuse about text and blocks, "" when they are fine (docs.slack.dev/reference/block-kit)."""
    text, blocks = body.get("text"), body.get("blocks", [])
    if not isinstance(text, str) or not 0 < len(text) <= 40_000:
        return "text"
    if len(blocks) > 50:
        return "more than 50 blocks"
    for block in blocks:
        problem = _check_block(block)
        if problem:
            return f"{block.get('type')}: {problem}"
    return ""


def _check_block(block: dict[str, Any]) -> str:
    kind = block.get("type")
    if kind == "header":
        return _check_text(block["text"], 150, plain=True)
    if kind == "section":
        return _check_text(block["text"], 3_000)
    if kind == "divider":
        return ""
    if kind == "context":
        if not 1 <= len(block["elements"]) <= 10:
            return "elements"
        return next((p for e in block["elements"] if (p := _check_text(e, 3_000))), "")
    if kind == "actions":
        elements = block["elements"]
        if not 1 <= len(elements) <= 25 or len({e["action_id"] for e in elements}) != len(elements):
            return "elements"
        return next((p for e in elements if (p := _check_element(e))), "")
    return "unknown block"


def _check_element(element: dict[str, Any]) -> str:
    if len(element["action_id"]) > 255:
        return "action_id"
    if element["type"] == "button":
        if len(element.get("value", "")) > 2_000 or element.get("style", "primary") not in {"primary", "danger"}:
            return "button"
        return _check_text(element["text"], 75, plain=True)
    if element["type"] == "static_select":
        if not 1 <= len(element["options"]) <= 100 or _check_text(element["placeholder"], 150, plain=True):
            return "select"
        return next((p for o in element["options"] if (p := _check_text(o["text"], 75, plain=True))), "")
    return "unknown element"


def _check_text(text: dict[str, Any], longest: int, *, plain: bool = False) -> str:
    if text["type"] not in ({"plain_text"} if plain else {"plain_text", "mrkdwn"}):
        return "type"
    return "" if 0 < len(text["text"]) <= longest else f"{len(text['text'])} characters"
