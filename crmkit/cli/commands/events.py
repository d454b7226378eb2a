"""`crmkit events`: what has happened."""

from __future__ import annotations

from typing import Annotated

import typer

from crmkit.cli.later import later

events = typer.Typer(no_args_is_help=True, help="See what has happened, and tell it again.")

_Event = Annotated[int | None, typer.Option(help="Only of this one, by its number.")]
_Name = Annotated[
    str | None, typer.Option(help="Only of this kind, such as orders.OrdersRecorded.")
]
_Handler = Annotated[str | None, typer.Option(help="Only to this handler, such as grading.grade.")]
_Since = Annotated[str | None, typer.Option(help="Only from this moment on.")]
_Until = Annotated[str | None, typer.Option(help="Only before this moment.")]


@events.command()
def tail(
    limit: Annotated[int, typer.Option("-n", min=1, max=1000, help="How many.")] = 20,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes.")] = False,
) -> None:
    """Print the latest events."""
    later("telling").tail(limit, follow=follow)


@events.command()
def replay(
    event: _Event = None,
    name: _Name = None,
    handler: _Handler = None,
    since: _Since = None,
    until: _Until = None,
) -> None:
    """Tell handlers again of what they have been told, or were not able to take."""
    module = later("telling")
    module.replay(module.which(event, name, handler, since, until))


@events.command()
def dead(
    event: _Event = None,
    name: _Name = None,
    handler: _Handler = None,
    since: _Since = None,
    until: _Until = None,
    again: Annotated[bool, typer.Option("--again", help="Have them made again.")] = False,
) -> None:
    """List the deliveries that were given up, or have them made again."""
    module = later("telling")
    module.dead(module.which(event, name, handler, since, until), again=again)


@events.command()
def catalog() -> None:
    """Print every event that the enabled plugins tell of, with its JSON schema."""
    later("telling").print_catalog()
