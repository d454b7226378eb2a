"""`crmkit privacy`: what is known of somebody, handed over or forgotten."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console

from crmkit.cli.running import log_to_stderr, opened
from crmkit.privacy import errors, repository, service
from crmkit.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from crmkit.app import Crm
    from crmkit.host.context import Context

_OUT = Console(highlight=False, soft_wrap=True)


def export(id_: str, file: Path | None) -> None:
    """Writes all that is known of a customer into a file, or shows it."""
    found = json.dumps(_run(lambda crm: _export(crm, id_)), ensure_ascii=False, indent=2)
    if file is None:
        typer.echo(found)
    else:
        file.write_text(found + "\n", encoding="utf-8")
        _OUT.print(f"All that is known of {id_} stands in {file}.")


def erase(id_: str, *, yes: bool) -> None:
    """Forgets a customer; a second run goes on where the first one was broken off."""
    if not yes:
        typer.confirm(f"Forget {id_} for ever?", abort=True)
    customer_id = _run(lambda crm: _erase(crm, id_))
    _OUT.print(f"{customer_id} is forgotten. {_REST}")


_REST = "Pages of the database may still hold what was there until VACUUM, and so do backups."


def _run(work: Callable[[Crm], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        async with opened(load_settings()) as crm:
            return await work(crm)

    log_to_stderr(logging.WARNING)
    return asyncio.run(run())


async def _export(crm: Crm, id_: str) -> Any:
    async def body(context: Context[Any]) -> Any:
        customer_id = await repository.meant(context, id_)
        if customer_id is None:
            raise errors.NoSuchCustomer
        return await service.export_of(context, customer_id)

    return await crm.host.run_unit("core", body, operation="crmkit privacy export")


async def _erase(crm: Crm, id_: str) -> str:
    async def begin(context: Context[Any]) -> tuple[str, str | None]:
        customer_id = await service.erase(context, id_)
        return customer_id, await repository.erasure_of(context, customer_id)

    customer_id, erasure = await crm.host.run_unit("core", begin, operation="crmkit privacy erase")

    async def step(context: Context[Any]) -> bool:
        return erasure is None or await service.erase_some(context, erasure)

    while not await crm.host.run_unit("core", step, operation="crmkit privacy erase"):
        continue
    return str(customer_id)
