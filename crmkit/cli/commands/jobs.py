"""`crmkit jobs`: what is done later."""

from __future__ import annotations

from typing import Annotated

import typer

from crmkit.cli.later import later

jobs = typer.Typer(no_args_is_help=True, help="Look after what is done later.")


@jobs.command("list")
def list_jobs(
    every: Annotated[bool, typer.Option("--all", help="Also those that are done.")] = False,
) -> None:
    """List the jobs that wait, run or were given up, the latest first."""
    later("working").list_jobs(every=every)


@jobs.command("run")
def run_job(
    name: Annotated[str, typer.Argument(help="What is to be done, such as core.tidy.")],
    payload: Annotated[str, typer.Option(help="With what, as JSON.")] = "null",
) -> None:
    """Ask for a job, which the next worker does that has a hand free."""
    later("working").run_job(name, payload)


@jobs.command("retry")
def retry_job(
    id: Annotated[str, typer.Argument(help="A job that was given up or cancelled.")],
) -> None:
    """Have a job tried again."""
    later("working").retry_job(id)


@jobs.command("cancel")
def cancel_job(
    id: Annotated[str, typer.Argument(help="A job that has not ended.")],
) -> None:
    """Cancel a job, or stop it where it is."""
    later("working").cancel_job(id)
