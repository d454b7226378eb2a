"""SQL in which rows travel as arrays, so that its text does not depend on their number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import LargeBinary, Table

from crmkit.store.column_types import array_type
from crmkit.values.errors import Invalid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Dialect
    from sqlalchemy.types import TypeEngine

    Columns = Sequence[tuple[str, TypeEngine[Any]]]

_LARGEST = 2**63 - 1


class Sql:
    """Text that grows together with its arguments, in the order of their places."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.arguments: list[Any] = []
        self._native = dialect.name == "postgresql"

    def name(self, name: str | Table) -> str:
        """Quotes a name where its engine needs that."""
        text = name.name if isinstance(name, Table) else name
        return self.dialect.identifier_preparer.quote(text)

    def value(self, value: Any, kind: TypeEngine[Any]) -> str:
        """The place of one value."""
        return self._place(bound([value], kind, self.dialect)[0], array_type(kind))

    def rows(self, columns: Columns, rows: Sequence[Sequence[Any]]) -> str:
        """What stands behind FROM: these rows, under the name `d`."""
        values = [
            bound([row[index] for row in rows], kind, self.dialect)
            for index, (_, kind) in enumerate(columns)
        ]
        return self._unnest(columns, values) if self._native else self._each(columns, values)

    def _unnest(self, columns: Columns, values: Sequence[Sequence[Any]]) -> str:
        places = [
            self._place(each, f"{array_type(kind)}[]")
            for each, (_, kind) in zip(values, columns, strict=True)
        ]
        names = ", ".join(self.name(name) for name, _ in columns)
        return f"unnest({', '.join(places)}) AS d({names})"

    def _each(self, columns: Columns, values: Sequence[Sequence[Any]]) -> str:
        cells = ", ".join(self._cell(*each, index) for index, each in enumerate(columns))
        place = self._place(_json(list(zip(*values, strict=True))), "")
        return f"(SELECT {cells} FROM json_each({place})) AS d"  # noqa: S608  columns

    def _cell(self, name: str, kind: TypeEngine[Any], index: int) -> str:
        found = f"json_extract(value, '$[{index}]')"
        if isinstance(kind, LargeBinary):
            found = f"bytes_of({found})"
        return f"{found} AS {self.name(name)}"

    def _place(self, value: Any, kind: str) -> str:
        self.arguments.append(value)
        return f"${len(self.arguments)}::{kind}" if self._native else "?"


def bound(values: list[Any], kind: TypeEngine[Any], dialect: Dialect) -> list[Any]:
    """Python values as the driver takes them, by the type of their column."""
    process = kind._cached_bind_processor(dialect)
    if process:
        values = [process(each) for each in values]
    # JSON would make a float of it, and nobody would notice.
    if any(type(each) is int and not -_LARGEST - 1 <= each <= _LARGEST for each in values):
        raise Invalid("A number is larger than can be stored.")
    return values


def _json(rows: list[tuple[Any, ...]]) -> str:
    try:
        text = orjson.dumps(rows, default=bytes.hex).decode()
    except TypeError as error:
        raise Invalid("A text holds a character that cannot be stored.") from error
    # SQLite's JSON ends a text at a NUL; PostgreSQL refuses one by itself.
    if "\\u0000" in text and any("\0" in each for row in rows for each in row if type(each) is str):
        raise Invalid("A text holds a character that cannot be stored.")
    return text
