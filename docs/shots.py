"""Make the pictures of docs/sources.md: the stores, a crash tool and a survey as the Sources page shows them, made up.

python docs/shots.py        needs Chromium on PATH and the development dependencies
"""

import shutil
import socket
import tempfile
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import uvicorn
from playwright.sync_api import sync_playwright

from app import embedded
from app.db import make_engine, transaction
from app.main import create_app
from app.migrate import migrate
from app.seal import Seal
from app.settings import Settings
from collectors.registry import KINDS
from models.apps import App
from models.sources import Coverage, Quarantine, Run, Source

IMAGES = Path(__file__).parent / "images"
NOW = datetime.now(UTC)
STORES = (
    "app_store_feed", "app_store_lookup", "app_store_connect", "google_play", "google_play_details", "google_play_api",
    "google_play_tracks", "play_console_csv", "play_console_bucket",
)  # fmt: skip
OTHERS = {"sentry": "app_store", "typeform": "survey"}
# How many days back each one's ledger begins, and the days (back from today) that are not complete.
BEGAN = {"app_store_feed": 64, "google_play_api": 40}
HOLES = {"app_store_feed": {30: "partial"}, "google_play": {12: "unknown", 13: "unknown"}}


def seed(session, kind: str, app: App) -> int:
    known = KINDS[kind]
    source = Source(
        app_id=app.id,
        kind=kind,
        channel=known.channel or OTHERS[kind],
        name=known.label_en,
        config={},
        rhythm_minutes=known.minutes,
    )
    source.created_at = NOW - timedelta(days=120)
    source.high_water, source.next_run_at, source.history_done = NOW, NOW + timedelta(minutes=known.minutes), True
    session.add(source)
    session.flush()
    for back in range(BEGAN.get(kind, 90)):
        day = NOW.date() - timedelta(days=back)
        state = HOLES.get(kind, {}).get(back, "complete")
        reason = {"partial": "not read since before the end of the day", "unknown": "not confirmed"}.get(state, "")
        if known.late and back < 5:
            state, reason = "held", "published later by the source"
        session.add(Coverage(app_id=app.id, source_id=source.id, day=day, state=state, reason=reason, checked_at=NOW))
    run = Run(
        app_id=app.id, source_id=source.id, trigger="schedule", outcome="complete", started_at=NOW, finished_at=NOW
    )
    run.stored, run.seen = (7, 50) if "verbatims" in known.brings else (0, 0)
    session.add(run)
    session.flush()
    if kind == "play_console_csv":
        fields = {"app_id": app.id, "source_id": source.id, "run_id": run.id, "raw": b"{}"}
        session.add(Quarantine(**fields, fingerprint="1", reason="the stars '9' are not 1 to 5"))
    return source.id


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="cocoon-shots-", dir="/tmp"))
    server = embedded.join(folder, fsync=False)
    engine = make_engine(server.url)
    migrate(engine)
    with transaction(engine) as session:
        app = App(name="Banque Mésange")
        session.add(app)
        session.flush()
        ids = {kind: seed(session, kind, app) for kind in (*STORES, *OTHERS)}
        app_id = app.id
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    settings = Settings(data=folder, port=listener.getsockname()[1], secret_key="shots", sign_in=False)
    web = uvicorn.Server(uvicorn.Config(create_app(engine, settings, Seal(b"shots")), log_config=None, lifespan="off"))
    thread = threading.Thread(target=web.run, kwargs={"sockets": [listener]})
    thread.start()
    IMAGES.mkdir(exist_ok=True)
    try:
        with sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 760, "height": 900}, locale="en-GB")
            page.goto(f"{settings.base_url}/apps/{app_id}/sources")
            for kind, number in ids.items():
                page.locator(f"#s{number}").screenshot(path=IMAGES / f"source-{kind}.png")
            page.goto(f"{settings.base_url}/credentials")
            page.locator("main").screenshot(path=IMAGES / "credentials.png")
            browser.close()
    finally:
        web.should_exit = True
        thread.join(10)
        listener.close()
        engine.dispose()
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
