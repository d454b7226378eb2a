"""A unit of work: everything that one operation does, committed as one or not at all."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from random import SystemRandom
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy import Executable, Table, insert

from crmkit.store import idempotency
from crmkit.store.audit import Audit, Origin, Recorded
from crmkit.store.database import Base, table_of
from crmkit.store.idempotency import IdempotencyKey
from crmkit.store.outbox import Outbox
from crmkit.store.reach import EVERYTHING, Reach
from crmkit.store.violations import Contention, Violation
from crmkit.store.write import Write
from crmkit.values.errors import Conflict, Failure, Unavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from datetime import datetime

    from crmkit.store.drivers import Database
    from crmkit.store.statements import Row
    from crmkit.values.clock import Clock

__all__ = ["IdempotencyKey", "Origin", "UnitOfWork", "run_unit"]

_TRIES = 6
_pause = SystemRandom().uniform


async def run_unit(
    database: Database,
    clock: Clock,
    origin: Origin,
    body: Callable[[UnitOfWork], Awaitable[Any]],
    *,
    key: IdempotencyKey | None = None,
    sides: Mapping[Table, Sequence[type[Base]]] | None = None,
    record: Callable[[Any], str | None] = lambda _: None,
) -> Any:
    """Runs a body in a unit of work and returns its result, which JSON can hold.

    The whole body runs again when other transactions stood in its way, so it keeps
    nothing between its calls. With a key it takes effect once: whoever comes later gets
    the stored result.

    Raises:
        Unavailable: Others stood in its way again and again.
        IdempotencyMismatch: The key was used with other arguments.
    """
    has_clashed = False
    for attempt in range(_TRIES):
        if attempt:
            await asyncio.sleep(_pause(0, 0.002 * 3**attempt))
        unit = UnitOfWork(database, clock.now(), origin, key, sides or {})
        try:
            return await unit.run(body, record)
        except Contention:
            continue
        except Conflict as error:
            # Somebody took a unique key after the body had looked: looking again, it finds
            # the other's row, and says what that means or goes on with it.
            if has_clashed or not isinstance(error.__cause__, Violation):
                raise
            has_clashed = True
    raise Unavailable("The database is too busy at the moment.")


class UnitOfWork:
    """Buffers writes and events; reads only after it has written what it holds."""

    def __init__(
        self,
        database: Database,
        at: datetime,
        origin: Origin,
        key: IdempotencyKey | None = None,
        sides: Mapping[Table, Sequence[type[Base]]] | None = None,
    ) -> None:
        self.at = at
        self.write = Write(at, sides or {})
        self.after_commit: list[Callable[[], None]] = []
        self.before_commit: list[Callable[[Recorded], Awaitable[None]]] = []
        self._database = database
        self._origin = origin
        self._key = key
        self._wrote = False
        self._taken = False
        self._stack = AsyncExitStack()
        self._transaction: Recorded | None = None
        self._turn = asyncio.Lock()

    async def read(self, statement: Executable, reach: Reach = EVERYTHING) -> list[Row]:
        """Writes what is buffered and reads in the same transaction."""
        async with self._turn:
            transaction = await self._flushed()
            return await transaction.fetch(statement, reach)

    def emit(
        self, name: str, version: int, record: str, payload: Mapping[str, Any], *, plugin: str
    ) -> None:
        """Tells the handlers of an event, if and when this unit has been committed."""
        self.write.add(
            Outbox(
                at=self.at,
                plugin=plugin,
                name=name,
                version=version,
                record=record,
                payload=dict(payload),
                request_id=self._origin.request_id,
            )
        )

    async def run(
        self, body: Callable[[UnitOfWork], Awaitable[Any]], record: Callable[[Any], str | None]
    ) -> Any:
        """Runs the body once; `run_unit` runs it until it has a result."""
        try:
            async with self._stack:
                result = await body(self)
                await self._finish(result, record)
        except Exception as error:
            # Whoever loses a race for a key may fail because the winner has had its effect.
            if self._key is None or not (self._taken or isinstance(error, Failure)):
                raise
            return await self._stored(self._key, error)
        self._tell()
        return result

    async def _finish(self, result: Any, record: Callable[[Any], str | None]) -> None:
        async with self._turn:
            if not (self._key or self._transaction or self.write or self.before_commit):
                return
            was_open = self._transaction is not None
            transaction = await self._flushed(result)
            for each in self.before_commit:
                await each(transaction)
            if self._key and was_open:
                await idempotency.keep(transaction, self._key, result)
            if self._wrote:
                await transaction.run(self._audit(transaction.digest(), record(result)))

    async def _flushed(self, result: Any = None) -> Recorded:
        transaction = self._transaction or await self._begun(result)
        for group in self.write.taken():
            self._wrote = True
            await group.run(transaction)
        return transaction

    async def _begun(self, result: Any) -> Recorded:
        opened = await self._stack.enter_async_context(self._database.transaction())
        self._transaction = Recorded(opened)
        if self._key:
            claimed = await idempotency.claim(self._transaction, self._key, self.at, result)
            self._taken = not claimed
        if self._taken:
            raise KeyTaken
        return self._transaction

    def _audit(self, digest: bytes, record: str | None) -> Executable:
        origin = self._origin
        return insert(table_of(Audit)).values(
            at=self.at,
            actor=origin.actor,
            operation=origin.operation,
            record=record,
            request_id=origin.request_id,
            digest=digest,
        )

    async def _stored(self, key: IdempotencyKey, error: Exception) -> Any:
        found = await idempotency.stored(self._database, key)
        if found is not None:
            return found[0]
        # Whoever held the key has given it back: now it is free.
        raise Contention if self._taken else error

    def _tell(self) -> None:
        for each in self.after_commit:
            try:
                each()
            except Exception:  # noqa: BLE001
                # The commit stands, and its caller must hear of it.
                structlog.get_logger().exception("after_commit", operation=self._origin.operation)


class KeyTaken(Exception):
    """Another unit has used this idempotency key; leaves the body at once."""
