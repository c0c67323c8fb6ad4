"""Messages: what was given up, and sending it again."""

from datetime import UTC, datetime

import click

from app.commands.shared import as_json, opened, show


@click.group()
def deliveries() -> None:
    """What was sent, waits, or was given up."""


@deliveries.command()
@as_json
def status(as_json: bool) -> None:
    """Say how quick the telling is, whether the canary arrived, and how many messages are in each state."""
    from dataclasses import asdict

    from app.reading import latency

    with opened() as context, context.transaction() as session:
        known, canaries, counts = latency.latencies(session), latency.canaries(session), latency.states(session)
    if as_json:
        show({"latencies": [*map(asdict, known)], "canaries": [*map(asdict, canaries)], "states": counts})
        return
    for one in known:
        click.echo(f"{one.name or 'all'}: half within {one.p50:.1f} s, 19 of 20 within {one.p95:.1f} s ({one.n})")
    for canary in canaries:
        click.echo(f"canary to {canary.name}: {canary.state}, sent off {canary.sent_off:%Y-%m-%d %H:%M} UTC")
    click.echo(", ".join(f"{n} {state}" for state, n in sorted(counts.items())) or "nothing was sent yet")


@deliveries.command()
@click.option("--from", "start", type=click.DateTime(), required=True, help="From this moment on (UTC).")
@click.option("--to", "end", type=click.DateTime(), required=True, help="Up to this moment (UTC).")
@click.option("--destination", help="Only those to the destination of this name.")
def replay(start: datetime, end: datetime, destination: str | None) -> None:
    """Send again what was given up in a period, under the same ids."""
    from sqlalchemy import select

    from alerts.outbox import revive
    from models.incidents import Destination

    if end <= start:
        raise click.ClickException("The period ends before it begins.")
    with opened() as context, context.transaction() as session:
        number = None
        if destination is not None:
            number = session.scalar(select(Destination.id).where(Destination.name == destination))
            if number is None:
                raise click.ClickException(f"There is no destination named {destination!r}.")
        count = revive(session, start.replace(tzinfo=UTC), end.replace(tzinfo=UTC), destination_id=number)
    click.echo(f"{count} on their way again.")


COMMANDS = (deliveries,)
