"""`crmkit audit`: that it is what was written."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  typer reads annotations
from typing import Annotated

import typer

from crmkit.cli.later import later

audit = typer.Typer(no_args_is_help=True, help="Show that the audit is what was written.")


@audit.command("verify")
def verify_audit(
    head: Annotated[
        Path | None,
        typer.Option(help="What crmkit audit export made: its end must still be there."),
    ] = None,
) -> None:
    """Compare every entry, every seal and the end of the chain with what was written."""
    later("auditing").verify(head)


@audit.command("export")
def export_audit(
    file: Annotated[Path, typer.Argument(help="A file that is not there yet.")],
) -> None:
    """Seal what waits, and write all entries and the head of the chain into a file."""
    later("auditing").export(file)
