"""The way around every scope, which leaves a trace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crmkit.store.audit import Origin
from crmkit.store.reach import EVERYTHING

if TYPE_CHECKING:
    from sqlalchemy import Executable

    from crmkit.host.context import Context


class Unscoped:
    """Reads everything there is: deleted, hidden, anybody's, also with SQL as text."""

    def __init__(self, context: Context[Any]) -> None:
        self._context = context

    async def read(self, statement: Executable) -> list[tuple[Any, ...]]:
        return await self._context.fetch(statement, EVERYTHING)


async def audit(context: Context[Any], reason: str) -> None:
    """Writes down who leaves the scopes, and why, with the unit or at once."""
    what = f"{context.plugin}: unscoped, {reason}"
    if context.in_unit:
        context.unit.remark(what)
        return
    host = context.host
    origin = Origin(context.actor.id, what, context.request_id, context.actor.key)
    now, dialect = host.clock.now(), host.database.dialect
    await host.database.commit(lambda: [host.auditor.remark(origin, now, None, dialect)])
