"""`crmkit privacy`: what is known of somebody, handed over or forgotten."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console

from crmkit.cli.running import log_to_stderr, opened
from crmkit.customers.types import ExternalId
from crmkit.privacy import errors, repository, service, types
from crmkit.settings import load_settings
from crmkit.values.errors import SetupError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
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


def lift(emails: Sequence[str], phones: Sequence[str], external_ids: Sequence[str]) -> None:
    """Lets somebody be entered again who was forgotten.

    Args:
        emails: Their mail addresses.
        phones: Their numbers; a national one is read as of the organisation's region.
        external_ids: What other systems call them, as `source:id`.

    Raises:
        SetupError: An id does not say whose it is.
        Failure: There are none of these, or nobody can be reached like that.
    """
    given = types.LiftSuppressions(emails, phones, [*map(_external, external_ids)])
    count = _run(lambda crm: _lift(crm, given))
    _OUT.print(_LIFTED[count > 0].format(count))


_LIFTED = (
    "Nobody was kept out who is reached like that.",
    "Lifted: {}. Whoever is reached like that can be entered again; what was erased stays erased.",
)
_REST = "Pages of the database may still hold what was there until VACUUM, and so do backups."


def _run(work: Callable[[Crm], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        async with opened(load_settings()) as crm:
            return await work(crm)

    log_to_stderr(logging.WARNING)
    return asyncio.run(run())


def _external(said: str) -> ExternalId:
    source, colon, id_ = said.partition(":")
    if not colon:
        raise SetupError(f"{said} does not say whose id it is; write it as shop:4711.")
    return ExternalId(source, id_)


async def _lift(crm: Crm, given: types.LiftSuppressions) -> int:
    async def body(context: Context[Any]) -> int:
        lifted: types.LiftedSuppressions = await service.lift_suppressions(context, given)
        return lifted.count

    count: int = await crm.host.run_unit("core", body, operation="crmkit privacy lift")
    return count


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
