"""Running: the web pages, the worker's threads, and the embedded server's watch, started and stopped together."""

import logging
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import uvicorn
from sqlalchemy.exc import SQLAlchemyError

from app import clock
from app.context import Context
from app.migrate import at_head
from app.own_reading import sync
from app.queue import Queue
from app.scheduler import lead
from app.settings import Settings, SettingsError
from app.telling import destinations_from_settings, dispatch
from app.trial import LIMIT, unanswered, within
from app.worker import Beat, Loop, run_jobs

log = logging.getLogger(__name__)

Role = Literal["web", "worker"]

LATE_AFTER = 30.0
"""Seconds after which a loop that has not come round is called silent."""


@dataclass
class Service:
    """The running parts of one process."""

    context: Context
    queue: Queue
    beat: Beat = field(default_factory=Beat)
    loops: list[Loop] = field(default_factory=list)

    def start_worker(self) -> None:
        """Start the jobs, the scheduler and the dispatcher."""
        self._start("jobs", lambda stop: run_jobs(self.context, self.queue, self.beat, stop))
        self._start("scheduler", lambda stop: lead(self.context, self.queue, self.beat, stop))
        self._start("dispatcher", lambda stop: dispatch(self.context, self.beat, stop))

    def watch_database(self) -> None:
        """Bring the embedded server back within a second when it dies."""
        if self.context.server is not None:
            self._start("database", self._watch)

    def _watch(self, stop: threading.Event) -> None:
        server = self.context.server
        while server is not None and not stop.wait(0.25):
            if not server.alive():
                log.error("the database server ended; starting it again")
                server.revive()
                self.context.engine.dispose()
                log.warning("the database server is back")
            self.beat.tick("database")

    def watch_reading(self) -> None:
        """Notice within half a minute that another process chose other topics or another model."""
        self._start("reading", self._read_with)

    def _read_with(self, stop: threading.Event) -> None:
        while not stop.wait(20.0):
            with self.context.transaction() as session:
                sync(session, self.context.settings)

    def _start(self, name: str, body: Callable[[threading.Event], None]) -> None:
        loop = Loop(name, body)
        loop.start()
        self.loops.append(loop)

    def stop(self) -> None:
        """Ask every loop to end, and wait for them a little: what they leave is taken up at the next start."""
        for loop in self.loops:
            loop.stop()
        for loop in reversed(self.loops):
            loop.join(timeout=8.0)

    def readiness(self) -> tuple[bool, dict[str, str]]:
        """Whether this process can do its work, and the state of each part in words."""
        facts = {
            name: "ok" if age < LATE_AFTER else f"silent for {age:.0f} s" for name, age in self.beat.ages().items()
        }
        try:
            facts["schema"] = "ok" if at_head(self.context.engine) else "not migrated: run cocoon migrate"
            facts["database"] = "ok"
        except SQLAlchemyError as error:
            facts["database"] = f"does not answer ({type(error).__name__})"
        return all(fact == "ok" for fact in facts.values()), facts


@contextmanager
def running(context: Context, roles: set[Role]) -> Iterator[Service]:
    """Start the threads of these roles around the block."""
    queue = Queue(context.conninfo)
    service = Service(context, queue)
    try:
        with context.transaction() as session:
            destinations_from_settings(session, context.settings, context.seal)
        service.watch_database()
        service.watch_reading()
        if "worker" in roles:
            service.start_worker()
        yield service
    finally:
        service.stop()
        queue.close()


def serve(service: Service, listener: socket.socket) -> None:
    """Serve the pages on an open socket until a signal ends it."""
    server = uvicorn.Server(
        uvicorn.Config(
            web_app(service),
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=3,
            lifespan="on",
        )
    )
    # The server hands its signal on when it has ended; here that means: stop the rest as well, cleanly.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt):
        server.run(sockets=[listener])


def web_app(service: Service) -> Any:
    """The pages and the API, wired to this process's queue, registry and readiness."""
    from app.importer import importer
    from app.main import create_app

    context = service.context
    settings = context.settings

    app = create_app(context.engine, settings, context.seal)
    app.state.defer = service.queue.ask
    app.state.readiness = service.readiness
    app.state.find_app = finder(context)
    app.state.probe = prober(context)
    app.state.import_file = importer(
        context, lambda app_id: service.queue.ask("irritants", f"irritants:{app_id}", app_id=app_id)
    )
    app.state.kinds = kinds()
    app.state.now = clock.now
    return app


def kinds() -> list[dict[str, Any]]:
    """The kinds of source, for pages and programs, which know no collectors."""
    from collectors.registry import KINDS, MAY

    return [
        {
            "kind": kind.kind,
            "channel": kind.channel,
            "minutes": kind.minutes,
            "brings": list(kind.brings),
            "label_fr": kind.label_fr,
            "label_en": kind.label_en,
            "needs": list(kind.needs),
            "may": list(MAY.get(kind.kind, ())),
            "scheme": kind.scheme,
        }
        for kind in KINDS.values()
    ]


def prober(context: Context) -> Callable[[str, dict[str, Any], dict[str, str]], list[dict[str, Any]]]:
    """The function that tries the rights of a source before it is saved: name, works and message of each.

    It is given the kind, its settings, and the secrets that were typed in and are kept nowhere yet, by setting.
    """
    from app.doctor import probes_of
    from collectors.access import HeldKey
    from models.sources import Source

    def probe(kind: str, config: dict[str, Any], secrets: dict[str, str]) -> list[dict[str, Any]]:
        source = Source(kind=kind, config={name: value for name, value in config.items() if name not in secrets})
        held = {name: HeldKey("the key", secret.encode()) for name, secret in secrets.items()}
        settings = context.source_config(source, newest=True) | held
        found = within(LIMIT, lambda: probes_of(context, source, settings))
        if found is None:
            return [{"name": "", "works": False, "message": unanswered(LIMIT)}]
        return [{"name": one.name, "works": one.works, "message": one.message} for one in found]

    return probe


def finder(context: Context) -> Callable[[str], dict[str, Any]]:
    """The function that asks a store which app a link means; it raises Problem with a sentence."""
    from app.errors import Problem
    from collectors.base import SourceError
    from collectors.links import find_app

    settings = context.settings

    def find(link: str) -> dict[str, Any]:
        try:
            found = find_app(
                link, context.http, app_store_url=settings.app_store_url, google_play_url=settings.google_play_url
            )
        except SourceError as error:
            status = {"refused": 422, "gone": 404}.get(error.kind, 503)
            raise Problem(status, str(error), where="body.link") from error
        return asdict(found)

    return find


def listen(settings: Settings) -> socket.socket:
    """Open the port, before anything slow starts. Raises SettingsError with one sentence."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
        listener.listen(128)
    except (OSError, OverflowError) as error:
        listener.close()
        why = getattr(error, "strerror", None) or str(error)
        raise SettingsError(
            f"Port {settings.port} on {settings.host} cannot be used ({why}): "
            "stop what uses it, or choose another with COCOON_PORT."
        ) from error
    listener.set_inheritable(False)
    return listener


def wait_for_signal() -> None:
    """Block the main thread until SIGINT or SIGTERM."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    ended.wait()
