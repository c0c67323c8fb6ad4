"""Pages a second of a walk beside a bare httpx loop over the same pages, and the memory of a walk of a million reviews.

    python -m benchmarks.collect [--pages 200] [--reviews 1000000]

bare loop    httpx posts for every page and drops the answer: the floor of the network and of HTTP
bare + json  the same, the answer decoded as JSON twice over, as Google packs it: the least that reading costs
walk         the collector: pace, time-outs, faults, parsing, validation, records
memory       resident memory during a walk of all reviews that keeps nothing: it must stay flat
The store is another process on this machine, in Google's format. Read the ratios: machines are noisy.
"""

import argparse
import json
import multiprocessing
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path
from urllib.parse import parse_qs

import httpx

from collectors.google_play import GooglePlay
from collectors.http import Http
from collectors.pace import Pace
from collectors.play_format import LARGEST_PAGE, reviews_request

APP = "com.example.bank"
NEWEST = 1_795_000_000


def page(number: int, pages: int) -> bytes:
    """A page of 199 reviews in Google's format; its token names the next page."""
    rows = []
    for at in range(number * LARGEST_PAGE, (number + 1) * LARGEST_PAGE):
        author = [f"Client {at % 9973}", [None, 2, None, [None, None, f"https://play-lh.example/a/{at:x}"]]]
        text = "Impossible de se connecter depuis la mise à jour, c'est vraiment pénible au quotidien."
        identity = f"{at:08x}-0000-4000-8000-{at:012x}"
        rows.append(
            [identity, author, 1 + at % 5, None, text, [NEWEST - 60 * at, 0], at % 7, None, None, None, "7.2.0"]
        )
    token = [None, f"t{number + 1}"] if number + 1 < pages else []
    payload = json.dumps([rows, token, None], ensure_ascii=False, separators=(",", ":"))
    outer = [["wrb.fr", "oCPfdb", payload, None, None, None, "generic"]]
    return b")]}'\n\n" + json.dumps(outer, ensure_ascii=False, separators=(",", ":")).encode()


def serve(told: Connection, pages: int, prepared: int) -> None:
    """Answer on a free port; the first `prepared` pages are made beforehand, so that only the client is measured."""
    ready = [page(number, pages) for number in range(min(prepared, pages))]

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # one write an answer: head and body apart would wait for each other

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            asked = json.loads(json.loads(parse_qs(body)["f.req"][0])[0][0][1])[1][2]
            number = int(asked[2][1:]) if len(asked) > 2 and asked[2] else 0
            answer = ready[number] if number < len(ready) else page(number, pages)
            self.send_response(200)
            self.send_header("content-type", "application/json; charset=utf-8")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.send(server.server_address[1])
    server.serve_forever()


def resident() -> float:
    """Resident memory of this process, in MB (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def collector(url: str) -> GooglePlay:
    http = Http(pace=Pace(intervals={"127.0.0.1": 0.0}))
    return GooglePlay(APP, "fr", "fr", url, http=http)


def bare(url: str, pages: int, *, decode: bool) -> float:
    """Seconds for a loop of posts without anything of ours."""
    began = time.perf_counter()
    with httpx.Client() as client:
        for number in range(pages):
            token = f"t{number}" if number else None
            address, body = reviews_request(APP, lang="fr", gl="fr", count=LARGEST_PAGE, token=token, base_url=url)
            answer = client.post(
                address, content=body, headers={"content-type": "application/x-www-form-urlencoded;charset=UTF-8"}
            )
            if decode:
                json.loads(json.loads(answer.text.split("\n\n", 1)[1])[0][2])
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=200)
    parser.add_argument("--reviews", type=int, default=1_000_000)
    chosen = parser.parse_args()
    pages = max(chosen.pages, -(-chosen.reviews // LARGEST_PAGE))
    ours, theirs = multiprocessing.Pipe()
    store = multiprocessing.Process(target=serve, args=(theirs, pages, chosen.pages), daemon=True)
    store.start()
    url = f"http://127.0.0.1:{ours.recv()}"
    try:
        speed(url, chosen.pages)
        memory(url, pages)
    finally:
        store.terminate()


def speed(url: str, pages: int) -> None:
    bare(url, min(pages, 20), decode=True)  # warm
    floor, decoded = bare(url, pages, decode=False), bare(url, pages, decode=True)
    began, rows = time.perf_counter(), 0
    for number, one in enumerate(collector(url).pages(), start=1):
        rows += len(one.verbatims)
        if number == pages:
            break
    walked = time.perf_counter() - began
    print(f"{'':<14}{'pages/s':>9}{'reviews/s':>11}{'of bare':>9}{'of bare + json':>16}")
    for name, seconds in (("bare loop", floor), ("bare + json", decoded), ("walk", walked)):
        rate = pages / seconds
        print(f"{name:<14}{rate:>9.0f}{rate * LARGEST_PAGE:>11.0f}{floor / seconds:>9.2f}{decoded / seconds:>16.2f}")
    assert rows == pages * LARGEST_PAGE


def memory(url: str, pages: int) -> None:
    marks = sorted({max(1, pages * part // 10) for part in (1, 2, 4, 6, 8, 10)})
    seen, shown = 0, {}
    for number, one in enumerate(collector(url).pages(), start=1):
        seen += len(one.verbatims)
        if number in marks:
            shown[seen] = resident()
    print("\nmemory         " + "  ".join(f"{count:,}: {mb:.0f} MB" for count, mb in shown.items()))
    first, last = next(iter(shown.values())), list(shown.values())[-1]
    print(f"growth         {last - first:+.1f} MB from {next(iter(shown)):,} to {seen:,} reviews")


if __name__ == "__main__":
    main()
