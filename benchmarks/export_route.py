"""Exports of a million reviews from the database, as a client gets them: seconds, bytes, and the server's memory.

    python -m benchmarks.export_route --keep FOLDER [--app 4]

FOLDER is one that `benchmarks.dashboard --keep` left; of ten million verbatims its app 4 has a million. The application
runs in a process of its own behind uvicorn; the peak of that process's memory (VmHWM, Linux) is read before and after
each file. A first, small export warms it up, so that what is loaded once is not counted.
"""

import argparse
import multiprocessing
import socket
import tempfile
import time
from pathlib import Path

import httpx
import uvicorn

from app import embedded
from app.db import make_engine
from app.main import create_app
from app.seal import Seal
from app.settings import Settings

WARM_UP = "?from=2026-11-20"


def serve(url: str, listener: socket.socket) -> None:
    """The application, in a process of its own."""
    settings = Settings(data=Path(tempfile.gettempdir()), secret_key="bench", sign_in=False)
    app = create_app(make_engine(url), settings, Seal(b"bench"))
    uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False)).run(sockets=[listener])


def peak(pid: int) -> float:
    """The most memory that a process has ever had, in MB."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("this system does not tell a process's peak of memory")


def fetch(web: httpx.Client, path: str) -> tuple[int, float, float]:
    """Bytes, seconds to the first of them and to the last. Nothing is kept."""
    began, size, first = time.perf_counter(), 0, 0.0
    with web.stream("GET", path) as answer:
        answer.raise_for_status()
        for piece in answer.iter_raw():
            first = first or time.perf_counter() - began
            size += len(piece)
    return size, first, time.perf_counter() - began


def main() -> None:
    """Print a line a format."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--keep", type=Path, required=True)
    options.add_argument("--app", type=int, default=4)
    given = options.parse_args()
    server = embedded.join(given.keep, fsync=False)
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    process = multiprocessing.get_context("fork").Process(target=serve, args=(server.url, listener), daemon=True)
    process.start()
    try:
        base = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with httpx.Client(base_url=base, timeout=600.0) as web:
            many = web.get(f"/api/v1/apps/{given.app}/reviews?limit=1").json()["count"]
            for kind in ("csv", "xlsx"):
                path = f"/api/v1/apps/{given.app}/reviews.{kind}"
                fetch(web, path + WARM_UP)
                before = peak(process.pid or 0)
                size, first, seconds = fetch(web, path)
                grown = peak(process.pid or 0) - before
                print(
                    f"{kind:<5} {many:>9,} reviews {many / seconds:>7,.0f} a second, {size / 1e6:>6.1f} MB sent, first"
                    f" byte after {1000 * first:.0f} ms, memory {before:.0f} MB {grown:+.1f} MB",
                    flush=True,
                )
    finally:
        process.terminate()
        process.join()
        server.stop()


if __name__ == "__main__":
    main()
