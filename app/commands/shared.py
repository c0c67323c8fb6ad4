"""What the commands have in common: opening the context, printing as text or JSON, finding an app by name."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.context import Context
    from models.apps import App

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")


@contextmanager
def opened() -> "Iterator[Context]":
    """The context of a command that ends by itself."""
    from app.context import open_context
    from app.logs import configure
    from app.settings import read_settings

    settings = read_settings()
    if settings.log_json:
        configure(logging.getLogger().level, as_json=True)
    with open_context(settings) as context:
        yield context


def show(value: Any) -> None:
    """Print a value as JSON."""
    click.echo(json.dumps(value, default=str, ensure_ascii=False, indent=2))


def app_named(session: "Session", name: str) -> "App":
    """The app of this name, whatever its case. Raises ClickException that lists the names there are."""
    from sqlalchemy import select

    from models.apps import App

    apps = session.scalars(select(App).order_by(App.name)).all()
    for app in apps:
        if app.name.casefold() == name.casefold().strip():
            return app
    names = ", ".join(app.name for app in apps) or "none yet: cocoon source add LINK"
    raise click.ClickException(f"There is no app named {name!r}. Known apps: {names}.")
