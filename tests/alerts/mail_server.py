"""A mail server on loopback that keeps what it took, and answers as told."""

import base64
import socketserver
import threading
from types import TracebackType
from typing import Self


class MailServer:
    """`answers`: the reply to a command instead of the usual one, such as {"DATA": "451 later"}.

    `refused` recipients get 550. `login` is the user and password that AUTH PLAIN must bring.
    """

    def __init__(
        self,
        answers: dict[str, str] | None = None,
        *,
        login: tuple[str, str] | None = None,
        refused: tuple[str, ...] = (),
        offers: tuple[str, ...] = ("AUTH PLAIN",),
    ) -> None:
        self.mails: list[bytes] = []
        self.recipients: list[list[str]] = []
        self.commands: list[str] = []
        outer, told = self, dict(answers or {})

        class Talk(socketserver.StreamRequestHandler):
            def say(self, line: str) -> None:
                self.wfile.write(f"{line}\r\n".encode())

            def handle(self) -> None:
                self.say(told.get("CONNECT", "220 here"))
                to: list[str] = []
                while raw := self.rfile.readline():
                    line = raw.decode("utf-8", "replace").strip()
                    verb = line.split(" ")[0].upper()
                    outer.commands.append(line)
                    if verb in told:
                        self.say(told[verb])
                    elif verb == "EHLO":
                        self.say("250-here")
                        for extension in offers:
                            self.say(f"250-{extension}")
                        self.say("250 8BITMIME")
                    elif verb == "AUTH":
                        given = base64.b64decode(line.split(" ")[2]).decode().split("\0")[1:]
                        self.say("235 ok" if login and given == list(login) else "535 wrong password")
                    elif verb == "RCPT":
                        who = line.partition("<")[2].partition(">")[0]
                        if who in refused:
                            self.say("550 no such box")
                        else:
                            to.append(who)
                            self.say("250 ok")
                    elif verb == "DATA":
                        self.say("354 go on")
                        lines = []
                        while (part := self.rfile.readline()) != b".\r\n":
                            lines.append(part.removeprefix(b".") if part.startswith(b"..") else part)
                        outer.mails.append(b"".join(lines))
                        outer.recipients.append(to)
                        self.say("250 taken")
                    elif verb == "QUIT":
                        self.say("221 bye")
                        return
                    else:
                        self.say("250 ok")

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        self.server = Server(("127.0.0.1", 0), Talk)
        self.port = int(self.server.server_address[1])

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
