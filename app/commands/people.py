"""person: who may sign in, from the server's own terminal."""

import click

from app.commands.shared import as_json, opened, show


@click.group("person")
def person() -> None:
    """People who sign in (also at /settings/people)."""


@person.command("list")
@as_json
def list_people(as_json: bool) -> None:
    """List them with their roles."""
    from sqlalchemy import select

    from models.people import User

    with opened() as context, context.transaction() as session:
        found = [
            {
                "email": user.email,
                "name": user.name,
                "role": user.role,
                "active": user.deactivated_at is None,
                "signed_in_at": user.signed_in_at,
            }
            for user in session.scalars(select(User).order_by(User.email))
        ]
    if as_json:
        show(found)
        return
    for each in found:
        click.echo(f"{each['email']:<40} {each['role']:<8} {'active' if each['active'] else 'deactivated'}")


@person.command("link")
@click.argument("email", default="")
@click.option("--role", type=click.Choice(["viewer", "editor", "admin"]), default="viewer", show_default=True)
@as_json
def link(email: str, role: str, as_json: bool) -> None:
    """Print a one-time link: an invitation for EMAIL, or a new password for who is there; alone, for the first admin.

    The way back in for an admin who lost the password. It works for 3 days.
    """
    from app.people import find_user, has_admin, invite

    with opened() as context, context.transaction() as session:
        if not email and has_admin(session):
            raise click.ClickException("There is an admin already. Say for whom: cocoon person link EMAIL")
        user = find_user(session, email) if email else None
        secret = invite(
            session,
            user.email if user else email,
            user.role if user else role if email else "admin",
            by="cli",
            user=user,
        )
        address = f"{context.settings.base_url}/welcome/{secret}"
    if as_json:
        show({"email": email, "link": address})
    else:
        click.echo(address)


@person.command("deactivate")
@click.argument("email")
def deactivate(email: str) -> None:
    """Sign EMAIL out everywhere and let them in no more."""
    from app.people import deactivate as close
    from app.people import find_user

    with opened() as context, context.transaction() as session:
        user = find_user(session, email)
        if user is None:
            raise click.ClickException(f"There is nobody with the address {email}: cocoon person list")
        close(session, user, by="cli")
    click.echo(f"{email} is signed out and cannot come in.")


COMMANDS = [person]
