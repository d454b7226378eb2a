"""`crmkit db`: the tables, brought to the version of the code."""

from __future__ import annotations

from typing import Annotated

import typer

from crmkit.cli.later import later

db = typer.Typer(no_args_is_help=True, help="Bring the database to the version of the code.")

_Plugin = Annotated[str, typer.Option(help="The lineage: core, or the name of a plugin.")]


@db.command()
def upgrade(
    wait: Annotated[
        float, typer.Option(help="Seconds to go on trying while others hold the tables.")
    ] = 60,
) -> None:
    """Create or change the tables of the core and of all enabled plugins."""
    later("migrating").upgrade(wait)


@db.command()
def status() -> None:
    """Say of each lineage where the database stands and where the code is."""
    later("migrating").status()


@db.command()
def revision(
    message: Annotated[str, typer.Option("--message", "-m", help="What changes.")],
    plugin: _Plugin = "core",
) -> None:
    """Write a migration that brings the tables to what the models say."""
    later("migrating").revision(plugin, message)
