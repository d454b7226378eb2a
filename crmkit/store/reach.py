"""Who reaches which rows: row scope, soft delete and hidden columns, in one place."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Table,
    exists,
    false,
    literal,
    or_,
)

from crmkit.store.column_types import Code
from crmkit.store.database import Scope
from crmkit.values.errors import SetupError

if TYPE_CHECKING:
    from sqlalchemy import Select

Narrow = Callable[[Table, FromClause], ColumnElement[bool] | None]

Extent = Callable[[FromClause], ColumnElement[bool]]
"""Which of the records that scopes are about somebody reaches: a condition on their rows."""


class Deferred:
    """Stands in a statement for a value that only a run of it knows."""


@dataclass(frozen=True, eq=False)
class Given(Deferred):
    """A value of the reach, by its name: `literal(Given("team"), Code())`."""

    name: str


def actor_value(name: str) -> ColumnElement[str]:
    """The id of whoever reads (`user`), or of his team (`team`), in the condition of a row scope."""
    given: Any = Given(name)
    return literal(given, Code())


@dataclass(frozen=True)
class Reach:
    """What an actor reaches: all rows but deleted ones, narrowed by his row scope.

    `everything` is for rules and for the framework's own work: no visitor at all. What
    differs from actor to actor within one row scope stands in `values`, and conditions
    name it with `Given`: then all of them share the statements of a plan. `refused` are
    the permissions that he lacks; where kinds of records stand together, those that he
    may not read are left out.

    `extents` say, for the rows of a table, whose they have to be: of anybody (None), of
    those for whom one of the conditions holds, or of nobody. Several roles may reach
    differently far with their permissions, so it depends on the table that is read.
    """

    everything: bool = False
    deleted: bool = False
    narrow: tuple[Narrow, ...] = ()
    extents: Callable[[Table], tuple[Extent, ...] | None] | None = None
    hidden: Mapping[str, frozenset[str]] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
    refused: frozenset[str] = frozenset()

    @property
    def is_constant(self) -> bool:
        """Whether it writes the same text of the same statement, whoever asks."""
        return self.everything or not (self.narrow or self.hidden or self.extents)

    @cached_property
    def shape(self) -> Hashable:
        """All of it that a plan depends on; reaches that differ in values alone share plans.

        A condition is only ever like itself: what it has closed over cannot be seen.
        """
        narrow = tuple(_Same(each) for each in self.narrow)
        hidden = frozenset(self.hidden.items())
        extents = self.extents and _Same(self.extents)
        told = self.everything, self.deleted, narrow, extents, hidden, self.refused
        return _SHAPES.setdefault(told, _Shape())

    def told(self, deferred: Deferred) -> Any:
        """The value that this reach has where a statement names one.

        Raises:
            TypeError: It is no value of a reach.
        """
        if not isinstance(deferred, Given):
            raise TypeError(f"{deferred!r} is known to plans alone.")
        return self.values[deferred.name]

    def conditions(
        self, table: Table, rows: FromClause, known: str | None = None
    ) -> Iterator[ColumnElement[bool]]:
        """What a row of this table must fulfil to be seen.

        Whom the key `known` points to is seen by whoever asks.
        """
        extent = self._extent(table)
        if extent == ():
            yield false()
        else:
            yield from self._conditions(table, rows, extent, known)

    def has_all(self, table: Table) -> bool:
        """Whether all rows of this table that are not deleted are seen, with all their columns."""
        narrows = self.narrow or table.name in self.hidden or self._extent(table) is not None
        return self.everything or not narrows

    def has(self, table: Table) -> bool:
        """Whether any rows of this table can be seen."""
        return self._extent(table) != ()

    def _extent(self, table: Table) -> tuple[Extent, ...] | None:
        return None if self.extents is None else self.extents(table)

    def _conditions(
        self,
        table: Table,
        rows: FromClause,
        extent: tuple[Extent, ...] | None,
        known: str | None = None,
    ) -> Iterator[ColumnElement[bool]]:
        scope = scope_of(table)
        if scope.kind == "root":
            yield from self._of_root(scope, rows, extent)
        for narrow in self.narrow:
            condition = narrow(table, rows)
            if condition is not None:
                yield condition
        for key in scope.keys:
            owner = target_of(table, key)
            if key == known and self._extent(owner) == extent:
                continue
            if scope.outlives and self._is_unbounded(owner, extent):
                continue
            seen = self._followed(rows.c[key], owner, extent)
            if seen is not None:
                yield or_(rows.c[key].is_(None), seen) if scope.kind == "or_null" else seen

    def _of_root(
        self, scope: Scope, rows: FromClause, extent: tuple[Extent, ...] | None
    ) -> Iterator[ColumnElement[bool]]:
        if not self.deleted:
            yield rows.c[scope.deleted].is_(None)
        if extent is not None:
            yield or_(*[each(rows) for each in extent])

    def _is_unbounded(self, owner: Table, extent: tuple[Extent, ...] | None) -> bool:
        """Whether all records of a table are seen, but for those that are deleted."""
        with_deleted = replace(self, deleted=True)
        return not any(True for _ in with_deleted._conditions(owner, owner.alias(), extent))

    def _followed(
        self, key: ColumnElement[Any], owner: Table, extent: tuple[Extent, ...] | None
    ) -> ColumnElement[bool] | None:
        """That the row this key points to is seen, as far as the first row's table says."""
        rows = owner.alias()
        conditions = list(self._conditions(owner, rows, extent))
        if not conditions:
            return None
        primary = next(iter(owner.primary_key.columns))
        return exists().where(rows.c[primary.name] == key, *conditions)


EVERYTHING = Reach(everything=True)


def with_deleted(statement: Select[Any]) -> Select[Any]:
    """A statement that also sees deleted records, and what belongs to them."""
    return statement.execution_options(with_deleted=True)


class _Shape:
    """The one object for all reaches that tell the same: they are told apart at a look."""


# What they tell is kept, and with it what it is compared with, as long as somebody has the shape.
_SHAPES: WeakValueDictionary[Hashable, _Shape] = WeakValueDictionary()


class _Same:
    """Equal only to itself, and alive as long as it is compared with."""

    __slots__ = ("thing",)

    def __init__(self, thing: object) -> None:
        self.thing = thing

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.thing is other.thing

    def __hash__(self) -> int:
        return id(self.thing)


def scope_of(table: Table) -> Scope:
    """The scope that a table declares, or the one that follows from its keys.

    Raises:
        SetupError: Several keys could decide, or a nullable one; the model must say.
    """
    known: Scope | None = table.info.get("scope")
    if known is None:
        known = table.info["scope"] = _derived(table)
    return known


def target_of(table: Table, key: str) -> Table:
    """The table that a foreign key points to, or a reference that decides a scope."""
    if scoped_by := table.c[key].info.get("scoped_by"):
        return table.metadata.tables[scoped_by]
    return next(iter(table.c[key].foreign_keys)).column.table


def is_scoped(table: Table) -> bool:
    """Whether row scopes and soft deletion can hide rows of this table."""
    return scope_of(table).kind != "unscoped"


def _derived(table: Table) -> Scope:
    owners = [
        each
        for each in table.columns
        for key in each.foreign_keys
        if key.column.table is not table and is_scoped(key.column.table)
    ]
    if not owners:
        return Scope("unscoped", reason="nobody's rows")
    roots = [each for each in owners if scope_of(target_of(table, each.name)).kind == "root"]
    decisive = [each for each in roots or owners if not each.nullable]
    if len(decisive) != 1 or any(each.nullable for each in roots):
        names = ", ".join(each.name for each in owners)
        raise SetupError(
            f"The table {table.name} belongs to others through {names}, and it is open whose rows it "
            "holds; write __scope__ = sdk.through(key), sdk.both(a, b), sdk.or_null(key) "
            'or sdk.unscoped("reason") into its model.'
        )
    return Scope("through", (decisive[0].name,))
