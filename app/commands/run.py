"""up, web, worker, migrate, demo: what runs."""

import time
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from app.context import Context


@click.command()
def up() -> None:
    """Run everything in one process: pages, collectors, alerts, and a Postgres of its own (or yours, DATABASE_URL)."""
    from app.context import open_context
    from app.service import listen, running, serve
    from app.settings import read_settings

    began = time.monotonic()
    settings = read_settings()
    with listen(settings) as listener:
        click.echo("Cocoon starts …")
        with open_context(settings, wait_for_guests=5.0) as context, running(context, {"web", "worker"}) as service:
            greet(context, time.monotonic() - began)
            serve(service, listener)
            click.echo("\nCocoon stops …")
    click.echo("Stopped cleanly.")


def greet(context: "Context", seconds: float) -> None:
    """Say where to look and what to do next."""
    from sqlalchemy import func, select

    from models.apps import App

    with context.transaction() as session:
        apps = session.scalar(select(func.count(App.id)))
    base = context.settings.base_url
    link = first_link(context)
    where = "your Postgres (DATABASE_URL)" if context.server is None else str(context.server.folder)
    click.echo(f"Ready in {seconds:.1f} s. Data: {where}")
    click.echo(f"\n  Open   {link or base}\n")
    if link:
        click.echo("This link makes you the admin. It works once, for 3 days; a new one: cocoon person link")
    if apps:
        click.echo(
            f"{apps} app{'s' if apps != 1 else ''} watched. `cocoon doctor` says what works and what is missing."
        )
    else:
        click.echo("No app yet. Either")
        click.echo(f"  - paste a store link at {base}/setup")
        click.echo("  - or, in another terminal:  cocoon source add https://apps.apple.com/fr/app/…")
        click.echo("  - or see a story first:     make demo")
    click.echo("Ctrl-C stops it.")


def first_link(context: "Context") -> str | None:
    """The one-time link that makes the first admin, where people sign in and there is none yet."""
    from app.auth import asks_to_sign_in
    from app.people import first_link as make

    if not asks_to_sign_in(context.settings):
        return None
    with context.transaction() as session:
        secret = make(session)
    return f"{context.settings.base_url}/welcome/{secret}" if secret else None


@click.command()
def web() -> None:
    """Serve the pages and the API only (any number of these share one database)."""
    from app.context import open_context
    from app.service import listen, running, serve
    from app.settings import read_settings

    settings = read_settings()
    with listen(settings) as listener, open_context(settings) as context, running(context, {"web"}) as service:
        click.echo(f"Cocoon web: {first_link(context) or settings.base_url}")
        serve(service, listener)


@click.command()
def worker() -> None:
    """Collect, judge and tell only (any number of these share one database; one of them leads the schedule)."""
    from app.context import open_context
    from app.service import running, wait_for_signal
    from app.settings import read_settings

    with open_context(read_settings()) as context, running(context, {"worker"}):
        click.echo("Cocoon worker runs. Ctrl-C stops it.")
        wait_for_signal()


@click.command()
def migrate() -> None:
    """Bring the database to the schema of this version."""
    from app.context import open_context
    from app.migrate import at_head
    from app.migrate import migrate as upgrade
    from app.settings import read_settings

    with open_context(read_settings(), migrated=False) as context:
        before = at_head(context.engine)
        upgrade(context.engine)
        click.echo("The schema was up to date already." if before else "The schema is up to date now.")


@click.command()
@click.option("--days-per-second", default=0.5, show_default=True, help="How fast the story's last days pass.")
@click.option("--seed", default=7, show_default=True, help="Another seed tells another story.")
def demo(days_per_second: float, seed: int) -> None:
    """Run `up` with a story in it: a made-up bank app, 18 months of reviews, a release that breaks the login."""
    from app.demo.play import play

    play(days_per_second=days_per_second, seed=seed)


COMMANDS = [up, web, worker, migrate, demo]
