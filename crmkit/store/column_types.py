"""What a column can hold, and how each engine keeps it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import orjson
from sqlalchemy import BigInteger, Boolean, Date, DateTime, Dialect, Integer, Text, TypeDecorator
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine, UserDefinedType

from crmkit.values.custom_fields import FieldKind
from crmkit.values.decimals import scaled, unscaled

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.sql.compiler import SQLCompiler

E = TypeVar("E", bound=Enum)

SEQUENCE = BigInteger().with_variant(Integer(), "sqlite")
"""A number that the database counts up; SQLite counts only what it calls INTEGER."""


class Code(TypeDecorator[str]):
    """Identifiers: ids, keys, codes. Compared byte by byte on both engines."""

    impl = Text
    cache_ok = True
    python_type = str

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        collation = "C" if dialect.name == "postgresql" else None
        return dialect.type_descriptor(Text(collation=collation))


class UtcDateTime(TypeDecorator[datetime]):
    """A moment: timestamptz on PostgreSQL, `2026-01-31T09:00:00.000000Z` on SQLite.

    One format of one width, because SQLite compares moments as text.
    """

    impl = Text
    cache_ok = True
    python_type = datetime

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        kind = DateTime(timezone=True) if dialect.name == "postgresql" else Text()
        return dialect.type_descriptor(kind)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None or dialect.name == "postgresql":
            return value
        return instant(value)

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any] | None:
        # Nobody is asked for each value what to do with it.
        if dialect.name == "postgresql":
            return None
        return lambda value: None if value is None else instant(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if isinstance(value, str):
            return datetime.fromisoformat(value)
        return None if value is None else value.astimezone(UTC)


class InstantText(TypeDecorator[datetime]):
    """A moment that a statement brings as the text that `instant` would make of it."""

    impl = Text
    cache_ok = True
    python_type = datetime

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:
        return None if value is None else datetime.fromisoformat(value)


class WrittenInstant(FunctionElement[datetime]):
    """Has the database write a moment: asyncpg and Python take twice as long for it."""

    inherit_cache = True
    type = InstantText()


@compiles(WrittenInstant, "postgresql")
def _written_by_postgresql(element: WrittenInstant, compiler: SQLCompiler, **given: Any) -> str:
    moment = compiler.process(element.clauses, **given)
    return f"to_char({moment} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"


@compiles(WrittenInstant, "sqlite")
def _written_in_sqlite(element: WrittenInstant, compiler: SQLCompiler, **given: Any) -> str:
    return compiler.process(element.clauses, **given)


class CurrentTransaction(FunctionElement[int]):
    """The number of the transaction that writes a row, filled in by PostgreSQL; else nothing."""

    inherit_cache = True
    type = BigInteger()


@compiles(CurrentTransaction, "postgresql")
def _numbered_by_postgresql(*_: Any, **__: Any) -> str:
    return "pg_current_xact_id()::text::bigint"


@compiles(CurrentTransaction, "sqlite")
def _not_numbered_by_sqlite(*_: Any, **__: Any) -> str:
    return "NULL"


class Choice(TypeDecorator[E], Generic[E]):
    """A member of a closed enum, stored as its value."""

    impl = Text
    cache_ok = True
    python_type = Enum

    def __init__(self, choices: type[E]) -> None:
        super().__init__()
        self.choices = choices

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return Code().load_dialect_impl(dialect)

    def process_bind_param(self, value: E | None, dialect: Dialect) -> Any:
        return None if value is None else self.choices(value).value

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any]:
        # Members have their values looked up, because Enum takes ten times as long for it.
        known = {None: None} | {each: each.value for each in self.choices}

        def stored(value: Any) -> Any:
            try:
                return known[value]
            except KeyError:
                return self.choices(value).value

        return stored

    def process_result_value(self, value: Any, dialect: Dialect) -> E | None:
        return None if value is None else self.choices(value)


class Scaled(TypeDecorator[Decimal]):
    """An exact number of so many digits after its point, kept as an integer of the last one."""

    impl = BigInteger
    cache_ok = True
    python_type = Decimal

    def __init__(self, digits: int) -> None:
        super().__init__()
        self.digits = digits

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:
        return None if value is None else scaled(value, self.digits)

    def process_result_value(self, value: int | None, dialect: Dialect) -> Decimal | None:
        return None if value is None else unscaled(value, self.digits)


class Json(UserDefinedType[Any]):
    """Free properties: jsonb on PostgreSQL, text on SQLite."""

    cache_ok = True

    @property
    def python_type(self) -> type[Any]:
        return dict

    def get_col_spec(self, **_: Any) -> str:
        return "TEXT"

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], str | None]:
        return lambda value: None if value is None else orjson.dumps(value).decode()

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        return lambda value: orjson.loads(value) if isinstance(value, str) else value


@compiles(Json, "postgresql")
def _json_on_postgresql(*_: Any, **__: Any) -> str:
    return "JSONB"


def field_type(kind: FieldKind, digits: int) -> TypeEngine[Any]:
    """The column of a field that a company defines."""
    if kind is FieldKind.DECIMAL:
        return Scaled(digits)
    return _FIELD_TYPES[kind]


@lru_cache(512)
def instant(value: datetime) -> str:
    """The one text of a moment, in SQLite and in answers: UTC, six digits, `Z`."""
    if value.tzinfo is UTC:
        if value.microsecond:  # orjson writes it three times as fast, and no zeros.
            return orjson.dumps(value, option=orjson.OPT_UTC_Z)[1:-1].decode()
        return f"{value.isoformat(timespec='microseconds')[:-6]}Z"
    if value.tzinfo is None:
        raise ValueError(f"{value!r} has no time zone")
    return f"{value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def array_type(kind: TypeEngine[Any]) -> str:
    """PostgreSQL's name for the elements when values of this type travel as an array."""
    if isinstance(kind, Json):
        return "jsonb"
    names = {
        bool: "boolean",
        int: "bigint",
        Decimal: "bigint",  # scaled
        datetime: "timestamptz",
        date: "date",
        bytes: "bytea",
    }
    return next(
        (name for type_, name in names.items() if issubclass(kind.python_type, type_)), "text"
    )


_FIELD_TYPES: dict[FieldKind, TypeEngine[Any]] = {
    FieldKind.TEXT: Text(),
    FieldKind.INTEGER: BigInteger(),
    FieldKind.BOOLEAN: Boolean(),
    FieldKind.DATE: Date(),
    FieldKind.CHOICE: Code(),
}
