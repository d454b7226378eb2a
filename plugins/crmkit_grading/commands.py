"""What `crmkit grading` can do."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from crmkit_grading import service

if TYPE_CHECKING:
    from crmkit_grading.config import Context

app = typer.Typer(no_args_is_help=True)
_NAME = "crmkit grading regrade"


@app.callback()
def grading() -> None:
    """Look after scores and grades."""


@app.command()
def regrade(
    call: typer.Context,
    due: Annotated[
        bool, typer.Option(help="Only whose score has faded, or was counted by other rules.")
    ] = False,
    dry_run: Annotated[bool, typer.Option(help="Only say who would have another grade.")] = False,
) -> None:
    """Grade customers by the rules and grades of now; as often as you like."""
    done: service.Regraded = call.obj.run(partial(_regrade, only_due=due, dry=dry_run))
    would = "would have" if dry_run else "have"
    typer.echo(f"{done.customers} customers graded: {done.scores} {would} another score or grade.")
    for (old, new), times in sorted(done.grades.items()):
        typer.echo(f"{old or 'none'} -> {new or 'none'}: {times}")


async def _regrade(context: Context, *, only_due: bool, dry: bool) -> service.Regraded:
    # A unit for each page: nobody waits until all customers have been graded.
    run = partial(context.host.run_unit, "grading", operation=_NAME)
    await run(service.ensure_presets)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        total = await run(partial(service.waiting, only_due=only_due))
        bar = progress.add_task("Grading", total=total)
        done, after = service.Regraded(), ""
        while True:
            body = partial(service.regrade_page, after=after, only_due=only_due, dry=dry)
            page: service.Regraded = await run(body)
            done += page
            progress.advance(bar, page.customers)
            if page.last is None:
                return done
            after = page.last
