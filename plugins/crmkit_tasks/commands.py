"""What `crmkit tasks` can do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.progress import Progress

from crmkit_tasks import service

if TYPE_CHECKING:
    from crmkit_tasks.config import Context

app = typer.Typer(no_args_is_help=True)


@app.callback()
def tasks() -> None:
    """Look after what has to be done."""


@app.command()
def plan(call: typer.Context) -> None:
    """Give every customer the tasks that the rules want, and no others; as often as you like."""
    done: service.Planned = call.obj.run(_plan)
    typer.echo(
        f"{done.customers} customers: {done.added} tasks added, {done.moved} moved, "
        f"{done.cancelled} cancelled."
    )


async def _plan(context: Context) -> service.Planned:
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("Planning", total=await service.customer_count(context))
        done = service.Planned()
        async for part in service.plan(context):
            done += part
            progress.advance(bar, part.customers)
    return done
