"""A receiver on loopback that answers as told, and keeps what it was sent."""

import contextlib
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


class Receiver:
    """`answers`: a status for each request in turn, the last one for all that follow; "hang", "drop" and
    "drip" (a byte of the head every 50 ms, for ever) are faults."""

    def __init__(self, answers: list[int | str], headers: dict[str, str] | None = None) -> None:
        self.answers, self.extra = list(answers), headers or {}
        self.bodies: list[dict[str, Any]] = []
        self.raw: list[bytes] = []
        self.at: list[float] = []
        self.headers: list[dict[str, str]] = []
        self.arrived = threading.Condition()
        self.ending = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["content-length"]))
                with outer.arrived:
                    answer = outer.answers[min(len(outer.raw), len(outer.answers) - 1)]
                    outer.raw.append(raw)
                    outer.at.append(time.monotonic())
                    outer.bodies.append(json.loads(raw))
                    outer.headers.append({k.lower(): v for k, v in self.headers.items()})
                    outer.arrived.notify_all()
                if answer == "hang":
                    outer.ending.wait(30)
                    return
                if answer == "drip":
                    with contextlib.suppress(OSError):
                        while not outer.ending.wait(0.05):
                            self.wfile.write(b"X")
                    self.close_connection = True
                    return
                if answer == "drop":
                    self.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\nhalf")
                    self.close_connection = True
                    return
                self.send_response(int(answer))
                for name, value in outer.extra.items():
                    self.send_header(name, value)
                if answer == 302:
                    self.send_header("location", "/elsewhere")
                self.send_header("content-length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook"

    def __enter__(self) -> Self:
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.ending.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def wait(self, count: int, seconds: float = 20.0) -> None:
        """Wait until `count` requests have arrived."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.raw) >= count, seconds), f"{len(self.raw)} of {count} arrived"

    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers in self.headers]
