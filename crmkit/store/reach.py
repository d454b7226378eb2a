"""Who reaches which rows: row scope, soft delete and hidden columns, in one place.

A statement is compiled by a compiler that writes `(SELECT … FROM customer WHERE …)`
wherever a scoped table is read from. So nothing that reads through it can forget a
scope: the planner, `context.read`, filters, counts and exports all end here.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from operator import eq
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import (
    BinaryExpression,
    BooleanClauseList,
    ColumnElement,
    Dialect,
    FromClause,
    Join,
    Table,
    TableValuedAlias,
    exists,
    false,
    literal,
    or_,
    select,
)
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.operators import and_

from crmkit.store.column_types import Code
from crmkit.store.database import Scope
from crmkit.store.lists import Listing
from crmkit.values.errors import Forbidden, SetupError

if TYPE_CHECKING:
    from sqlalchemy import Select
    from sqlalchemy.sql.cache_key import CacheKey

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
        return self.everything, self.deleted, narrow, extents, hidden, self.refused

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

PARENTS = "parents"
"""What the keys of rows are called that somebody has read, and of whom he reads more."""


def with_deleted(statement: Select[Any]) -> Select[Any]:
    """A statement that also sees deleted records, and what belongs to them."""
    return statement.execution_options(with_deleted=True)


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


class _Scoped(SQLCompiler):
    """Writes scoped tables as what the actor reaches of them."""

    def __init__(self, dialect: Dialect, statement: Any, *, reach: Reach, **given: Any) -> None:
        self.reach = reach
        self.plain = 0
        self.beside: dict[Any, str] = {}
        super().__init__(dialect, statement, **given)

    def visit_select(self, select_stmt: Any, *args: Any, **given: Any) -> str:
        # What is known of the rows of one SELECT is known of no other's, not even of one within.
        before, self.beside = self.beside, {} if self.plain else _owned(select_stmt)
        try:
            found: str = super().visit_select(select_stmt, *args, **given)  # type: ignore[no-untyped-call]
        finally:
            self.beside = before
        return found

    def visit_join(self, join: Any, *args: Any, **given: Any) -> str:
        if not self.plain and not join.full and (key := _owned_within(join)):
            self.beside[join.right] = key
        found: str = super().visit_join(join, *args, **given)  # type: ignore[no-untyped-call]
        if self.dialect.name == "sqlite" and _is_by_keys(join):
            # SQLite keeps the order of this one: keys first, each looked up. Otherwise it reads
            # everything within a row scope, whose index it takes for the better one.
            found = found.replace(" JOIN ", " CROSS JOIN ", 1)
        return found

    def visit_table(self, table: Any, *args: Any, **given: Any) -> str:
        plain: str = super().visit_table(table, *args, **given)  # type: ignore[no-untyped-call]
        asfrom, iscrud = given.get("asfrom"), given.get("iscrud")
        if not asfrom or iscrud or self.plain:
            return plain
        if not isinstance(table, Table):
            raise Forbidden(f"{table.name} is named without its model, so its scope is unknown.")
        alias = given.get("enclosing_alias")
        whole = alias is not None and alias.element is table
        # A statement that names a model holds a copy of its table, which is not that table.
        own = table.metadata.tables.get(table.key, table)
        seen = self._seen(own, self.beside.get(alias if whole else table))
        if seen is None:
            return plain
        named = "" if whole else f" AS {self.preparer.quote(table.name)}"
        return f"({seen}){named}"

    def _seen(self, table: Table, known: str | None) -> str | None:
        """What is seen of a table, as a SELECT of its own; None where that is every row."""
        if self.reach.is_constant:
            return _constant(table, self.reach, self.dialect, known)
        statement = _seen(table, self.reach, known)
        if statement is None:
            return None
        self.plain += 1
        try:
            return str(self.process(statement, asfrom=True))
        finally:
            self.plain -= 1

    def visit_column(self, column: Any, *args: Any, **given: Any) -> str:
        owner = getattr(column, "table", None)
        name = getattr(getattr(owner, "element", owner), "name", "")
        if not self.plain and column.name in self.reach.hidden.get(name, ()):
            raise Forbidden(f"{name}.{column.name} is hidden from this actor.")
        found: str = super().visit_column(column, *args, **given)
        return found

    def visit_textclause(self, textclause: Any, *_: Any, **given: Any) -> str:
        raise Forbidden(
            "SQL as text knows no scope; build the statement with SQLAlchemy, "
            "or say context.unscoped(reason)."
        )


def _constant(table: Table, reach: Reach, dialect: Dialect, known: str | None) -> str | None:
    """The text of what a constant reach sees, which binds no value and is written once."""
    texts: dict[Hashable, str | None] = table.info.setdefault("seen", {})
    key = dialect.name, reach.deleted, known
    if key not in texts:
        statement = _seen(table, reach, known)
        texts[key] = None if statement is None else str(compiled(statement, dialect, EVERYTHING))
    return texts[key]


def _seen(table: Table, reach: Reach, known: str | None) -> Select[Any] | None:
    rows = table.alias()
    conditions = list(reach.conditions(table, rows, known))
    return select(rows).where(*conditions) if conditions else None


def _is_by_keys(join: Join) -> bool:
    """Whether rows are joined to keys that a statement is given."""
    return isinstance(join.left, TableValuedAlias) and not (join.isouter or join.full)


def _owned_within(join: Join) -> str | None:
    """The key by which a joined row belongs to one that stands on the left of it.

    That one is only there if it is seen, so the joined row need not look for it again.
    """
    on = join.onclause
    if not isinstance(on, BinaryExpression) or on.operator is not eq:
        return None
    for key, owner in ((on.left, on.right), (on.right, on.left)):
        rows = getattr(owner, "table", None)
        if getattr(key, "table", None) is not join.right or rows not in join.left._from_objects:
            continue
        table = getattr(rows, "element", rows)
        points = (each.column for each in key.foreign_keys)
        if any(each.table is table and each.key == owner.key for each in points):
            name: str = key.name
            return name
    return None


def _owned(statement: Select[Any]) -> dict[Any, str]:
    """The keys by which rows belong to one that was seen before, as the conditions say.

    That is a row of a statement around this one, or one of the parents that a statement is
    given, which an earlier one has read.
    """
    found = {}
    for each in _all_of(statement._where_criteria):
        if isinstance(each, BinaryExpression) and each.operator is eq:
            for key, owner in ((each.left, each.right), (each.right, each.left)):
                if _points_to(key, owner):
                    found[key.table] = key.name
    return found


def _all_of(conditions: Iterable[Any]) -> Iterator[Any]:
    """The conditions that hold of every row."""
    for each in conditions:
        if isinstance(each, BooleanClauseList) and each.operator is and_:
            yield from _all_of(each.clauses)
        else:
            yield each


def _points_to(key: Any, owner: Any) -> bool:
    """Whether this is a key of rows, and that the id of a row of the table it points to."""
    rows, owners = getattr(key, "table", None), getattr(owner, "table", None)
    if rows is None or owners is None or not getattr(key, "foreign_keys", None):
        return False
    if isinstance(owners, TableValuedAlias):
        return owners.name == PARENTS and not key.primary_key
    table = getattr(owners, "element", owners)
    points = (each.column for each in key.foreign_keys)
    return any(each.table is table and each.key == owner.key for each in points)


def compiled(
    statement: Any, dialect: Dialect, reach: Reach, key: CacheKey | None = None
) -> SQLCompiler:
    """The SQL of a statement as this reach sees it.

    Raises:
        Forbidden: The statement names a hidden column, or is SQL as text.
    """
    plain: Any = dialect.statement_compiler
    if reach.everything:
        made = _compiler(plain, Listing)(dialect, statement, cache_key=key)
    else:
        made = _compiler(plain, _Scoped, Listing)(dialect, statement, reach=reach, cache_key=key)
    return cast("SQLCompiler", made)


@cache
def _compiler(plain: Any, *ours: Any) -> Any:
    """The compiler of a dialect that also writes what these do."""
    return type(f"{ours[0].__name__}{plain.__name__}", (*ours, plain), {})
