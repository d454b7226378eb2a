"""A unit of work: everything that one operation does, committed as one or not at all."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from dataclasses import replace
from random import SystemRandom
from typing import TYPE_CHECKING, Any

import structlog

from crmkit.store import idempotency
from crmkit.store.audit import Auditor, Origin
from crmkit.store.idempotency import IdempotencyKey
from crmkit.store.outbox import Outbox
from crmkit.store.parts import Part, Undone
from crmkit.store.premises import Unfounded, absent, unchanged
from crmkit.store.reach import EVERYTHING, Reach
from crmkit.store.ready import only_looks
from crmkit.store.trail import Trail
from crmkit.store.violations import Contention, Violation
from crmkit.store.write import Write
from crmkit.values.errors import ErrorCode, Failure, Unavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime

    from sqlalchemy import Dialect, Table

    from crmkit.store.database import Base
    from crmkit.store.drivers import Database, Reader, Transaction
    from crmkit.store.groups import Group
    from crmkit.store.queue import Run
    from crmkit.store.ready import Question
    from crmkit.store.statements import Row
    from crmkit.values.allowance import Allowance
    from crmkit.values.clock import Clock

__all__ = ["IdempotencyKey", "Origin", "UnitOfWork", "run_unit"]

UNSIGNED = Auditor("")
"""For rows that nobody has to believe."""

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
    premise: Part | None = None,
    auditor: Auditor = UNSIGNED,
) -> Any:
    """Runs a body in a unit of work and returns its result, which JSON can hold.

    The whole body runs again when other transactions stood in its way, so it keeps
    nothing between its calls. With a key it takes effect once: whoever comes later gets
    the stored result.

    Raises:
        Unavailable: Others stood in its way again and again.
        IdempotencyMismatch: The key was used with other arguments.
        Unfounded: The caller's premise may be wrong, and nothing was written.
    """
    has_clashed, is_trusting, is_stepwise = False, True, False
    for attempt in range(_TRIES):
        if attempt:
            await asyncio.sleep(_pause(0, 0.002 * 3**attempt))
        at = clock.now()
        unit = UnitOfWork(
            database, at, origin, key, sides, premise, is_trusting, auditor, stepwise=is_stepwise
        )
        try:
            return await unit.run(body, record)
        except (Contention, Undone) as error:
            # Step by step it succeeds, or says why not.
            is_stepwise = is_stepwise or isinstance(error, Undone)
        except Unfounded:
            if premise is not None:
                raise
            is_trusting = False
        except Failure as error:
            # Somebody took a unique key after the body had looked, or between two looks: looking
            # again, it finds the other's row, and says what that means or goes on with it.
            if has_clashed or not _is_conflict(error) or not unit.was_overtaken(error):
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
        premise: Part | None = None,
        is_trusting: bool = True,
        auditor: Auditor = UNSIGNED,
        *,
        stepwise: bool = False,
    ) -> None:
        self.at = at
        self.write = Write(at, sides or {})
        self.after_commit: list[Callable[[], None]] = []
        self.before_commit: list[Callable[[Transaction], Awaitable[None]]] = []
        self.allowances: list[Allowance] = []
        self.job: Run | None = None
        self._looks = 0
        self._database = database
        self._origin = origin
        self._key = key
        self._premises = [] if premise is None else [premise]
        self._along: list[tuple[Part, Exception]] = []
        self._is_trusting = is_trusting
        self._auditor = auditor
        self._is_stepwise = stepwise
        self._trail = Trail()
        self._remarks: list[tuple[str, str | None]] = []
        self._taken = False
        self._opened: AbstractAsyncContextManager[Transaction] | None = None
        self._transaction: Transaction | None = None
        self._turn: asyncio.Lock | None = None

    @property
    def dialect(self) -> Dialect:
        """The SQL of its database."""
        return self._database.dialect

    @property
    def holds_transaction(self) -> bool:
        """Whether others wait for what it has locked."""
        return self._transaction is not None

    def was_overtaken(self, conflict: Failure) -> bool:
        """Whether others can have committed between what it saw and this conflict."""
        return isinstance(conflict.__cause__, Violation) or self._looks > 1

    def may_trust(self, model: type[Base]) -> bool:
        """Whether it may take for granted what is remembered of a table, and check it at its end."""
        is_open = self._transaction is not None
        return self._is_trusting and not (is_open or self.write.touches(model))

    def trust(self, model: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
        """Takes for granted that rows still are as these columns are remembered.

        Where they are not, the body runs once more, and then nothing is taken for granted.
        """
        self._premises.append(unchanged(model, rows, self._database.dialect))

    def trust_absent(self, model: type[Base], keys: Sequence[Any]) -> None:
        """Takes for granted that no row has one of these keys; see `trust`."""
        self._premises.append(absent(model, keys, self._database.dialect))

    async def read(self, statement: Question, reach: Reach = EVERYTHING) -> list[Row]:
        """Reads what was committed, and what this unit has said so far.

        Before its first word a unit needs no transaction: each of its looks would see what
        others have committed meanwhile, there as here.
        """
        if self._turn is None:  # Most units read nothing.
            self._turn = asyncio.Lock()
        async with self._turn:
            if self._transaction is None and not self.write and only_looks(statement):
                self._looks += 1
                return await self._database.fetch(statement, reach)
            transaction = await self._written(self._taken_down())
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

    def along(self, part: Part, otherwise: Exception) -> None:
        """Has a statement take effect together with the unit, if it touches what it expects.

        Raises:
            Exception: It does not: `otherwise`, when the unit is committed.
        """
        self._along.append((part, otherwise))

    def remark(self, what: str | None = None, *, about: str | None = None) -> None:
        """Leaves an entry of its own in the audit, whatever else the unit does.

        Args:
            what: What it says in the place of the unit's operation.
            about: The customer whom it concerns.
        """
        self._remarks.append((what or self._origin.operation, about))

    async def run(
        self, body: Callable[[UnitOfWork], Awaitable[Any]], record: Callable[[Any], str | None]
    ) -> Any:
        """Runs the body once; `run_unit` runs it until it has a result."""
        try:
            result = await self._done(body, record)
        except Exception as error:
            # Whoever loses a race for a key may fail because the winner has had its effect.
            if self._key is None:
                await self._check_premises(self._database)
                raise
            return await self._stored(self._key, error)
        self._tell()
        return result

    async def _done(
        self, body: Callable[[UnitOfWork], Awaitable[Any]], record: Callable[[Any], str | None]
    ) -> Any:
        """Runs the body and ends what it began."""
        try:
            result = await body(self)
            if self._turn is None:
                await self._finish(result, record)
            else:
                async with self._turn:
                    await self._finish(result, record)
        except BaseException as error:
            if self._opened is not None:
                await self._opened.__aexit__(type(error), error, error.__traceback__)
            raise
        if self._opened is not None:
            await self._opened.__aexit__(None, None, None)
        return result

    async def _finish(self, result: Any, record: Callable[[Any], str | None]) -> None:
        is_busy = self.write or self.before_commit or self._along or self._remarks
        if not (self._key or self._transaction or self._premises or is_busy):
            return
        was_open = self._transaction is not None
        groups = self._taken_down()
        about = record(result)
        if not self.before_commit and await self._sent(groups, result, about):
            return
        transaction = await self._written(groups, result)
        for each in self.before_commit:
            await each(transaction)
        await self._go_along(transaction)
        if self._key and was_open:
            await transaction.write(idempotency.kept(self._key, result, transaction.dialect))
        for part in self._audit(about):
            await transaction.later(part)

    async def _sent(self, groups: Sequence[Group], result: Any, about: str | None) -> bool:
        """Commits all at once; where that fails, step by step it succeeds or says why not."""
        if self._transaction is not None:
            return await self._completed(self._transaction, groups, result, about)
        dialect = self._database.dialect
        if any(each.is_copied(dialect) for each in groups):
            return False  # Nothing stands beside a COPY, so nothing is made in vain.

        def parts() -> list[Part]:
            made = [*self._premises, *[part for part, _ in self._along]]
            if self._key:
                made.append(idempotency.taken(self._key, self.at, result, dialect))
            # The audit looks up whose the rows are before any of them goes.
            return [*made, *self._audit(about), *[each.part(dialect) for each in groups]]

        try:
            await self._database.commit(parts)
        except (Undone, Violation):
            return False
        return True

    async def _completed(
        self, transaction: Transaction, groups: Sequence[Group], result: Any, about: str | None
    ) -> bool:
        """Writes the rest of a transaction and commits it, unless that has to be step by step."""
        if not self._may_be_at_once(groups):
            return False
        dialect = self._database.dialect
        await self._trail.settle(transaction)
        if not transaction.survives:
            await self._go_along(transaction)

        def parts() -> list[Part]:
            made = [part for part, _ in self._along]
            if self._key:
                made.append(idempotency.kept(self._key, result, dialect))
            return [*made, *[each.part(dialect) for each in groups]]

        return await transaction.completed(parts, lambda: self._audit(about))

    async def _go_along(self, transaction: Transaction) -> None:
        along, self._along = self._along, []
        for part, otherwise in along:
            if await transaction.write(part) != part.expected:
                raise otherwise

    def _may_be_at_once(self, groups: Sequence[Group]) -> bool:
        dialect = self._database.dialect
        return not (self._is_stepwise or any(each.is_copied(dialect) for each in groups))

    def _taken_down(self) -> list[Group]:
        """What waits to be written; the audit will tell of it."""
        groups = self.write.taken()
        self._trail.note(groups)
        return groups

    async def _written(self, groups: Sequence[Group], result: Any = None) -> Transaction:
        # Whoever looks first waits for SQLite's one writer and writes what all before have said.
        with ExitStack() as others:
            for each in self.allowances:
                others.enter_context(each.uncounted())
            if self._transaction is not None:
                await self._write(self._transaction, groups)
                return self._transaction
            opening = self._database.transaction()
            opened = self._transaction = await opening.__aenter__()
            self._opened = opening
            await self._begin(opened, groups, result)
            return opened

    async def _begin(self, opened: Transaction, groups: Sequence[Group], result: Any) -> None:
        """Takes the key and looks whether the premises hold, with what is to be written."""
        first = list(self._premises)
        if self._key:
            first.append(idempotency.taken(self._key, self.at, result, opened.dialect))
        is_done = bool(first) and await self._at_once(opened, first, groups)
        premises, self._premises = self._premises, []
        if is_done:
            return
        if self._key:
            self._taken = not await idempotency.claim(opened, self._key, self.at, result)
        if self._taken:
            raise KeyTaken
        for each in premises:
            await opened.assured(each, Unfounded())
        await self._write(opened, groups)

    async def _write(self, transaction: Transaction, groups: Sequence[Group]) -> None:
        if len(groups) > 1 and await self._at_once(transaction, [], groups):
            return
        await self._trail.settle(transaction)
        for group in groups:
            await group.run(transaction)

    async def _at_once(
        self, transaction: Transaction, first: Sequence[Part], groups: Sequence[Group]
    ) -> bool:
        if not self._may_be_at_once(groups):
            return False
        await self._trail.settle(transaction)
        written = await transaction.at_once(
            lambda: [*first, *[each.part(transaction.dialect) for each in groups]]
        )
        return written is not None

    async def _check_premises(self, reader: Reader) -> None:
        """Looks whether all is as it was taken for granted, once."""
        premises, self._premises = self._premises, []
        for each in premises:
            rows = await reader.rows(self._database.texts.alone(each), each.runs[0])
            if len(rows) != each.expected:
                raise Unfounded

    def _audit(self, record: str | None) -> list[Part]:
        origin, at, dialect = self._origin, self.at, self._database.dialect
        parts = self._auditor.parts(origin, at, self._trail, record, dialect) if self._trail else []
        if not self._remarks:
            return parts
        said = [(replace(origin, operation=what), about) for what, about in self._remarks]
        return [*parts, *[self._auditor.remark(of, at, record, dialect, who) for of, who in said]]

    async def _stored(self, key: IdempotencyKey, error: Exception) -> Any:
        found = await idempotency.stored(self._database, key)
        if found is not None:
            return found[0]
        # Whoever held the key has given it back: now it is free.
        if self._taken:
            raise Contention
        await self._check_premises(self._database)
        raise error

    def _tell(self) -> None:
        for each in self.after_commit:
            try:
                each()
            except Exception:  # noqa: BLE001
                # The commit stands, and its caller must hear of it.
                structlog.get_logger().exception("after_commit", operation=self._origin.operation)


class KeyTaken(Exception):
    """Another unit has used this idempotency key; leaves the body at once."""


def _is_conflict(failure: Failure) -> bool:
    codes = [failure.code, *[each.code for each in failure.problems]]
    return ErrorCode.CONFLICT in codes
