"""Statements as somebody's reach sees them.

A statement is compiled by a compiler that writes `(SELECT … FROM customer WHERE …)`
wherever a scoped table is read from. So nothing that reads through it can forget a
scope: the planner, `context.read`, filters, counts and exports all end here.
"""

from __future__ import annotations

from functools import cache
from operator import eq
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import (
    BinaryExpression,
    BooleanClauseList,
    Dialect,
    Join,
    Table,
    TableValuedAlias,
    select,
)
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.operators import and_

from crmkit.store.lists import Listing
from crmkit.store.reach import EVERYTHING, Reach
from crmkit.values.errors import Forbidden

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator

    from sqlalchemy import Select
    from sqlalchemy.sql.cache_key import CacheKey

PARENTS = "parents"
"""What the keys of rows are called that somebody has read, and of whom he reads more."""


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
