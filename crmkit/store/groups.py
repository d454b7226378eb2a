"""What a unit is about to write: groups of one kind each, and their statements."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from crmkit.store.cells import Form, Unbound
from crmkit.store.parts import Kind, Part
from crmkit.store.statements import template
from crmkit.store.trail import Act, Trace, named_rows
from crmkit.store.violations import Violation
from crmkit.values.errors import Conflict, Failure, NotFound, Refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import Delete, Dialect, Table, Update
    from sqlalchemy.types import TypeEngine

    from crmkit.store.arrays import Sql
    from crmkit.store.drivers import Transaction

Key = tuple[Any, ...]

_WORTH_COPYING = 200  # rows; fewer go out beside others in one statement


class Group(ABC):
    """Writes that go out as one statement."""

    def __init__(self, table: Table, touches: frozenset[str]) -> None:
        self.table = table
        self.touches = touches

    async def run(self, transaction: Transaction) -> None:
        """Writes.

        Raises:
            Failure: A guard, an expectation or a constraint said no.
        """
        try:
            await self._run(transaction)
        except Violation as violation:
            raise self._meaning(violation) from violation

    @abstractmethod
    def part(self, dialect: Dialect) -> Part:
        """The statement that writes this, beside others or alone."""

    def is_copied(self, dialect: Dialect) -> bool:
        """Whether that is a COPY of PostgreSQL's, beside which nothing can stand."""
        return False

    @property
    def new(self) -> Sequence[Mapping[str, Any]]:
        """The rows that it adds, for the audit."""
        return ()

    def traces(self) -> Iterable[Trace]:
        """What else it does, for the audit."""
        return ()

    async def _run(self, transaction: Transaction) -> None:
        await transaction.write(self.part(transaction.dialect))

    def _meaning(self, violation: Violation) -> Exception:
        noun = noun_of(self.table)
        field = violation.columns[-1] if violation.columns else None
        if violation.kind == "unique":
            columns = " and ".join(each.replace("_", " ") for each in violation.columns)
            return Conflict(f"Another {noun} has this {columns or 'key'} already.", field=field)
        if violation.kind == "foreign_key":
            return NotFound(f"A record that this {noun} points to is not there.", field=field)
        if violation.kind == "check":
            return Refused(f"This {noun} breaks a rule of its table.")
        return violation


class Inserts(Group):
    """New rows of one table."""

    def __init__(self, table: Table, touches: frozenset[str]) -> None:
        super().__init__(table, touches)
        self.rows: list[dict[str, Any]] = []

    def part(self, dialect: Dialect) -> Part:
        return inserted(self.table, self.rows, dialect)

    def is_copied(self, dialect: Dialect) -> bool:
        return len(self.rows) >= _WORTH_COPYING and dialect.name == "postgresql"

    @property
    def new(self) -> Sequence[Mapping[str, Any]]:
        return self.rows


@dataclass(frozen=True)
class Meeting:
    """What an upsert does with a row that is there already."""

    key: tuple[str, ...]
    add: tuple[str, ...]
    set: tuple[str, ...]


class Upserts(Group):
    """Rows that are new or meet the row of their key."""

    def __init__(self, table: Table, meeting: Meeting) -> None:
        super().__init__(table, frozenset([table.name]))
        self.meeting = meeting
        self._rows: dict[Key, dict[str, Any]] = {}

    def put(self, row: dict[str, Any]) -> None:
        """Adds a row, or folds it into the one that has its key."""
        key = tuple(row[name] for name in self.meeting.key)
        # A key with a NULL meets nothing, not even another like it.
        there = self._rows.setdefault(key if None not in key else (id(row),), row)
        if there is not row:
            fold(there, {name: row[name] for name in self.meeting.set}, self._added(row))

    def _added(self, row: dict[str, Any]) -> dict[str, int]:
        return {name: row[name] for name in self.meeting.add}

    def part(self, dialect: Dialect) -> Part:
        rows = [self._rows[key] for key in sorted(self._rows, key=str)]
        return inserted(self.table, rows, dialect, self.meeting)

    def traces(self) -> Iterable[Trace]:
        # What was there already keeps the key that it has.
        own = {each.name for each in self.table.primary_key.columns} - {*self.meeting.key}
        for row in self._rows.values():
            known = {name: value for name, value in row.items() if name not in own}
            after = {name: row[name] for name in self.meeting.set if name != "updated_at"}
            added = {name: by for name, by in self._added(row).items() if name != "version"}
            yield Trace(self.table, Act.CHANGED, known, after, added=added)


class Statement(Group):
    """An update or a delete by a condition of its own."""

    def __init__(
        self,
        table: Table,
        statement: Update | Delete,
        touches: frozenset[str],
        expect: int | None,
        otherwise: Failure | None,
        in_use: Failure | None = None,
        values: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(table, touches)
        self.statement = statement
        self.in_use = in_use
        self.values = values or {}
        self.expect = expect
        self.otherwise = otherwise

    def part(self, dialect: Dialect) -> Part:
        made = template(self.statement, dialect)
        text, runs = made.sql, [made.constants]
        # Its text numbers its own places, and it may read what others write.
        return Part(Kind(text, lambda _: text, self.table.name, shares=False), runs, self.expect)

    def traces(self) -> Iterable[Trace]:
        # Which rows it finds, only the database knows; mostly its condition names them.
        act = Act.DELETED if self.statement.is_delete else Act.CHANGED
        after = {k: each for k, each in self.values.items() if k not in {"updated_at", "version"}}
        for known in named_rows(self.table, self.statement.whereclause) or [{}]:
            yield Trace(self.table, act, known, after)

    async def _run(self, transaction: Transaction) -> None:
        count = await transaction.write(self.part(transaction.dialect))
        if self.expect is None or count == self.expect:
            return
        missing = NotFound(f"There is no such {noun_of(self.table)}.")
        raise self.otherwise or (missing if count < self.expect else self._too_many())

    def _too_many(self) -> Failure:
        return Conflict(f"More than one {noun_of(self.table)} was meant.")

    def _meaning(self, violation: Violation) -> Exception:
        if violation.kind == "foreign_key" and self.statement.is_delete:
            return self.in_use or Conflict(f"This {noun_of(self.table)} is still in use.")
        return super()._meaning(violation)


async def finished(transaction: Transaction, groups: Sequence[Group]) -> None:
    """Writes what a transaction ends with: in one go with its commit, or else step by step."""
    if not groups:
        return
    # Where a failure ends the transaction, nobody here could begin it again.
    if transaction.survives and await transaction.completed(
        lambda: [each.part(transaction.dialect) for each in groups]
    ):
        return
    for group in groups:
        await group.run(transaction)


def fold(row: dict[str, Any], taken: dict[str, Any], added: dict[str, int]) -> None:
    """Changes a buffered row as the database would."""
    row.update(taken)
    for name, number in added.items():
        row[name] = None if row[name] is None or number is None else row[name] + number


def noun_of(table: Table) -> str:
    """What a sentence calls a row of this table."""
    return table.name.replace("_", " ")


def inserted(
    table: Table,
    rows: Sequence[dict[str, Any]],
    dialect: Dialect,
    meeting: Meeting | None = None,
    *,
    may_wait: bool = False,
) -> Part:
    """The part that adds these rows to their table, or has them meet those that are there."""
    many, form = len(rows) > 1, _form(table, dialect)
    is_native = dialect.name == "postgresql"
    if len(rows) >= _WORTH_COPYING and is_native and meeting is None:
        return _copied(table, list(zip(*form.binding.by_columns(rows), strict=True)))
    kind = _inserting(table, meeting, many, may_wait)
    if is_native:
        return Part(kind, Unbound(form, rows))
    if many:
        return Part(kind, list(zip(*form.binding.by_columns(rows), strict=True)))
    return Part(kind, [form.binding.row(rows[0])])


@lru_cache(4_000)
def _inserting(table: Table, meeting: Meeting | None, many: bool, may_wait: bool) -> Kind:
    def write(sql: Sql) -> str:
        columns = _columns(table)
        names = ", ".join([sql.name(name) for name, _ in columns])
        said = f"INSERT INTO {sql.name(table)} ({names}) {sql.values(columns, many=many)}"
        return said if meeting is None else f"{said} {_on_conflict(table, meeting, sql)}"

    is_new = meeting is None
    name = (table, meeting, many)
    return Kind(name, write, table.name, may_wait=may_wait, locks=not is_new, merges=is_new)


def _on_conflict(table: Table, meeting: Meeting, sql: Sql) -> str:
    target = f"ON CONFLICT ({', '.join(map(sql.name, meeting.key))}){_partial(table, meeting, sql)}"
    own = sql.name(table)
    added = [f"{c} = {own}.{c} + excluded.{c}" for c in map(sql.name, meeting.add)]
    taken = [f"{c} = excluded.{c}" for c in map(sql.name, meeting.set)]
    return f"{target} DO {'UPDATE SET ' if added or taken else 'NOTHING'}{', '.join(added + taken)}"


def _partial(table: Table, meeting: Meeting, sql: Sql) -> str:
    """The condition of a partial index has to be said again to be met."""
    for index in table.indexes:
        where = index.dialect_options[sql.dialect.name]["where"]
        if index.unique and where is not None and {*index.columns.keys()} == {*meeting.key}:
            return f" WHERE {where.compile(dialect=sql.dialect)}"
    return ""


def _copied(table: Table, rows: Sequence[Sequence[Any]]) -> Part:
    """Many rows by PostgreSQL's COPY: half of what arrays cost, in a statement of its own."""
    names = tuple(name for name, _ in _columns(table))

    def write(sql: Sql) -> str:
        return f"COPY {sql.name(table)} ({', '.join(map(sql.name, names))}) FROM STDIN"

    return Part(Kind((table, "copy"), write, table.name, shares=False, copies=names), rows)


@cache
def _form(table: Table, dialect: Dialect) -> Form:
    return Form(_columns(table), dialect)


@cache
def _columns(table: Table) -> tuple[tuple[str, TypeEngine[Any]], ...]:
    """What a new row says; what counts itself up is not among it."""
    given = [each for each in table.columns if each.identity is None and not each.server_default]
    return tuple((each.name, each.type) for each in given)
