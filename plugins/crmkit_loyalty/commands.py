"""What `crmkit loyalty` can do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.progress import Progress

from crmkit_loyalty import service

if TYPE_CHECKING:
    from crmkit_loyalty.config import Context

app = typer.Typer(no_args_is_help=True)


@app.callback()
def loyalty() -> None:
    """Look after the points of customers."""


@app.command()
def verify(call: typer.Context) -> None:
    """Compare every account with the sum of its entries."""
    found: service.Verified = call.obj.run(_verify)
    for each in found.wrong:
        typer.secho(str(each), fg="red")
    typer.echo(f"{found.count} accounts hold {found.points} points.")
    if found.wrong:
        typer.secho(f"{len(found.wrong)} of them disagree with their entries.", fg="red", err=True)
        raise typer.Exit(1)
    typer.echo("Every one of them is the sum of its entries.")


async def _verify(context: Context) -> service.Verified:
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("Adding up", total=await service.account_count(context))
        found = service.Verified()
        async for part in service.verify(context):
            found += part
            progress.advance(bar, part.count)
    return found
