"""SQL in which rows travel as arrays, so that its text does not depend on their number."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from itertools import repeat
from operator import is_, itemgetter
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import LargeBinary, Table

from crmkit.store.column_types import array_type
from crmkit.values.errors import Invalid

if TYPE_CHECKING:
    from sqlalchemy import Dialect
    from sqlalchemy.types import TypeEngine

    Columns = Sequence[tuple[str, TypeEngine[Any]]]

_LARGEST = 2**63 - 1
_NO_TEXT = (int, Decimal, date, bytes, Enum)


class Sql:
    """Text that counts its places; their values are told apart from it, in the same order."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self._places = 0
        self._native = dialect.name == "postgresql"

    def name(self, name: str | Table) -> str:
        """Quotes a name where its engine needs that."""
        text = name.name if isinstance(name, Table) else name
        return self.dialect.identifier_preparer.quote(text)

    def place(self, kind: TypeEngine[Any]) -> str:
        """The place of one value."""
        return self._place(array_type(kind))

    def first(self, text: str, places: int) -> str:
        """Text that numbers its own places, so that nothing can stand before it."""
        if self._places:
            raise ValueError("This text numbers its own places from 1 on.")
        self._places = places
        return text

    def values(self, columns: Columns, *, many: bool) -> str:
        """What stands behind INSERT INTO: the places of a row, or of many as arrays."""
        if many and self._native:
            return f"SELECT * FROM {self.rows(columns)}"  # noqa: S608  columns
        return f"VALUES ({', '.join([self.place(kind) for _, kind in columns])})"

    def rows(self, columns: Columns) -> str:
        """What stands behind FROM: any number of rows, under the name `d`."""
        return self._unnest(columns) if self._native else self._each(columns)

    def _unnest(self, columns: Columns) -> str:
        # Behind a SELECT nobody sees how many they are, so the statement is planned once for all.
        places = [f"(SELECT {self._place(f'{array_type(kind)}[]')})" for _, kind in columns]
        names = ", ".join(self.name(name) for name, _ in columns)
        return f"unnest({', '.join(places)}) AS d({names})"

    def _each(self, columns: Columns) -> str:
        cells = ", ".join(self._cell(*each, index) for index, each in enumerate(columns))
        return f"(SELECT {cells} FROM json_each({self._place('')})) AS d"  # noqa: S608  columns

    def _cell(self, name: str, kind: TypeEngine[Any], index: int) -> str:
        found = f"json_extract(value, '$[{index}]')"
        if isinstance(kind, LargeBinary):
            found = f"bytes_of({found})"
        return f"{found} AS {self.name(name)}"

    def _place(self, kind: str) -> str:
        self._places += 1
        return f"${self._places}::{kind}" if self._native else "?"


def in_columns(columns: Columns, rows: Sequence[Sequence[Any]], dialect: Dialect) -> list[Any]:
    """The arguments of `Sql.rows`: an array for each column, or one text of JSON."""
    values = [
        bound([row[index] for row in rows], kind, dialect)
        for index, (_, kind) in enumerate(columns)
    ]
    return values if dialect.name == "postgresql" else [_json(list(zip(*values, strict=True)))]


@dataclass(frozen=True)
class Binding:
    """Makes values of rows those that a driver takes, by the types of their columns."""

    columns: Sequence[tuple[str, Callable[[Any], Any] | None, bool]]
    """Their names, what makes their values, and whether these may be texts."""
    made: Sequence[tuple[int, Callable[[Any], Any]]]
    """The columns whose values are not taken as they are, by their places."""
    taken: Callable[[Mapping[str, Any]], Iterable[Any]]
    """Takes the values out of a row."""
    is_checked: bool
    """Whether the engine keeps what it should refuse."""

    @classmethod
    def of(cls, columns: Columns, dialect: Dialect) -> Binding:
        found = [
            (name, kind._cached_bind_processor(dialect), not issubclass(kind.python_type, _NO_TEXT))
            for name, kind in columns
        ]
        made = [(place, make) for place, (_, make, _) in enumerate(found) if make]
        names = [name for name, _ in columns]
        # Of one name, `itemgetter` takes no tuple.
        taken = itemgetter(*names) if len(names) > 1 else lambda row: (row[names[0]],)
        return cls(found, made, taken, dialect.name != "postgresql")

    def row(self, row: Mapping[str, Any]) -> list[Any]:
        """The values of one row."""
        values = [*self.taken(row)]
        for place, make in self.made:
            values[place] = make(values[place])
        if self.is_checked:
            _check("".join([each for each in values if type(each) is str]))
        return values

    def by_columns(self, rows: Sequence[Mapping[str, Any]]) -> list[list[Any]]:
        """The values of rows, column by column."""
        return [
            _column([row[name] for row in rows], make, has_texts)
            for name, make, has_texts in self.columns
        ]


def _column(values: list[Any], make: Callable[[Any], Any] | None, has_texts: bool) -> list[Any]:
    if make is None:
        return _storable(values) if has_texts else values
    first = values[0]
    if all(map(is_, values, repeat(first))):
        # A bulk has one moment and one state: what all rows share is made once.
        return _storable([make(first)]) * len(values)
    made = [make(each) for each in values]
    return _storable(made) if has_texts else made


def bound(values: list[Any], kind: TypeEngine[Any], dialect: Dialect) -> list[Any]:
    """Python values as the driver takes them, by the type of their column."""
    make = _binder(kind, dialect)
    return _storable(values if make is None else [make(each) for each in values])


@lru_cache(4_000)
def _binder(kind: TypeEngine[Any], dialect: Dialect) -> Callable[[Any], Any] | None:
    """What makes values of a type those that a driver takes; SQLAlchemy looks for it longer."""
    return kind._cached_bind_processor(dialect)


def _storable(values: list[Any]) -> list[Any]:
    try:
        _check("".join(filter(None, values)))
    except TypeError:  # There are others between the texts.
        _check("".join([each for each in values if type(each) is str]))
    return values


def _check(text: str) -> None:
    # PostgreSQL refuses a NUL by itself; SQLite would keep it, and its functions end there.
    if "\0" in text:
        raise Invalid("A text holds a character that cannot be stored.")


def _json(rows: list[tuple[Any, ...]]) -> str:
    # JSON would make a float of it, and nobody would notice.
    numbers = [each for row in rows for each in row if type(each) is int]
    if any(not -_LARGEST - 1 <= each <= _LARGEST for each in numbers):
        raise Invalid("A number is larger than can be stored.")
    try:
        return orjson.dumps(rows, default=bytes.hex).decode()
    except TypeError as error:
        raise Invalid("A text holds a character that cannot be stored.") from error
