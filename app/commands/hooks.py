"""hook: addresses that other systems may call."""

from typing import TYPE_CHECKING

import click

from app.commands.shared import as_json, opened, show

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from models.sources import Source


@click.group("hook")
def hook() -> None:
    """Webhooks in: the addresses that survey tools, help desks and others may call."""


@hook.command("open")
@click.argument("source_id", type=int)
@click.option(
    "--secret", default="", envvar="COCOON_HOOK_SECRET", help="The secret that the system shows (Zendesk, Intercom)."
)
@as_json
def open_(source_id: int, secret: str, as_json: bool) -> None:
    """Make the address for a source. It is shown once; an earlier one stops working."""
    from app.inbound import open_hook

    with opened() as context, context.transaction() as session:
        made = open_hook(session, context.seal, _source(session, source_id), secret)
        url = context.settings.base_url + made.path
    if as_json:
        show({"source_id": source_id, "scheme": made.scheme, "url": url, "secret": made.secret})
        return
    click.echo(url)
    click.echo(f"Secret: {made.secret}" if made.secret else "Whoever knows this address may call it.")
    click.echo("Keep both now: they cannot be shown again.", err=True)


@hook.command("retry")
@click.argument("source_id", type=int)
def retry(source_id: int) -> None:
    """Have the calls that could not be read tried again."""
    from app.inbound import try_again

    with opened() as context, context.transaction() as session:
        count = try_again(session, _source(session, source_id).id)
    click.echo(f"{count} calls are read again.")


def _source(session: "Session", source_id: int) -> "Source":
    from models.sources import Source

    found = session.get(Source, source_id)
    if found is None:
        raise click.ClickException(f"There is no source {source_id}: cocoon source list")
    return found


COMMANDS = [hook]
