"""A unit of work: everything that one operation does, committed as one or not at all."""

from __future__ import annotations

import asyncio
from random import SystemRandom
from typing import TYPE_CHECKING, Any

import structlog

from crmkit.store.audit import Auditor, Origin
from crmkit.store.effect import Effect
from crmkit.store.idempotency import IdempotencyKey
from crmkit.store.outbox import Outbox
from crmkit.store.parts import Part, Undone
from crmkit.store.premises import Remembered, Unfounded, absent, unchanged
from crmkit.store.reach import EVERYTHING, Reach
from crmkit.store.ready import only_looks
from crmkit.store.violations import Contention, Violation
from crmkit.store.write import Write
from crmkit.values.errors import ErrorCode, Failure, Unavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Dialect, Table

    from crmkit.store.database import Base
    from crmkit.store.drivers import Database
    from crmkit.store.queue import Run
    from crmkit.store.ready import Question
    from crmkit.store.statements import Row
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
        premises = [] if premise is None else [premise]
        self._effect = Effect(database, at, origin, key, premises, auditor, stepwise=stepwise)
        self.after_commit: list[Callable[[], None]] = []
        self.before_commit = self._effect.before_commit
        self.allowances = self._effect.allowances
        self.job: Run | None = None
        self._looks = 0
        self._database = database
        self._origin = origin
        self._key = key
        self._is_trusting = is_trusting
        self._turn: asyncio.Lock | None = None

    @property
    def dialect(self) -> Dialect:
        """The SQL of its database."""
        return self._database.dialect

    @property
    def holds_transaction(self) -> bool:
        """Whether others wait for what it has locked."""
        return self._effect.transaction is not None

    def was_overtaken(self, conflict: Failure) -> bool:
        """Whether others can have committed between what it saw and this conflict."""
        return isinstance(conflict.__cause__, Violation) or self._looks > 1

    def may_trust(self, model: type[Base]) -> bool:
        """Whether it may take for granted what is remembered of a table, and check it at its end."""
        return self._is_trusting and not (self.holds_transaction or self.write.touches(model))

    def trust(self, model: type[Base], rows: tuple[Remembered, ...]) -> None:
        """Takes for granted that rows still are as they are remembered.

        Where they are not, the body runs once more, and then nothing is taken for granted.
        """
        self._effect.premises.append(unchanged(model, rows, self._database.dialect))

    def trust_absent(self, model: type[Base], keys: Sequence[Any]) -> None:
        """Takes for granted that no row has one of these keys; see `trust`."""
        self._effect.premises.append(absent(model, keys, self._database.dialect))

    async def read(self, statement: Question, reach: Reach = EVERYTHING) -> list[Row]:
        """Reads what was committed, and what this unit has said so far.

        Before its first word a unit needs no transaction: each of its looks would see what
        others have committed meanwhile, there as here.
        """
        if self._turn is None:  # Most units read nothing.
            self._turn = asyncio.Lock()
        async with self._turn:
            if not (self.holds_transaction or self.write) and only_looks(statement):
                self._looks += 1
                return await self._database.fetch(statement, reach)
            transaction = await self._effect.written(self.write.taken())
            return await transaction.fetch(statement, reach)

    def emit(
        self, name: str, version: int, record: str, payload: dict[str, Any], *, plugin: str
    ) -> None:
        """Tells the handlers of an event, if and when this unit has been committed."""
        self.write.add(
            Outbox(
                at=self.at,
                plugin=plugin,
                name=name,
                version=version,
                record=record,
                payload=payload,
                request_id=self._origin.request_id,
            )
        )

    def along(self, part: Part, otherwise: Exception) -> None:
        """Has a statement take effect together with the unit, if it touches what it expects.

        Raises:
            Exception: It does not: `otherwise`, when the unit is committed.
        """
        self._effect.along.append((part, otherwise))

    def remark(self, what: str | None = None, *, about: str | None = None) -> None:
        """Leaves an entry of its own in the audit, whatever else the unit does.

        Args:
            what: What it says in the place of the unit's operation.
            about: The customer whom it concerns.
        """
        self._effect.remarks.append((what or self._origin.operation, about))

    async def run(
        self, body: Callable[[UnitOfWork], Awaitable[Any]], record: Callable[[Any], str | None]
    ) -> Any:
        """Runs the body once; `run_unit` runs it until it has a result."""
        try:
            result = await self._done(body, record)
        except Exception as error:
            # Whoever loses a race for a key may fail because the winner has had its effect.
            if self._key is None:
                await self._effect.check_premises()
                raise
            return await self._effect.stored(self._key, error)
        self._tell()
        return result

    async def _done(
        self, body: Callable[[UnitOfWork], Awaitable[Any]], record: Callable[[Any], str | None]
    ) -> Any:
        """Runs the body and ends what it began."""
        try:
            result = await body(self)
            if self._turn is None:
                await self._effect.complete(self.write.taken(), result, record)
            else:
                async with self._turn:
                    await self._effect.complete(self.write.taken(), result, record)
        except BaseException as error:
            await self._effect.end(error)
            raise
        await self._effect.end(None)
        return result

    def _tell(self) -> None:
        for each in self.after_commit:
            try:
                each()
            except Exception:  # noqa: BLE001
                # The commit stands, and its caller must hear of it.
                structlog.get_logger().exception("after_commit", operation=self._origin.operation)


def _is_conflict(failure: Failure) -> bool:
    codes = [failure.code, *[each.code for each in failure.problems]]
    return ErrorCode.CONFLICT in codes
