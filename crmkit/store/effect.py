"""What a unit has said takes effect: all at once, or step by step where that says more."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from crmkit.store import idempotency
from crmkit.store.parts import Part, Undone
from crmkit.store.premises import Unfounded
from crmkit.store.trail import Trail
from crmkit.store.violations import Contention, Violation

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime

    from sqlalchemy import Dialect

    from crmkit.store.audit import Auditor, Origin
    from crmkit.store.drivers import Database, Transaction
    from crmkit.store.groups import Group
    from crmkit.store.idempotency import IdempotencyKey
    from crmkit.values.allowance import Allowance


class KeyTaken(Exception):
    """Another unit has used this idempotency key; leaves the body at once."""


class Effect:
    """The transaction of one unit, which is opened when the unit reads what it has written.

    Most never do: their writes, premises, key and audit go out as one statement, which is
    the transaction. Where that fails, step by step it succeeds or says why not.

    Args:
        premises: What the unit takes for granted.
        stepwise: Whether nothing is done at once, because that has failed before.
    """

    def __init__(
        self,
        database: Database,
        at: datetime,
        origin: Origin,
        key: IdempotencyKey | None,
        premises: list[Part],
        auditor: Auditor,
        *,
        stepwise: bool,
    ) -> None:
        self.premises = premises
        self.along: list[tuple[Part, Exception]] = []
        self.remarks: list[tuple[str, str | None]] = []
        self.before_commit: list[Callable[[Transaction], Awaitable[None]]] = []
        self.allowances: list[Allowance] = []
        self.transaction: Transaction | None = None
        self._database = database
        self._at = at
        self._origin = origin
        self._key = key
        self._auditor = auditor
        self._is_stepwise = stepwise
        self._trail = Trail()
        self._taken = False
        self._opened: AbstractAsyncContextManager[Transaction] | None = None

    async def written(self, groups: Sequence[Group]) -> Transaction:
        """The transaction, in which these have been written and not committed."""
        self._trail.note(groups)
        return await self._written(groups)

    async def complete(
        self, groups: Sequence[Group], result: Any, record: Callable[[Any], str | None]
    ) -> None:
        """Writes these, what goes along with them, and the audit; with them mostly all is over.

        Args:
            groups: What the unit has not written yet.
            result: What the unit returns, to be stored with its key.
            record: What of that the audit says it was about.
        """
        if not (groups or self._key or self.transaction or self.premises or self._has_more):
            return
        was_open = self.transaction is not None
        self._trail.note(groups)
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

    async def end(self, error: BaseException | None) -> None:
        """Commits the transaction, if one was opened, or with an error rolls it back."""
        if self._opened is not None:
            if error is None:
                await self._opened.__aexit__(None, None, None)
            else:
                await self._opened.__aexit__(type(error), error, error.__traceback__)

    async def stored(self, key: IdempotencyKey, error: Exception) -> Any:
        """What another unit with this key has returned, if that is why this one failed.

        Raises:
            Exception: It is not: the error.
            Contention: Whoever held the key has given it back.
        """
        found = await idempotency.stored(self._database, key)
        if found is not None:
            return found[0]
        if self._taken:
            raise Contention
        await self.check_premises()
        raise error

    async def check_premises(self) -> None:
        """Looks whether all is as it was taken for granted, once.

        Raises:
            Unfounded: It is not.
        """
        premises, self.premises = self.premises, []
        for each in premises:
            rows = await self._database.rows(self._database.texts.alone(each), each.runs[0])
            if len(rows) != each.expected:
                raise Unfounded

    @property
    def _has_more(self) -> bool:
        return bool(self.before_commit or self.along or self.remarks)

    async def _sent(self, groups: Sequence[Group], result: Any, about: str | None) -> bool:
        """Commits all at once; where that fails, step by step it succeeds or says why not."""
        if self.transaction is not None:
            return await self._completed(self.transaction, groups, result, about)
        dialect = self._database.dialect
        if _are_copied(groups, dialect):
            return False  # Nothing stands beside a COPY, so nothing is made in vain.

        def parts() -> list[Part]:
            made = [*self.premises, *[part for part, _ in self.along]]
            if self._key:
                made.append(idempotency.taken(self._key, self._at, result, dialect))
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
            made = [part for part, _ in self.along]
            if self._key:
                made.append(idempotency.kept(self._key, result, dialect))
            return [*made, *[each.part(dialect) for each in groups]]

        return await transaction.completed(parts, lambda: self._audit(about))

    async def _go_along(self, transaction: Transaction) -> None:
        along, self.along = self.along, []
        for part, otherwise in along:
            if await transaction.write(part) != part.expected:
                raise otherwise

    def _may_be_at_once(self, groups: Sequence[Group]) -> bool:
        return not (self._is_stepwise or _are_copied(groups, self._database.dialect))

    async def _written(self, groups: Sequence[Group], result: Any = None) -> Transaction:
        # Whoever looks first waits for SQLite's one writer and writes what all before have said.
        with ExitStack() as others:
            for each in self.allowances:
                others.enter_context(each.uncounted())
            if self.transaction is not None:
                await self._write(self.transaction, groups)
                return self.transaction
            opening = self._database.transaction()
            opened = self.transaction = await opening.__aenter__()
            self._opened = opening
            await self._begin(opened, groups, result)
            return opened

    async def _begin(self, opened: Transaction, groups: Sequence[Group], result: Any) -> None:
        """Takes the key and looks whether the premises hold, with what is to be written."""
        first = list(self.premises)
        if self._key:
            first.append(idempotency.taken(self._key, self._at, result, opened.dialect))
        is_done = bool(first) and await self._at_once(opened, first, groups)
        premises, self.premises = self.premises, []
        if is_done:
            return
        if self._key:
            self._taken = not await idempotency.claim(opened, self._key, self._at, result)
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

    def _audit(self, record: str | None) -> list[Part]:
        origin, at, dialect = self._origin, self._at, self._database.dialect
        parts = self._auditor.parts(origin, at, self._trail, record, dialect) if self._trail else []
        if not self.remarks:
            return parts
        said = [(replace(origin, operation=what), about) for what, about in self.remarks]
        return [*parts, *[self._auditor.remark(of, at, record, dialect, who) for of, who in said]]


def _are_copied(groups: Sequence[Group], dialect: Dialect) -> bool:
    return bool([each for each in groups if each.is_copied(dialect)])
