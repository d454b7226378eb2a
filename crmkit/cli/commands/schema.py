"""`crmkit schema`: what can be asked."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  typer reads annotations
from typing import Annotated

import typer

from crmkit.cli.later import later

schema = typer.Typer(no_args_is_help=True, help="Look at the GraphQL schema.")


@schema.command("print")
def print_schema(
    room: Annotated[
        str | None, typer.Option(help="Only what this room or plugin adds, such as loyalty.")
    ] = None,
) -> None:
    """Print the schema in GraphQL's own language."""
    later("listing").print_schema(room)


@schema.command()
def check(
    old: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="The schema that clients know.")
    ],
) -> None:
    """Say what clients of an older schema would notice; fail if something of theirs breaks."""
    later("checking").check_schema(old)


@schema.command()
def explain(
    operation: Annotated[str, typer.Argument(help="A query or mutation, as it would be sent.")],
    variables: Annotated[str, typer.Option(help="Its variables, as JSON.")] = "{}",
) -> None:
    """Say what an operation asks of the database, and where each field comes from."""
    later("explaining").explain_operation(operation, variables)
