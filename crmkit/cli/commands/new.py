"""`crmkit new`: repositories and plugins."""

from __future__ import annotations

from typing import Annotated

import typer

from crmkit.cli.later import later

new = typer.Typer(no_args_is_help=True, help="Begin a repository or a plugin of your own.")


@new.command("app")
def new_app(
    name: Annotated[str, typer.Argument(help="The company, in small letters, such as acme.")],
) -> None:
    """Make a folder with settings, a plugin of your own, its tests, and how to run it all."""
    later("making").new_app(name)


@new.command("plugin")
def new_plugin(
    name: Annotated[str, typer.Argument(help="Its name, in small letters, such as surveys.")],
) -> None:
    """Make a plugin: in a company's repository one of its own, elsewhere a distribution."""
    later("making").new_plugin(name)
