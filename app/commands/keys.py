"""key: API keys and keys for the pages."""

import click

from app.commands.shared import as_json, opened, show


@click.group("key")
def key() -> None:
    """Keys for the API and, where the pages are open to others, for signing in."""


@key.command("create")
@click.argument("name")
@click.option("--write", is_flag=True, help="May also change things (default: read only).")
@as_json
def create(name: str, write: bool, as_json: bool) -> None:
    """Make a key called NAME. It is shown once; only its hash is kept."""
    from app.auth import create_key

    with opened() as context, context.transaction() as session:
        made = create_key(session, name, ["read", "write"] if write else ["read"])
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
    from sqlalchemy import func, select

    from models.people import ApiKey

    with opened() as context, context.transaction() as session:
        found = session.scalar(select(ApiKey).where(ApiKey.prefix == prefix))
        if found is None:
            raise click.ClickException(f"No key begins with {prefix}: cocoon key list")
        found.revoked_at = session.scalar(select(func.now()))
    click.echo(f"{found.name} is revoked.")


COMMANDS = [key]
