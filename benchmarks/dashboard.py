"""Every page and API route on ten million verbatims: server time, and the same question asked of the raw rows.

    python -m benchmarks.dashboard [--rows 10000000] [--keep FOLDER] [--only WORD] [--times 40]

Builds the rows by SQL on an embedded Postgres (about 90 s a million; `--keep` leaves the folder and uses it again,
brought to the schema by our migrations, which fill new rollups), then asks each page and route `--times` times with a
warm cache, through the whole application in this process: routing, database, template, gzip. Asked: 50 ms at p99, a
search 150 ms. `raw` is one SQL statement that answers the page's main question from the rows themselves. At the end the
write path: pages of 2,000 new verbatims with their topics and counts, beside plain COPY of the same rows into the same
indexed tables. On a busy machine the least of the times says more than p99.
"""

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from fastapi.testclient import TestClient
from sqlalchemy import Engine, func, select, text
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import clock, embedded
from app.db import make_engine, transaction
from app.irritant_counts import count
from app.main import create_app
from app.migrate import migrate
from app.seal import Seal
from app.settings import Settings
from benchmarks.beside import complete
from benchmarks.dashboard_writes import write_path
from benchmarks.ten_million import DAYS, END, build, today
from models.apps import App
from models.feedback import Verbatim
from models.insight import Irritant

ASKED, ASKED_OF_SEARCH = 50.0, 150.0
FIRST = today() - timedelta(days=364)


@dataclass(frozen=True)
class Question:
    """A page or a route, and how the raw rows would answer its main question (with :app, :first, :last)."""

    name: str
    path: str
    raw: str = ""
    limit: float = ASKED


STARS = """SELECT date_trunc('week', day), count(*), avg(stars) FROM verbatims
    WHERE app_id = :app AND day BETWEEN :first AND :last GROUP BY 1"""
TOPICS = """SELECT topic, count(*), count(*) FILTER (WHERE t.sentiment < 0) FROM verbatim_topics t
    WHERE app_id = :app AND day BETWEEN :first AND :last GROUP BY 1"""
VERSIONS = (
    "SELECT version, count(*), avg(stars) FROM verbatims WHERE app_id = :app AND version IN ('7.39', '7.38') GROUP BY 1"
)
WEEK = "SELECT app_id, count(*), avg(stars) FROM verbatims WHERE day > CAST(:last AS date) - 28 GROUP BY 1"
PEOPLE = """SELECT channel, count(*), count(DISTINCT coalesce(person, author)) FROM verbatims
    WHERE app_id = :app AND day > CAST(:last AS date) - 28 GROUP BY 1"""
SEARCH = """SELECT count(*) FROM verbatims WHERE app_id = :app
    AND to_tsvector('cocoon', title || ' ' || body) @@ websearch_to_tsquery('cocoon', 'conseiller agence')"""
FILTERED = """SELECT count(*) FROM verbatims v JOIN verbatim_topics t ON t.app_id = v.app_id AND t.verbatim_id = v.id
    WHERE v.app_id = :app AND v.version = '7.20' AND t.topic = 'transfer' AND t.sentiment < 0"""
JOURNEY = """SELECT v.channel, t.topic, count(*), count(DISTINCT v.author), avg(t.sentiment) FROM verbatims v
    JOIN verbatim_topics t ON t.app_id = v.app_id AND t.verbatim_id = v.id
    WHERE v.app_id = :app AND v.day > CAST(:last AS date) - 84 GROUP BY 1, 2"""


def questions(app: int, review: int, irritant: int, incident: str) -> list[Question]:
    """Every page and every route that reads, and the harder sorts of lists."""
    a, api = f"/apps/{app}", f"/api/v1/apps/{app}"
    lists = [
        ("", "all"),
        ("?stars=1&stars=2&version=7.20", "stars and version"),
        ("?version=7.3&channel=app_store&storefront=lu", "rare slice"),
        ("?topic=transfer&topic_negative=true", "topic"),
        ("?topic=transfer&topic_negative=true&version=7.20", "topic and version"),
        ("?topic=missing_feature&language=en&urgent=true", "rare topic, urgent"),
        ("?label=negative&language=en&intent=problem", "label, language, intent"),
        ("?urgent=true&version=7.5", "urgent, old version"),
        ("?revised=true&stars=1", "edited"),
        ("?device=Fairphone+5&from=2025-03-01&to=2025-03-20", "device, old days"),
        ("?replied=false&stars=1", "unanswered"),
        (f"?irritant={irritant}", "irritant"),
    ]
    searches = [
        ("?q=virement", "frequent word"),
        ("?q=conseiller+agence", "two words"),
        ("?q=%22mot+passe%22", "phrase"),
        ("?q=numero99700", "one in all"),
        ("?q=viremant", "typo"),
        ("?q=viremant+conseller&stars=1&version=7.20", "typos and filters"),
        ("?q=absolument+introuvable", "nothing"),
    ]
    return [
        Question("portfolio", "/", WEEK),
        Question("app, 3 months", f"{a}?days=90", STARS),
        Question("app, 1 year", a, STARS),
        Question("app, 2 years, one channel", f"{a}?days=730&channel=google_play", STARS),
        Question("versions", f"{a}/versions", VERSIONS),
        Question("versions, two old ones", f"{a}/versions?this=7.12&that=7.4&channel=google_play", VERSIONS),
        Question("irritants", f"{a}/irritants", TOPICS),
        Question("irritants, one version", f"{a}/irritants?version=7.39&channel=google_play", TOPICS),
        Question("one irritant", f"{a}/irritants/{irritant}", TOPICS),
        Question("journey", f"{a}/journey", JOURNEY),
        *(Question(f"reviews: {name}", f"{a}/reviews{query}", FILTERED) for query, name in lists),
        *(Question(f"search: {name}", f"{a}/reviews{query}", SEARCH, ASKED_OF_SEARCH) for query, name in searches),
        Question("one review", f"{a}/reviews/{review}"),
        Question("incidents", f"{a}/incidents"),
        Question("one incident", f"/incidents/{incident}"),
        Question("sources", f"{a}/sources"),
        Question("all sources", "/sources"),
        Question("destinations", "/destinations"),
        Question("inbox", "/inbox"),
        Question("set-up", "/setup"),
        Question("channels", f"{a}/channels", PEOPLE),
        Question("deliveries", "/deliveries"),
        Question("all incidents", "/incidents"),
        Question("rules", "/settings/rules"),
        Question("own model", "/settings/model"),
        Question("topics", "/topics"),
        Question("credentials", "/credentials"),
        Question("API apps", "/api/v1/apps"),
        Question("API star trend, 2 years, days", f"{api}/trends/stars?from=2024-11-24&bucket=day", STARS),
        Question("API star trend, one version", f"{api}/trends/stars?version=7.20", STARS),
        Question("API versions", f"{api}/versions", VERSIONS),
        Question("API compare", f"{api}/versions/compare", VERSIONS),
        Question("API topics, 2 years", f"{api}/topics?from=2024-11-24", TOPICS),
        Question("API topics, one version", f"{api}/topics?version=7.39", TOPICS),
        Question("API ratings", f"{api}/ratings"),
        Question("API releases", f"{api}/releases"),
        Question("API irritants", f"{api}/irritants", TOPICS),
        Question("API one irritant", f"{api}/irritants/{irritant}", TOPICS),
        Question("API journey", f"{api}/journey", JOURNEY),
        *(Question(f"API reviews: {name}", f"{api}/reviews{query}", FILTERED) for query, name in lists[:5]),
        *(Question(f"API search: {n}", f"{api}/reviews{query}", SEARCH, ASKED_OF_SEARCH) for query, n in searches[:5]),
        Question("API one review", f"{api}/reviews/{review}"),
        Question("API sources", "/api/v1/sources"),
        Question("API incidents", "/api/v1/incidents"),
        Question("API one incident", f"/api/v1/incidents/{incident}"),
        Question("API deliveries", "/api/v1/deliveries"),
        Question("API destinations", "/api/v1/destinations"),
        Question("API portfolio", "/api/v1/portfolio", WEEK),
        Question("API overview", f"{api}/overview", STARS),
        Question("API stability", f"{api}/stability"),
        Question("API crash issues", f"{api}/stability/issues"),
        Question("API crash signals", f"{api}/stability/signals"),
        Question("API channels", f"{api}/channels", PEOPLE),
        Question("API hours", f"{api}/hours", PEOPLE),
        *(
            Question(f"API {name}", f"{api}/{name}")
            for name in (
                "nps",
                "disagreements",
                "ticket-times",
                "coverage",
                "coverage/checks",
                "rules",
                "views",
                "sources",
            )
        ),
        *(
            Question(f"API {name}", f"/api/v1/{name}")
            for name in (
                "deliveries/promptness",
                "inbox",
                "taxonomy",
                "routes",
                "audit",
                "credentials",
                "model",
                "rules/budget",
                "people",
                "keys",
                "kinds",
                f"incidents/{incident}/timeline",
            )
        ),
    ]


def complain(engine: Engine, *, again: bool) -> None:
    """Irritants of every kind for every app, counted by the application's own code; counted `again` where there are."""
    began = time.perf_counter()
    with transaction(engine) as session:
        if session.scalar(select(func.count()).select_from(Irritant)):
            for app in session.scalars(select(App)) if again else ():
                count(session, app.id, today(), clock.now(), everything=True)
            return
        for app in session.scalars(select(App)):
            for number, topic in enumerate(("transfer", "sign_in", "card", "slowness", "update", "support", "fees")):
                episode = number % 2
                began_day = today() - timedelta(days=20 + 15 * number) if episode else today() - timedelta(days=DAYS)
                session.add(
                    Irritant(
                        app_id=app.id, key=f"topic:{topic}", keys=[f"topic:{topic}"], standing=not episode,
                        name_fr=topic, name_en=topic, state="ongoing", state_since=began_day, began_day=began_day,
                        noticed_day=began_day, began_version="7.38" if episode else "", channels=["google_play"],
                        phrases=["virement impossible", "connexion"],
                    )
                )  # fmt: skip
        session.flush()
        for app in session.scalars(select(App)):
            count(session, app.id, today(), clock.now())
    print(f"  {time.perf_counter() - began:7.0f} s  irritants counted", flush=True)


class Timed:
    """The application with a clock around it: from a request's arrival to the last byte of its answer.

    What the asking client does (building the request, unpacking the answer) is not the server's time.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.last = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request and keep its milliseconds."""
        began = time.perf_counter()

        async def timed(message: Message) -> None:
            await send(message)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                self.last = 1000 * (time.perf_counter() - began)

        await self.app(scope, receive, timed)


def milliseconds(ask: Callable[[], object], timed: Timed, times: int) -> tuple[float, float, float]:
    """The least, the median and p99 (nearest rank) of so many calls.

    Twelve warm up: after some ten calls the driver has prepared each statement and Postgres has settled on its plan.
    """
    for _ in range(12):
        ask()
    taken = []
    for _ in range(times):
        ask()
        taken.append(timed.last)
    taken.sort()
    return taken[0], taken[len(taken) // 2], taken[min(len(taken) - 1, int(0.99 * len(taken)))]


def raw(engine: Engine, statement: str, known: dict[str, str]) -> str:
    """How long the raw rows take to say it, once."""
    if not statement:
        return ""
    if statement not in known:
        given = {"app": 3, "first": FIRST, "last": today()}
        with engine.connect() as connection:
            connection.execute(text("SET statement_timeout = '120s'"))
            began = time.perf_counter()
            connection.execute(text(statement), {k: v for k, v in given.items() if f":{k}" in statement}).all()
            known[statement] = f"{1000 * (time.perf_counter() - began):,.0f} ms"
    return known[statement]


def measure(engine: Engine, only: str, times: int) -> int:
    """Print a line each; return how many are slower than asked."""
    with transaction(engine) as session:
        review = session.scalar(select(func.max(Verbatim.id)).where(Verbatim.app_id == 3)) or 0
        irritant = session.scalar(select(func.min(Irritant.id)).where(Irritant.app_id == 3)) or 0
        incident = session.scalar(text("SELECT id::text FROM incidents WHERE app_id = 3 LIMIT 1")) or ""
    settings = Settings(data=Path(tempfile.gettempdir()), secret_key="bench", sign_in=False)
    slow = 0
    answered: dict[str, str] = {}
    timed = Timed(create_app(engine, settings, Seal(b"bench")))
    with TestClient(timed, base_url="http://127.0.0.1:8765") as web:
        for question in questions(3, review, irritant, incident):
            if only not in question.name:
                continue
            answer = web.get(question.path)
            if answer.status_code != 200:
                print(f"{question.name:<34} {question.path}: {answer.status_code}")
                slow += answer.status_code != 404
                continue
            least, middle, worst = milliseconds(lambda path=question.path: web.get(path), timed, times)  # type: ignore[misc]
            verdict = "" if worst <= question.limit else "SLOW"
            slow += bool(verdict)
            peer = raw(engine, question.raw, answered)
            print(
                f"{question.name:<34}{least:>7.1f} {middle:>7.1f} {worst:>7.1f} ms{peer:>12} raw  {verdict}", flush=True
            )
    return slow


def main() -> None:
    """Run it."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rows", type=int, default=10_000_000)
    options.add_argument("--keep", type=Path)
    options.add_argument("--only", default="")
    options.add_argument("--times", type=int, default=40)
    options.add_argument("--no-writes", action="store_true")
    given = options.parse_args()
    folder = given.keep or Path(tempfile.mkdtemp(prefix="cocoon-bench-", dir="/tmp"))
    server = embedded.join(folder, fsync=False)
    clock.replace(lambda: END)
    try:
        engine = make_engine(server.url)
        migrate(engine)
        with transaction(engine) as session:
            rows = session.scalar(text("SELECT max(id) FROM verbatims")) or 0
        if not rows:
            build(engine, given.rows)
        complain(engine, again=complete(engine))
        print(f"{rows or given.rows:,} verbatims: least, median and p99; the same question asked of the raw rows")
        slow = measure(engine, given.only, given.times)
        print(f"{slow} slower than asked")
        if not given.no_writes:
            write_path(engine)
        engine.dispose()
    finally:
        server.stop()
        if not given.keep:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
