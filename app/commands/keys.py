"""key: API keys."""

import click

from app.commands.shared import as_json, opened, show


@click.group("key")
def key() -> None:
    """Keys for the API."""


@key.command("create")
@click.argument("name")
@click.option("--write", is_flag=True, help="May also change things (default: read only).")
@click.option("--admin", is_flag=True, help="May do all that an admin may.")
@click.option("--days", type=click.IntRange(1, 3650), help="How long it lasts (default: until it is revoked).")
@as_json
def create(name: str, write: bool, admin: bool, days: int | None, as_json: bool) -> None:
    """Make a key called NAME. It is shown once; only its hash is kept."""
    from datetime import UTC, datetime, timedelta

    from app.keys import create_key

    with opened() as context, context.transaction() as session:
        scopes = ["read", *(["write"] if write or admin else []), *(["admin"] if admin else [])]
        expires = datetime.now(UTC) + timedelta(days=days) if days else None
        made = create_key(session, name, scopes, expires_at=expires)
    if as_json:
        show({"name": name, "key": made})
    else:
        click.echo(made)
        click.echo("Keep it now: it cannot be shown again. Use it as  Authorization: Bearer KEY", err=True)


@key.command("list")
@as_json
def list_keys(as_json: bool) -> None:
    """List the keys, never their secrets."""
    from sqlalchemy import select

    from models.people import ApiKey

    with opened() as context, context.transaction() as session:
        keys = session.scalars(select(ApiKey).order_by(ApiKey.id)).all()
    if as_json:
        show(
            [
                {
                    "name": k.name,
                    "prefix": k.prefix,
                    "scopes": k.scopes,
                    "created_at": k.created_at,
                    "expires_at": k.expires_at,
                    "last_used_at": k.last_used_at,
                    "revoked_at": k.revoked_at,
                }
                for k in keys
            ]
        )
        return
    for each in keys:
        state = "revoked" if each.revoked_at else "active"
        click.echo(f"{each.prefix:<14} {each.name:<30} {','.join(each.scopes):<12} {state}")


@key.command("revoke")
@click.argument("prefix")
def revoke(prefix: str) -> None:
    """Take a key back, by its prefix."""
    from sqlalchemy import select

    from app.keys import revoke_key
    from models.people import ApiKey

    with opened() as context, context.transaction() as session:
        found = session.scalar(select(ApiKey).where(ApiKey.prefix == prefix))
        if found is None:
            raise click.ClickException(f"No key begins with {prefix}: cocoon key list")
        revoke_key(session, found, by="cli")
    click.echo(f"{found.name} is revoked.")


COMMANDS = [key]
