"""The commands, alone and in groups; what a command needs is imported when it is used."""

from __future__ import annotations

import sys
from enum import Enum
from pathlib import Path  # noqa: TC003  typer reads annotations
from typing import Annotated

import typer

from crmkit.cli.commands import (
    access,
    audit,
    database,
    events,
    jobs,
    new,
    plugins,
    privacy,
    schema,
)
from crmkit.cli.groups import Commands
from crmkit.cli.later import later
from crmkit.values.errors import Failure, SetupError

app = typer.Typer(
    name="crmkit",
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="A CRM whose core is customers, interactions and stages, and whose rest is plugins.",
)
app.add_typer(database.db, name="db")
app.add_typer(events.events, name="events")
app.add_typer(jobs.jobs, name="jobs")
app.add_typer(plugins.plugins, name="plugins")
app.add_typer(schema.schema, name="schema")
app.add_typer(new.new, name="new")
app.add_typer(access.permissions, name="permissions")
app.add_typer(access.user, name="user")
app.add_typer(access.token, name="token")
app.add_typer(audit.audit, name="audit")
app.add_typer(privacy.privacy, name="privacy")


class Size(Enum):
    """How large the demo company is."""

    small = "small"
    normal = "normal"
    large = "large"


def main() -> None:
    """Runs a command; what is expected to go wrong is one sentence."""
    try:
        app()
    except (SetupError, Failure) as error:
        typer.secho(str(error), err=True, fg="red")
        sys.exit(1)


@app.command()
def demo(
    port: Annotated[int, typer.Option(help="Where to listen on this machine.")] = 8000,
    serve: Annotated[bool, typer.Option(help="Go on serving after the answers.")] = True,
    size: Annotated[
        Size, typer.Option(help="60, 2,000 or 100,000 customers, each in a folder of its own.")
    ] = Size.normal,
) -> None:
    """Let an invented company live through a year in ./.demo, ask three questions, and serve."""
    later("demonstration").demo(port, serve=serve, size=size.value)


@app.command()
def serve(
    port: Annotated[int | None, typer.Option(help="Instead of the one in the settings.")] = None,
) -> None:
    """Serve the endpoint on this machine."""
    later("serving").serve(port)


@app.command()
def worker() -> None:
    """Bring events to their handlers and do jobs, beside the servers, until it is stopped."""
    later("working").worker()


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="A file that is not there yet.")],
) -> None:
    """Save the database, as it is at this moment, into one file; servers go on."""
    later("saving").backup(file)


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="What crmkit backup has made.")],
    replace: Annotated[bool, typer.Option("--replace", help="What is there now is lost.")] = False,
) -> None:
    """Put a backup into an empty database, and count again all that it holds."""
    later("saving").restore(file, replacing=replace)


@app.command()
def verify() -> None:
    """Count again what is kept as a result, such as balances, and say what disagrees."""
    later("verifying").verify()


@app.command()
def doctor() -> None:
    """Look for what is wrong, and say of each thing what cures it."""
    later("doctor").doctor()


@app.command("import")
def import_file(
    kind: Annotated[str, typer.Argument(help="What the file holds, such as orders.")],
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A CSV file.")],
    source: Annotated[str, typer.Option(help="The key of the system that the file is from.")],
    currency: Annotated[
        str | None, typer.Option(help="Of its amounts; else the organisation's.")
    ] = None,
    encoding: Annotated[str | None, typer.Option(help="Else it is found out.")] = None,
    rejects: Annotated[
        Path | None, typer.Option(help="Where broken rows go; else beside you, by its name.")
    ] = None,
) -> None:
    """Take in a file; a second run changes nothing."""
    later("importing").import_file(kind, file, source, currency, encoding, rejects)
