"""`crmkit worker` and `crmkit jobs`: what is done behind the answers."""

from __future__ import annotations

import asyncio
import signal
from functools import partial
from typing import TYPE_CHECKING, Any

import orjson
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from crmkit.cli.logs import log_json
from crmkit.cli.running import Runner, completed, log_to_stderr, opened
from crmkit.jobs import service
from crmkit.settings import load_settings
from crmkit.values.errors import SetupError

if TYPE_CHECKING:
    from crmkit.settings import Settings

_OUT = Console(highlight=False)
_GRACE = 20  # seconds that jobs under way have when the worker stops


def worker() -> None:
    """Works until it is told to stop; what is under way then has some time to end."""
    settings = load_settings()
    in_development = settings.profile == "development"
    (log_to_stderr if in_development else log_json)()
    completed(_work(settings))


def list_jobs(*, every: bool) -> None:
    """Prints jobs with what became of them."""
    table = Table("id", "name", "state", "due", "tries", "done", "problem", box=SIMPLE)
    for id_, name, state, due, tries, done, total, problem in _run(
        partial(service.listed, every=every)
    ):
        so_far = "" if done is None else f"{done:,}" if total is None else f"{done:,} of {total:,}"
        moment = f"{due:%Y-%m-%d %H:%M:%S}"
        table.add_row(id_, name, state.value, moment, str(tries), so_far, problem or "")
    _OUT.print(table)


def run_job(name: str, payload: str) -> None:
    """Asks for a job by its name.

    Raises:
        SetupError: The payload is no JSON.
    """
    try:
        made = orjson.loads(payload)
    except orjson.JSONDecodeError:
        raise SetupError(f"The payload {payload} is no JSON.") from None
    _run(partial(service.ask_for, name=name, payload=made))
    _OUT.print(f"A worker will do {name}.")


def retry_job(id_: str) -> None:
    """Has a job tried again that was given up."""
    _run(partial(service.retry, id_=id_))
    _OUT.print(f"A worker will try {id_} again.")


def cancel_job(id_: str) -> None:
    """Cancels a job."""
    _run(partial(service.cancel, id_=id_))
    _OUT.print(f"The job {id_} is cancelled.")


def _run(body: Any) -> Any:
    return Runner("core").run(body)


async def _work(settings: Settings) -> None:
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, told.set)
    async with opened(settings) as crm:
        await crm.host.start(works=True)
        _OUT.print("Working; stop with Ctrl+C.")
        await told.wait()
        await crm.host.stop(_GRACE)
