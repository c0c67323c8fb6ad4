"""The `cocoon` command: `cocoon COMMAND --help` says what each does. Commands that print data take --json."""

import logging
import sys

import click

from app.commands import data, deliveries, hooks, keys, people, run, sources, understanding


class Cocoon(click.Group):
    """Every expected fault is one clear sentence and exit code 1; only a defect shows a trace."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except BrokenPipeError:
            sys.exit(0)
        except Exception as error:
            if not _expected(error):
                raise
            raise click.ClickException(str(error)) from error


def _expected(error: Exception) -> bool:
    """Whether a fault is one that a person can mend; imported here so that a good start stays fast."""
    from app.embedded import EmbeddedError
    from app.errors import Problem
    from app.migrate import MigrationError
    from app.settings import SettingsError
    from app.walk import AlreadyWalkingError
    from collectors.base import SourceError

    return isinstance(
        error, AlreadyWalkingError | SettingsError | EmbeddedError | MigrationError | Problem | SourceError
    )


@click.group(cls=Cocoon, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("-v", "--verbose", is_flag=True, help="Say more in the log.")
def main(verbose: bool) -> None:
    """Cocoon watches what customers say about your mobile apps, and what those apps do to them."""
    from app.logs import configure

    configure(logging.INFO if verbose else logging.WARNING)


for room in (run, sources, data, understanding, keys, people, hooks, deliveries):
    for command in room.COMMANDS:
        main.add_command(command)

if __name__ == "__main__":
    main()
