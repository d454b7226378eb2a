"""The tables of fields that a company defines, brought to its definitions and back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    Column,
    Connection,
    ForeignKey,
    Integer,
    MetaData,
    Table,
    bindparam,
    delete,
    insert,
    inspect,
    select,
    update,
)
from sqlalchemy.schema import CreateColumn, CreateIndex

from crmkit.host.connections import PATIENCE, Patience, alone, connected
from crmkit.store.column_types import Code, field_type
from crmkit.store.database import Base, companions, with_companions
from crmkit.values.custom_fields import CustomField, FieldKind, attribute_of, written
from crmkit.values.errors import SetupError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


@dataclass(frozen=True)
class FieldTable:
    """What a company wants of one kind of record: the table, and what its columns are."""

    table: Table
    fields: Sequence[CustomField]

    @property
    def kind(self) -> str:
        """What a sentence calls the records."""
        [target] = next(iter(self.table.primary_key.columns)).foreign_keys
        return target.column.table.name


@dataclass(frozen=True)
class Stored:
    """How the database keeps a field.

    Without `live` its definition is gone: the values wait without an index. With `always`
    every row has a value.
    """

    kind: FieldKind
    digits: int
    live: bool
    always: bool

    @classmethod
    def of(cls, field: CustomField) -> Stored:
        return cls(field.kind, _digits(field), live=True, always=field.always)


@dataclass(frozen=True)
class Step:
    """One thing that an upgrade does, as a sentence and as a function."""

    sentence: str
    run: Callable[[], None]
    blocked: str = ""


def pending(url: str, wanted: FieldTable) -> list[str]:
    """What an upgrade would do, each thing as a sentence; nothing, after one."""
    return connected(url, lambda c: [each.sentence for each in _Bench(c, wanted).steps()])


def blocked(url: str, wanted: FieldTable) -> list[str]:
    """What an upgrade would refuse to do, each with the number of values and the cure."""
    return connected(url, lambda c: _blocked(_Bench(c, wanted).steps()))


def upgrade(url: str, wanted: FieldTable, patience: Patience = PATIENCE) -> list[str]:
    """Brings the table to the definitions, all of them or none, and says what it did.

    Needs no running event loop; a coroutine calls it with `asyncio.to_thread`.

    Raises:
        SetupError: A change of type would lose values, or others have held the table too long.
    """

    def work(connection: Connection) -> list[str]:
        bench = _Bench(connection, wanted)
        steps = list(bench.steps())
        if sentences := _blocked(steps):
            raise SetupError("\n".join(sentences))
        for each in steps:
            each.run()
        if steps:
            bench.note()
        return [each.sentence for each in steps]

    return alone(url, work, patience)


def _blocked(steps: Iterable[Step]) -> list[str]:
    return [each.blocked for each in steps if each.blocked]


class _Bench:
    """One table and one connection to the database that it is in."""

    def __init__(self, connection: Connection, wanted: FieldTable) -> None:
        self.connection = connection
        self.table = wanted.table
        self.fields = {each.key: each for each in wanted.fields}
        self.key = next(iter(self.table.primary_key.columns))
        # One row for each field that ever was, so that it is known what the columns hold.
        self.records = Table(
            f"{self.table.name}_definition",
            MetaData(naming_convention=Base.metadata.naming_convention),
            Column("key", Code(), primary_key=True),
            Column("kind", Code(), nullable=False),
            Column("digits", Integer, nullable=False),
            Column("live", Integer, nullable=False),
            Column("always", Integer, nullable=False),
        )

    def steps(self) -> Iterator[Step]:
        """What to do, in its order."""
        is_new = not inspect(self.connection).has_table(self.records.name)
        if is_new and not self.fields:
            return
        stored = {} if is_new else self._stored()
        if is_new:
            yield Step(f"make {self.table.name}", self._make)
        for key, kept in stored.items():
            if key not in self.fields and kept.live:
                yield Step(f"lay {key} aside, with its values", partial(self._lay_aside, key))
        for each in self.fields.values():
            yield from self._of_field(each, stored.get(each.key))

    def note(self) -> None:
        """Keeps what the steps have made of each field."""
        for each in self.fields.values():
            self._note(each.key, Stored.of(each))

    def _of_field(self, field: CustomField, stored: Stored | None) -> Iterator[Step]:
        wanted = Stored.of(field)
        if stored is None:
            yield Step(f"add {field.key}, {_said(wanted)}", partial(self._add, field))
        elif _said(stored) != _said(wanted):
            yield self._conversion(field, stored, wanted)
        elif not stored.live:
            yield Step(f"take {field.key} back, with its values", partial(self._index, field))
        if wanted.always and not (stored and stored.always):
            yield Step(f"fill {field.key} where it is empty", partial(self._fill, field))
        if stored and stored.always and not wanted.always:
            yield Step(f"let {field.key} be empty", lambda: None)

    # -- steps ----------------------------------------------------------------------------

    def _make(self) -> None:
        self.records.create(self.connection)
        [target] = self.key.foreign_keys
        made = Table(
            self.table.name,
            MetaData(naming_convention=Base.metadata.naming_convention),
            Column(self.key.name, self.key.type, ForeignKey(target.column), primary_key=True),
        )
        made.create(self.connection)

    def _add(self, field: CustomField) -> None:
        for each in self._columns(field):
            self._add_column(each)
        self._index(field)

    def _index(self, field: CustomField) -> None:
        names = {each.name for each in self._columns(field)}
        for index in sorted(self.table.indexes, key=lambda each: str(each.name)):
            if index.columns[0].name in names:
                self.connection.execute(CreateIndex(index))

    def _lay_aside(self, key: str) -> None:
        stored = self._stored()[key]
        self._drop_indexes(key)
        self._note(key, Stored(stored.kind, stored.digits, live=False, always=False))

    def _fill(self, field: CustomField) -> None:
        column = self.table.c[field.attribute]
        values = with_companions(self.table, {column.name: field.default})
        self.connection.execute(update(self.table).where(column.is_(None)).values(values))

    def _note(self, key: str, stored: Stored) -> None:
        self.connection.execute(delete(self.records).where(self.records.c.key == key))
        self.connection.execute(
            insert(self.records).values(
                key=key,
                kind=stored.kind.value,
                digits=stored.digits,
                live=int(stored.live),
                always=int(stored.always),
            )
        )

    def _conversion(self, field: CustomField, stored: Stored, wanted: Stored) -> Step:
        before, after = _said(stored), _said(wanted)
        made, lost = self._converted(field, stored)
        blocked = ""
        if lost:
            blocked = (
                f"{field.key} cannot become {after}: {lost:,} of {lost + len(made):,} values would "
                f"be lost. Change them first, or leave it {before}, or give the new field a key of "
                "its own."
            )
        return Step(
            f"turn {field.key} from {before} into {after}",
            partial(self._convert, field, made),
            blocked,
        )

    def _converted(self, field: CustomField, stored: Stored) -> tuple[dict[str, Any], int]:
        """The values of the new type by their rows, and how many would be lost."""
        made: dict[str, Any] = {}
        lost = 0
        for id_, value in self.connection.execute(self._values(field, stored)):
            try:
                made[id_] = field.read(written(value))
            except ValueError:
                lost += 1
        return made, lost

    def _values(self, field: CustomField, stored: Stored) -> Any:
        old = Column(field.attribute, field_type(stored.kind, stored.digits))
        rows = Table(self.table.name, MetaData(), Column(self.key.name, self.key.type), old)
        return select(rows.c[self.key.name], old).where(old.is_not(None))

    def _convert(self, field: CustomField, values: Mapping[str, Any]) -> None:
        self._drop_indexes(field.key)
        here = {each["name"] for each in inspect(self.connection).get_columns(self.table.name)}
        for name in _columns_of(field.key):
            if name in here:
                self._alter(f"DROP COLUMN {self._quoted(name)}")
        self._add(field)
        rows = [self._bound(field, id_, value) for id_, value in values.items()]
        if rows:
            changed: dict[str, Any] = {
                each.name: bindparam(f"v_{each.name}") for each in self._columns(field)
            }
            same = self.key == bindparam("row_id")
            self.connection.execute(update(self.table).where(same).values(changed), rows)

    def _bound(self, field: CustomField, id_: str, value: Any) -> dict[str, Any]:
        values = with_companions(self.table, {field.attribute: value})
        return {"row_id": id_, **{f"v_{name}": each for name, each in values.items()}}

    # -- what there is --------------------------------------------------------------------

    def _stored(self) -> dict[str, Stored]:
        rows = self.connection.execute(select(self.records).order_by(self.records.c.key))
        return {
            each.key: Stored(FieldKind(each.kind), each.digits, bool(each.live), bool(each.always))
            for each in rows
        }

    def _columns(self, field: CustomField) -> list[Column[Any]]:
        """The column of a field, and those beside it that a text has."""
        column = self.table.c[field.attribute]
        return [column, *[self.table.c[name] for name in companions(column) or ()]]

    def _add_column(self, column: Column[Any]) -> None:
        # Also where the definition allows no null: only PostgreSQL could take that back.
        made = Column(column.name, column.type, nullable=True)
        Table(self.table.name, MetaData(), made)
        self._alter(f"ADD COLUMN {CreateColumn(made).compile(dialect=self.connection.dialect)}")

    def _drop_indexes(self, key: str) -> None:
        names = _columns_of(key)
        for each in inspect(self.connection).get_indexes(self.table.name):
            if each["column_names"][0] in names:
                self.connection.exec_driver_sql(f"DROP INDEX {self._quoted(str(each['name']))}")

    def _alter(self, what: str) -> None:
        table = self._quoted(self.table.name)
        self.connection.exec_driver_sql(f"ALTER TABLE {table} {what}")

    def _quoted(self, name: str) -> str:
        quoted: str = self.connection.dialect.identifier_preparer.quote(name)
        return quoted


def _columns_of(key: str) -> tuple[str, ...]:
    """The columns that a field of this key can have, whatever its type."""
    name = attribute_of(key)
    return name, f"{name}_fold", f"{name}_sort"


def _said(stored: Stored) -> str:
    if stored.kind is FieldKind.DECIMAL:
        return f"decimal with {stored.digits} digits"
    return str(stored.kind.value)


def _digits(field: CustomField) -> int:
    return field.digits if field.kind is FieldKind.DECIMAL else 0
