"""`crmkit privacy`: what is known of people."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  typer reads annotations
from typing import Annotated

import typer

from crmkit.cli.later import later

privacy = typer.Typer(no_args_is_help=True, help="Hand over what is known of people, or forget it.")


@privacy.command("export")
def export_person(
    id_: Annotated[str, typer.Argument(metavar="ID", help="The id of a customer.")],
    to: Annotated[Path | None, typer.Option(help="A file; else it is shown.")] = None,
) -> None:
    """Hand over all that is known of a customer, as JSON."""
    later("forgetting").export(id_, to)


@privacy.command("erase")
def erase_person(
    id_: Annotated[str, typer.Argument(metavar="ID", help="The id of a customer.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Forget a customer for ever; a run that was broken off is gone on with."""
    later("forgetting").erase(id_, yes=yes)


@privacy.command("lift")
def lift_suppressions(
    email: Annotated[list[str] | None, typer.Option(help="A mail address of theirs.")] = None,
    phone: Annotated[list[str] | None, typer.Option(help="A number of theirs.")] = None,
    external_id: Annotated[
        list[str] | None, typer.Option(help="What a system calls them, such as shop:4711.")
    ] = None,
) -> None:
    """Let somebody be entered again who was forgotten, and has asked for it themselves."""
    later("forgetting").lift(email or (), phone or (), external_id or ())
