"""source, backfill, doctor: what is read, reading it now, and whether it works."""

from typing import TYPE_CHECKING, Any

import click

from app.commands.shared import app_named, as_json, opened, show

if TYPE_CHECKING:
    from app.context import Context
    from app.doctor import Finding
    from models.sources import Run, Source


@click.group("source")
def source() -> None:
    """The sources that are read: add, list, run now, pause, resume."""


@source.command("add")
@click.argument("link")
@click.option("--app", "name", help="The app it belongs to (default: the name the store gives).")
@click.option("--storefront", "storefronts", multiple=True, help="App Store country, two letters; may be repeated.")
@click.option("--language", "languages", multiple=True, help="Google Play language, two letters; may be repeated.")
@as_json
def add(link: str, name: str | None, storefronts: tuple[str, ...], languages: tuple[str, ...], as_json: bool) -> None:
    """Watch an app: LINK is its page in the App Store or Google Play, its number or its package name."""
    from types import SimpleNamespace

    from app.service import finder
    from app.setup import add_from_link

    with opened() as context:
        state = SimpleNamespace(find_app=finder(context))
        with context.transaction() as session:
            added = add_from_link(session, state, link, storefronts, languages, name=name)
        listed = [{"id": s.id, "kind": s.kind, "name": s.name, "config": s.config} for s in added.sources]
        if as_json:
            show({"app": added.app.name, "app_id": added.app.id, "sources": listed})
            return
        click.echo(f"{added.app.name}: {len(listed)} sources added.")
        for item in listed:
            click.echo(f"  {item['id']:>4}  {item['name']}")
        click.echo("They are read by `cocoon up`; to read them now: cocoon backfill --app NAME")


@source.command("connect")
@click.argument("kind")
@click.argument("settings", nargs=-1, metavar="NAME=VALUE…")
@click.option("--app", "name", required=True, help="The app it belongs to; it is made if there is none of this name.")
@click.option("--name", "label", default="", help="What the source is called.")
@as_json
def connect_(kind: str, settings: tuple[str, ...], name: str, label: str, as_json: bool) -> None:
    """Connect a source that needs settings, such as crashlytics_bigquery, play_vitals or sentry (docs/sources.md).

    Each right is tried at once; the source is kept whatever they say, and `cocoon doctor` tries them again.
    """
    from app.connecting import connect
    from app.doctor import source_findings
    from app.setup import find_or_make_app

    config = dict(_setting(each) for each in settings)
    with opened() as context:
        with context.transaction() as session:
            made = connect(session, find_or_make_app(session, name), kind, config, name=label)
            told = {"id": made.id, "kind": made.kind, "channel": made.channel, "name": made.name, "config": made.config}
        findings = source_findings(context, made)
        if as_json:
            show(told | {"rights": [finding._asdict() for finding in findings]})
            return
        click.echo(f"{made.name}: source {made.id}, told under {made.channel}.")
        _tell(findings)
        if made.rhythm_minutes is None:
            click.echo(f"It is told by webhook; its address: cocoon hook open {made.id}")
        else:
            click.echo(f"It is read by `cocoon up`; to read it now: cocoon source run {made.id}")


def _setting(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise click.ClickException(f"Settings are written name=value; {text!r} is not.")
    return name.strip(), value.strip()


@source.command("list")
@as_json
def list_sources(as_json: bool) -> None:
    """List the sources with the outcome of their last run."""
    from sqlalchemy import func, select

    from models.apps import App
    from models.sources import Run, Source

    with opened() as context, context.transaction() as session:
        latest = (
            select(func.max(Run.id)).where(Run.app_id == Source.app_id, Run.source_id == Source.id).correlate(Source)
        )
        rows = session.execute(
            select(App.name, Source, Run)
            .join(App, App.id == Source.app_id)
            .outerjoin(Run, (Run.app_id == Source.app_id) & (Run.id == latest.scalar_subquery()))
            .order_by(App.name, Source.id)
        ).all()
        if as_json:
            show([_described(app, each, run) for app, each, run in rows])
            return
        for app, each, run in rows:
            state = "paused" if not each.enabled else run.outcome if run else "not read yet"
            click.echo(f"{each.id:>4}  {app:<24} {each.name:<28} {state:<18} {run.reason[:80] if run else ''}")
        if not rows:
            click.echo("No source yet: cocoon source add LINK")


def _described(app: str, each: "Source", run: "Run | None") -> dict[str, Any]:
    return {
        "id": each.id,
        "app": app,
        "kind": each.kind,
        "name": each.name,
        "enabled": each.enabled,
        "next_run_at": each.next_run_at,
        "last_run": run
        and {
            "outcome": run.outcome,
            "reason": run.reason,
            "at": run.started_at,
            "stored": run.stored,
            "seen": run.seen,
        },
    }


@source.command("run")
@click.argument("source_id", type=int)
def run_source(source_id: int) -> None:
    """Read one source now, here."""
    with opened() as context:
        _walk(context, source_id, "manual")


@source.command("quarantine")
@click.argument("source_id", type=int, required=False)
@as_json
def list_quarantine(source_id: int | None, as_json: bool) -> None:
    """List the rows that could not be read: how many, and why."""
    from sqlalchemy import select

    from app.quarantine import reasons
    from models.sources import Source

    with opened() as context, context.transaction() as session:
        sources = [s for s in session.scalars(select(Source).order_by(Source.id)) if source_id in {None, s.id}]
        found = reasons(session, [s.id for s in sources])
        if as_json:
            show([{"source_id": k, "reasons": [{"reason": r, "rows": n} for r, n in v]} for k, v in found.items()])
            return
        for each in sources:
            for reason, n in found.get(each.id, ()):
                click.echo(f"{each.id:>4}  {each.name:<28} {n:>6}  {reason}")
        if not found:
            click.echo("No row waits in quarantine.")


@source.command("replay")
@click.argument("source_id", type=int)
def replay(source_id: int) -> None:
    """Read a source's quarantined rows once more, after a fix. What comes of it is history and never alerts."""
    from app.quarantine import replay_source
    from models.sources import Source

    with opened() as context:
        with context.transaction() as session:
            if session.get(Source, source_id) is None:
                raise click.ClickException(f"There is no source {source_id}: cocoon source list")
        done = replay_source(context, source_id)
    click.echo(f"{done.read} rows read now ({done.stored} new), {done.left} still cannot be read.")


@source.command("pause")
@click.argument("source_id", type=int)
def pause(source_id: int) -> None:
    """Stop reading a source; its days count as unknown from now on."""
    _enable(source_id, enabled=False)


@source.command("resume")
@click.argument("source_id", type=int)
def resume(source_id: int) -> None:
    """Read a paused source again."""
    _enable(source_id, enabled=True)


def _enable(source_id: int, *, enabled: bool) -> None:
    from models.sources import Source

    with opened() as context, context.transaction() as session:
        found = session.get(Source, source_id)
        if found is None:
            raise click.ClickException(f"There is no source {source_id}: cocoon source list")
        found.enabled = enabled
        click.echo(f"{found.name}: {'read again from the next minute' if enabled else 'paused'}.")


@click.command()
@click.option("--app", "name", required=True, help="The app whose sources are read.")
@click.option("--source", "source_id", type=int, help="Only this source.")
def backfill(name: str, source_id: int | None) -> None:
    """Read all that the sources still show, page by page, with progress. Never alerts; running it twice is harmless."""
    from sqlalchemy import select

    from collectors.registry import KINDS
    from models.sources import Source

    with opened() as context:
        with context.transaction() as session:
            app = app_named(session, name)
            wanted = select(Source).where(Source.app_id == app.id, Source.rhythm_minutes.is_not(None))
            sources = [s for s in session.scalars(wanted.order_by(Source.id)) if source_id in {None, s.id}]
        if not sources:
            raise click.ClickException(f"{name} has no such source to read: cocoon source list")
        for each in sources:
            if each.kind in KINDS:
                _walk(context, each.id, "backfill", each.name)
        _judge(context, app.id)


def _walk(context: "Context", source_id: int, trigger: str, name: str = "") -> None:
    from tqdm import tqdm

    from app.jobs import collect

    with tqdm(desc=name or f"source {source_id}", unit=" rows", disable=None, leave=False) as bar:

        def tell(run: "Run") -> None:
            if run.progress:
                bar.total = max(int(run.seen / run.progress), run.seen)
            bar.n = run.seen
            bar.refresh()

        run = collect(context, source_id, trigger, tell)
    if run is None:
        raise click.ClickException(
            f"Source {source_id} is not read now: it does not exist, another process reads it, "
            "or its host asked us to wait."
        )
    click.echo(
        f"{name or f'source {source_id}'}: {run.outcome}; {run.seen} seen, {run.stored} new, {run.revised} revised, "
        f"{f'{run.figures} daily figures, ' if run.figures else ''}{run.quarantined} quarantined. {run.reason}".rstrip()
    )


def _judge(context: "Context", app_id: int) -> None:
    from app import clock
    from app.judge import judge

    with context.transaction() as session:
        judge(session, app_id, clock.now(), base_url=context.settings.base_url, quiet=True)


@click.command()
@click.option("--offline", is_flag=True, help="Do not call the sources.")
@as_json
def doctor(offline: bool, as_json: bool) -> None:
    """Say what works and what is missing: database, jobs, every right of every source, every destination.

    In French where the terminal speaks French (LC_ALL, LC_MESSAGES, LANG).
    """
    from app.doctor import examine
    from app.reasons import in_french

    with opened() as context:
        findings = examine(context, offline=offline)
        french = context.settings.language == "fr" and not as_json
    if as_json:
        show([finding._asdict() for finding in findings])
    else:
        for finding in findings:
            bad = "MANQUE " if french else "MISSING"
            mark = click.style("ok     ", fg="green") if finding.works else click.style(bad, fg="red")
            line = f"{finding.name}: {finding.message}"
            click.echo(
                f"{mark} {in_french(finding.name)}\u00a0: {in_french(finding.message)}" if french else f"{mark} {line}"
            )
    if not all(finding.works for finding in findings):
        raise SystemExit(1)


def _tell(findings: "list[Finding]") -> None:
    for finding in findings:
        mark = click.style("ok     ", fg="green") if finding.works else click.style("MISSING", fg="red")
        click.echo(f"{mark} {finding.name}: {finding.message}")


COMMANDS = [source, backfill, doctor]
