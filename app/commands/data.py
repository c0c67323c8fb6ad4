"""import, incidents, replay: data in by hand, and what the detectors say of it."""

import json
from datetime import datetime
from pathlib import Path

import click

from app.commands.shared import app_named, as_json, opened, show

DAY = click.DateTime(formats=["%Y-%m-%d"])


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--app", "name", required=True, help="The app it belongs to; made if it is not there.")
@click.option("--channel", default="file", show_default=True, help="app_store, google_play, or your own word.")
@click.option(
    "--map", "mapped", multiple=True, metavar="COLUMN=FIELD", help="Correct the guess; FIELD - leaves a column out."
)
@click.option("--zone", default="Europe/Paris", show_default=True, help="Time zone of times that name none.")
@click.option("--survey", default="", help="With --channel survey: the survey's name (default: the file's).")
@click.option("--wave", default="", help="With --channel survey: the wave's name, or month or quarter.")
@click.option("--yes", is_flag=True, help="Do not ask whether the mapping is right.")
@as_json
def import_(
    file: Path,
    name: str,
    channel: str,
    mapped: tuple[str, ...],
    zone: str,
    survey: str,
    wave: str,
    yes: bool,
    as_json: bool,
) -> None:
    """Import reviews from FILE: CSV, JSON Lines, JSON or Excel, also gzipped. Importing twice changes nothing.

    With --channel survey the columns are declared, once a survey: --map "Q1=nps" --map "Why=text" --map "Mail=email".
    """
    from app.importing import import_file, read_mapping

    if channel == "survey":
        _import_survey(file, name, mapped, zone, survey, wave, ask=not yes and not as_json, as_json=as_json)
        return

    mapping = read_mapping(file, mapped, zone=zone)
    if not as_json:
        click.echo(mapping.shown())
    if not yes and not as_json and not click.confirm("Import with this mapping?", default=True):
        raise click.ClickException("Nothing was imported. Correct it with --map COLUMN=FIELD.")
    with opened() as context:
        result = import_file(context, file, name, channel=channel, mapping=mapping, show_progress=not as_json)
    if as_json:
        show(result.as_dict())
    else:
        click.echo(result.shown())


def _import_survey(
    file: Path,
    name: str,
    mapped: tuple[str, ...],
    zone: str,
    survey: str,
    wave: str,
    *,
    ask: bool,
    as_json: bool,
) -> None:
    from app.survey_import import import_survey, read_choice

    with opened() as context:
        choice = read_choice(context, file, name, mapped, survey=survey, wave=wave, zone=zone)
        if not as_json:
            click.echo(choice.shown())
        if ask and not click.confirm("Import with this mapping?", default=True):
            raise click.ClickException("Nothing was imported. Declare a column with --map COLUMN=MEANING.")
        result = import_survey(context, file, name, choice)
    if as_json:
        show(result.as_dict())
    else:
        click.echo(result.shown())


@click.command()
@click.option("--app", "name", help="Only this app.")
@click.option("--all", "with_resolved", is_flag=True, help="Resolved ones too.")
@as_json
def incidents(name: str | None, with_resolved: bool, as_json: bool) -> None:
    """List incidents, the newest first."""
    from sqlalchemy import select

    from models.apps import App
    from models.incidents import Incident

    with opened() as context, context.transaction() as session:
        wanted = select(App.name, Incident).join(App, App.id == Incident.app_id).order_by(Incident.opened_at.desc())
        if name:
            wanted = wanted.where(Incident.app_id == app_named(session, name).id)
        if not with_resolved:
            wanted = wanted.where(Incident.state != "resolved")
        rows = session.execute(wanted).all()
    listed = [
        {
            "id": str(each.id),
            "app": app,
            "rule": each.rule,
            "subject": each.subject,
            "state": each.state,
            "severity": each.severity,
            "origin": each.origin,
            "opened_at": each.opened_at,
            "resolved_at": each.resolved_at,
            "score": each.score,
            "peak_score": each.peak_score,
            "effect": each.effect,
            "evidence": each.evidence,
        }
        for app, each in rows
    ]
    if as_json:
        show(listed)
        return
    for each in listed:
        click.echo(
            f"{each['opened_at']:%Y-%m-%d}  {each['severity']:<6} {each['state']:<13} {each['app']:<22} "
            f"{each['rule']:<13} {each['subject']:<28} score {each['peak_score']:.1f}"
        )
    if not listed:
        click.echo("No incident is open." if not with_resolved else "No incident yet.")


@click.command()
@click.option("--app", "name", required=True, help="The app to judge again.")
@click.option("--from", "start", type=DAY, required=True, help="First day, such as 2026-01-01.")
@click.option("--to", "end", type=DAY, required=True, help="Last day.")
@as_json
def replay(name: str, start: datetime, end: datetime, as_json: bool) -> None:
    """Run the detectors as they would have run on each day of a period. Sends nothing and changes nothing.

    With --json prints one JSON object a line for each incident that would have opened.
    """
    from alerts.replay import replay as played

    if end < start:
        raise click.ClickException("--to is before --from.")
    with opened() as context, context.transaction() as session:
        app = app_named(session, name)
        found = list(played(session, app, start.date(), end.date()))
    for each in found:
        if as_json:
            click.echo(json.dumps(each, default=str, ensure_ascii=False))
        else:
            click.echo(
                f"{str(each['opened_at'])[:10]}  {each['severity']:<6} {each['rule']:<13} {each['subject']:<28} "
                f"score {each['score']:.1f}"
            )
    if not found and not as_json:
        click.echo("Nothing would have opened in this period.")


COMMANDS = [import_, incidents, replay]
