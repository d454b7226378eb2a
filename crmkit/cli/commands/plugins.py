"""`crmkit plugins`: what runs here, and what is taken out."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  typer reads annotations
from typing import Annotated

import typer

from crmkit.cli.later import later

plugins = typer.Typer(invoke_without_command=True)


@plugins.callback()
def list_plugins(context: typer.Context) -> None:
    """List the plugins: what they are, whether they run, and what they add."""
    if context.invoked_subcommand is None:
        later("listing").plugins()


@plugins.command("hooks")
def print_hooks() -> None:
    """Print every hook and event that the enabled plugins offer, with exact signatures."""
    later("hooks").hooks()


@plugins.command()
def show(name: Annotated[str, typer.Argument(help="An enabled plugin.")]) -> None:
    """Print all that a plugin adds: options, types, fields, mutations, events, hooks."""
    later("showing").show(name)


@plugins.command()
def purge(
    name: Annotated[str, typer.Argument(help="A plugin that is not enabled, or gone.")],
    export: Annotated[
        Path | None, typer.Option(help="Write the rows of its tables into this file first.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Take out of the database what a plugin has left there, for ever."""
    later("purging").purge(name, export, yes=yes)
