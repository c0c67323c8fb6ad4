"""`cocoon demo`: the story played through the real service, day by day, up to the present."""

import csv
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app import clock
from app.canary import CANARY_INBOX
from app.commands.run import first_link
from app.connecting import connect
from app.context import Context, open_context
from app.demo.facts import APP_NAME, APP_STORE_ID, PACKAGE, Story
from app.demo.sentry_format import ORGANIZATION, PROJECTS
from app.demo.store import DemoStore
from app.demo.story import tell
from app.demo.survey import DECLARED, NAME, write_survey
from app.jobs import ask_for_walk
from app.migrate import migrate
from app.service import Service, listen, running, serve
from app.settings import Settings, SettingsError, read_settings
from app.setup import add_listing
from models.apps import App
from models.incidents import Destination, InboxMessage
from models.sources import Run, Source

FEED_SHOWS = 450
"""A little under what Apple's feed shows of a storefront, so that the export and the feed overlap."""

DAYS_BEFORE = 13
"""The story is history up to so many days ago; what follows passes before the newcomer's eyes."""

STEP = timedelta(hours=12)
"""How far the story jumps at once, and so the rhythm at which its sources are read."""


class StoryClock:
    """Stands still where the player put it, until the story has reached the present."""

    def __init__(self, start: datetime) -> None:
        self._at = start

    def __call__(self) -> datetime:
        """The story's present."""
        return self._at

    def move(self, to: datetime) -> None:
        """Let time pass."""
        self._at = max(self._at, to)


def play(*, days_per_second: float, seed: int) -> None:
    """Play the story until Ctrl-C; afterwards the service simply runs on."""
    began = time.monotonic()
    given = read_settings()
    settings = replace(
        given,
        data=given.data / "demo",
        database_url=None,
        host_interval=0.0,
        workers=3,
        slack_webhook=None,  # a made-up alert must not reach real people
        webhook_url=None,
        sign_in=given.reachable,  # a made-up story needs no door, unless it is shown to others
    )
    said = Narrator(began)
    with listen(settings) as listener, _stage(settings, said) as context:
        story = tell(datetime.now(UTC).date(), seed=seed)
        said(
            f"A made-up bank, {APP_NAME}: {len(story.reviews):,} reviews in French and English since "
            f"{story.first_day:%d %b %Y}, {len({r.version for r in story.releases})} releases."
        )
        start = datetime.combine(story.today - timedelta(days=DAYS_BEFORE), datetime.min.time(), UTC) + timedelta(
            hours=6
        )
        story_clock = StoryClock(start)
        clock.replace(story_clock)
        with DemoStore(story, clock.now, seed=seed) as store:
            context.settings = replace(settings, app_store_url=store.url, google_play_url=store.url)
            said(f"A small store on this machine speaks Apple's, Google's and Sentry's formats: {store.url}")
            with running(context, {"web", "worker"}) as service:
                said(f"Pages and alerts run. Open   {first_link(context) or settings.base_url}")
                player = threading.Thread(
                    target=_play,
                    args=(service, story, story_clock, days_per_second, said, seed),
                    name="player",
                    daemon=True,
                )
                player.start()
                serve(service, listener)
                said("Stopping …")
                said.ended.set()
                player.join(10)
        clock.replace(None)
    click.echo("Stopped cleanly.")


class Narrator:
    """Tells each step with the seconds since the start."""

    def __init__(self, began: float) -> None:
        self._began = began
        self.ended = threading.Event()

    def __call__(self, words: str) -> None:
        """Say a line."""
        click.echo(f"{time.monotonic() - self._began:5.1f} s  {words}")


@contextmanager
def _stage(settings: Settings, said: Narrator) -> Iterator[Context]:
    """An empty database of the demo's own: the story always begins anew."""
    said("The demo starts, with a database of its own …")
    with open_context(settings, migrated=False, wait_for_guests=5.0) as context:
        if context.server is None or not context.server.owned:
            raise SettingsError(f"A demo runs already on {settings.data}: stop it first.")
        with context.transaction() as session:
            session.execute(text("DROP SCHEMA public CASCADE"))
            session.execute(text("CREATE SCHEMA public"))
        migrate(context.engine)
        yield context


def _play(
    service: Service, story: Story, story_clock: StoryClock, days_per_second: float, said: Narrator, seed: int
) -> None:
    try:
        Player(service, story, story_clock, days_per_second, said, seed).play()
    except Exception as error:
        if not said.ended.is_set():
            said(f"The story stopped: {type(error).__name__}: {error}")
            raise


class Player:
    """Plays the story: history first, then day after day, asking the real collectors to read at each step."""

    def __init__(
        self,
        service: Service,
        story: Story,
        story_clock: StoryClock,
        days_per_second: float,
        said: Narrator,
        seed: int,
    ) -> None:
        self.service, self.story, self.clock, self.said = service, story, story_clock, said
        self.context = service.context
        self.seed = seed
        self.seconds_per_step = 0.5 / max(days_per_second, 0.01)
        self.shown: set[int] = set()
        self.rhythms: dict[int, int] = {}

    def play(self) -> None:
        """Tell it all."""
        self.set_up()
        self.import_survey()
        self.import_history()
        self.read("first")
        self.said(f"History is in: {self.count():,} reviews. What was found in it is shown, never alerted.")
        self.said(f"Now the last {DAYS_BEFORE} days pass, a day in about {2 * self.seconds_per_step:.0f} s.")
        while not self.said.ended.is_set() and clock.now() < datetime.now(UTC) - STEP:
            self.pass_half_a_day()
        if not self.said.ended.is_set():
            self.arrive()
            self.said("The story has reached the present; Cocoon goes on watching. Ctrl-C stops it.")

    def set_up(self) -> None:
        """The app, its two listings, and an inbox in the place of Slack."""
        with self.context.transaction() as session:
            apple = {"store": "app_store", "app_id": str(APP_STORE_ID), "name": APP_NAME, "storefront": "fr"}
            google = {"store": "google_play", "app_id": PACKAGE, "name": APP_NAME, "lang": "fr"}
            storefronts = sorted({r.storefront for r in self.story.reviews if r.storefront})
            languages = sorted({r.locale for r in self.story.reviews if r.channel == "google_play"}, reverse=True)
            add_listing(session, apple, storefronts)
            added = add_listing(session, google, [], languages)
            self.app_id = added.app.id
            self.connect_crashes(session, added.app)
            later = session.scalar(select(func.clock_timestamp() + timedelta(hours=1)))
            for source in session.scalars(select(Source)):
                source.next_run_at = later  # the player reads, not the schedule, until the story reaches the present
                # A look amid a step meets sources that were last read a step ago: by this rhythm that is no silence.
                self.rhythms[source.id] = source.rhythm_minutes or 60
                source.rhythm_minutes = max(self.rhythms[source.id], int(STEP.total_seconds() // 60))
            session.add(Destination(kind="inbox", name="Slack (demo inbox)", config={}))
            # The daily canary would arrive amid the story and be taken for a part of it.
            session.add(Destination(kind="inbox", name=CANARY_INBOX, config={"canary": True}, enabled=False))
        self.said("Set up: App Store (" + ", ".join(storefronts) + ") and Google Play (" + ", ".join(languages) + ").")
        self.said("Set up: crashes from Sentry, a project each for iOS and Android, 90 days back.")

    def arrive(self) -> None:
        """The present: all is read once more, and from there on by the clock on the wall, each at its own rhythm."""
        self.clock.move(datetime.now(UTC))
        clock.replace(None)
        self.read("manual")
        with self.context.transaction() as session:
            now = session.scalars(select(func.clock_timestamp())).one()
            for source in session.scalars(select(Source).where(Source.id.in_(self.rhythms))):
                source.rhythm_minutes = self.rhythms[source.id]
                source.next_run_at = now + timedelta(minutes=source.rhythm_minutes)

    def connect_crashes(self, session: Session, app: App) -> None:
        """A self-hosted Sentry, one project a platform; the demo's store plays it and takes any token."""
        token = self.context.settings.data / "sentry-token"
        token.write_text("a-token-of-the-demo\n")
        for project, platform in PROJECTS.items():
            settings = {
                "organization": ORGANIZATION,
                "project": project,
                "platform": platform,
                "token_file": str(token),
                "sentry_url": self.context.settings.app_store_url,
            }
            connect(session, app, "sentry", settings, name=f"Sentry {'iOS' if platform == 'ios' else 'Android'}")

    def import_survey(self) -> None:
        """A year of a survey, which ends where the story begins to pass: history, as a file that people export."""
        from app.survey_import import import_survey, read_choice

        path = self.context.settings.data / "survey.csv"
        told = write_survey(self.story, path, clock.now(), self.seed)
        choice = read_choice(self.context, path, APP_NAME, DECLARED, survey=NAME, wave="month")
        import_survey(self.context, path, APP_NAME, choice)
        self.said(f"Imported {told:,} answers of a satisfaction survey (NPS and a comment) from a file.")

    def import_history(self) -> None:
        """The App Store shows only its newest 500 reviews a storefront: older ones come as a file, as in real life."""
        from app.importing import import_file

        path = self.context.settings.data / "app-store-export.csv"
        write_export(self.story, path, clock.now())
        result = import_file(self.context, path, APP_NAME, channel="app_store")
        self.said(f"Imported {result.stored:,} older App Store reviews from an export file.")
        path.unlink()

    def read(self, trigger: str) -> None:
        """Have every source read by the workers, and wait for them and for the look that follows."""
        with self.context.transaction() as session:
            sources = session.scalars(select(Source).where(Source.rhythm_minutes.is_not(None))).all()
            last = session.scalar(select(func.max(Run.id))) or 0
        for source in sources:
            ask_for_walk(self.service.queue.ask, source, trigger)
        while not self.said.ended.wait(0.1):
            with self.context.transaction() as session:
                done = session.scalar(
                    select(func.count(func.distinct(Run.source_id))).where(Run.id > last, Run.outcome != "running")
                )
                waiting = session.scalar(
                    text("SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing')")
                )
            if done and done >= len(sources) and not waiting:
                return

    def pass_half_a_day(self) -> None:
        """Twelve hours later: the store shows more, the collectors read it, the detectors look."""
        began = time.monotonic()
        self.clock.move(clock.now() + STEP)
        now = clock.now()
        for release in self.story.releases:
            if now - STEP < release.released_at <= now and release.channel == "google_play":
                self.said(f"{now:%a %d %b}: version {release.version} is released. “{release.notes_en}”")
        self.read("manual")
        self.tell_news(now)
        self.said.ended.wait(max(0.0, self.seconds_per_step - (time.monotonic() - began)))

    def tell_news(self, now: datetime) -> None:
        """Show in the terminal what reached the inbox."""
        end = time.monotonic() + 3
        while time.monotonic() < end and not self.said.ended.is_set():
            with self.context.transaction() as session:
                waiting = session.scalar(text("SELECT count(*) FROM deliveries WHERE state IN ('queued', 'sending')"))
                fresh = session.scalars(select(InboxMessage).where(InboxMessage.id.not_in(self.shown))).all()
            for message in fresh:
                self.shown.add(message.id)
                self.said(f"{now:%a %d %b}: a Slack message arrives, see {self.context.settings.base_url}/inbox")
                click.echo("\n" + _quoted(message.body) + "\n")
            if not waiting:
                return
            time.sleep(0.1)

    def count(self) -> int:
        """How many verbatims there are."""
        with self.context.transaction() as session:
            return session.scalar(text("SELECT count(*) FROM verbatims")) or 0


def _quoted(body: dict[str, Any]) -> str:
    """The words of a Slack message, for a terminal."""
    return "\n".join(f"        | {line}" for line in str(body.get("text", "")).splitlines() if line.strip())


def write_export(story: Story, path: Path, until: datetime) -> None:
    """The App Store reviews that its feed no longer shows, as a CSV export."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "date", "storefront", "rating", "title", "review", "version", "author"])
        for storefront in {r.storefront for r in story.reviews if r.channel == "app_store"}:
            told = [r for r in story.reviews if r.channel == "app_store" and r.storefront == storefront]
            shown = [now for review in told if (now := review.as_of(until)) is not None]
            shown.sort(key=lambda r: r.edited_at or r.written_at)
            for r in shown[: max(0, len(shown) - FEED_SHOWS)]:
                at = (r.edited_at or r.written_at).isoformat()
                writer.writerow([r.id, at, r.storefront, r.stars, r.title, r.body, r.version or "", r.author])
