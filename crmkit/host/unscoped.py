"""The way around every scope, which leaves a trace."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert

from crmkit.store.audit import Audit
from crmkit.store.database import table_of
from crmkit.store.reach import EVERYTHING

if TYPE_CHECKING:
    from sqlalchemy import Executable

    from crmkit.host.context import Context
    from crmkit.store.drivers import Transaction


class Unscoped:
    """Reads everything there is: deleted, hidden, anybody's, also with SQL as text."""

    def __init__(self, context: Context[Any]) -> None:
        self._context = context

    async def read(self, statement: Executable) -> list[tuple[Any, ...]]:
        return await self._context.fetch(statement, EVERYTHING)


async def audit(context: Context[Any], reason: str) -> None:
    """Writes down who leaves the scopes, and why, with the unit or at once."""
    row = insert(table_of(Audit)).values(
        at=context.clock.now(),
        actor=context.actor.id,
        operation=f"{context.plugin}: unscoped, {reason}",
        request_id=context.request_id,
        digest=sha256(reason.encode()).digest(),
    )

    async def note(transaction: Transaction) -> None:
        await transaction.run(row)

    if context.in_unit:
        context.unit.before_commit.append(note)
    else:
        async with context.host.database.transaction() as transaction:
            await note(transaction)
