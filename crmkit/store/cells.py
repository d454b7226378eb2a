"""Values of several units in one JSON, of which PostgreSQL makes rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import orjson

from crmkit.store.arrays import Binding, Sql
from crmkit.store.column_types import Json, array_type, instant

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Dialect
    from sqlalchemy.types import TypeEngine

    from crmkit.store.arrays import Columns

Row = Mapping[str, Any]

# As asyncpg has it; what is endless stays so, by whichever way it goes.
_ENDLESS: dict[date, str] = {
    date.max: "infinity",
    date.min: "-infinity",
    datetime.max.replace(tzinfo=UTC): "infinity",
    datetime.min.replace(tzinfo=UTC): "-infinity",
}
_NAMES = [f"v{number}" for number in range(1, 1_601)]  # a row of PostgreSQL has no more
_NUMBERED = re.compile(r"""('[^']*'|"[^"]*")|\$(\d+)""")  # a place, or what only looks like one


class Cells(Sql):
    """Text of PostgreSQL that is done for many runs at once, whose values travel as one JSON.

    Its places are cells of the row `of_run`. A number of arrays costs both sides more than a JSON.

    Args:
        sql: The text that it is part of, in which the JSON takes one place.
    """

    def __init__(self, sql: Sql) -> None:
        super().__init__(sql.dialect)
        self._json = sql._place("json")
        self._cells: list[str] = []

    @property
    def runs(self) -> str:
        """What stands behind FROM: a row for each run."""
        return f"json_to_recordset({self._json}) AS of_run({', '.join(self._cells)})"

    def place(self, kind: TypeEngine[Any]) -> str:
        name, known = _NAMES[len(self._cells)], array_type(kind)
        # What is JSON itself travels as the text that it is bound as.
        self._cells.append(f"{name} {'text' if known == 'jsonb' else known}")
        return f"of_run.{name}::jsonb" if known == "jsonb" else f"of_run.{name}"

    def first(self, text: str, places: int) -> str:
        """Text that numbers its own places, in all of which stand texts."""
        if self._cells:
            raise ValueError("This text numbers its own places from 1 on.")
        self._cells += [f"{name} text" for name in _NAMES[:places]]
        return _NUMBERED.sub(lambda found: found[1] or f"of_run.v{found[2]}", text)

    def values(self, columns: Columns, *, many: bool) -> str:
        """A run is a row, whatever they are alone; its cells have the names of its columns."""
        self._cells += [f"{self.name(name)} {array_type(kind)}" for name, kind in columns]
        cells = ", ".join([f"of_run.{self.name(name)}" for name, _ in columns])
        return f"SELECT {cells} FROM {self.runs}"  # noqa: S608  columns


class Form:
    """How the rows of a table travel to PostgreSQL: bound for its driver, or as cells."""

    def __init__(self, columns: Columns, dialect: Dialect) -> None:
        self.binding = Binding.of(columns, dialect)
        self.cells = _written({name: _maker(kind, dialect) for name, kind in columns})
        """Makes the values of a row those that JSON has, by the names of its columns."""


class Unbound:
    """Rows whose values are made what travels when it is known how they do: alone, or as cells."""

    __slots__ = ("_form", "_rows")

    def __init__(self, form: Form, rows: Sequence[Row]) -> None:
        self._form = form
        self._rows = rows

    def runs(self) -> list[list[Any]]:
        """The one run of a part that adds them: a row, or an array for each column."""
        binding, rows = self._form.binding, self._rows
        return [binding.row(rows[0]) if len(rows) == 1 else binding.by_columns(rows)]

    def cells(self) -> list[Row]:
        """The rows as JSON has them."""
        cells = self._form.cells
        return [cells(each) for each in self._rows]


def run_as_cells(run: Iterable[Any]) -> Row:
    """A run of values that are bound already, by the names that `Cells` gives its places."""
    return {
        name: _TOLD.get(type(each), _same)(each) for name, each in zip(_NAMES, run, strict=False)
    }


def in_cells(rows: Sequence[Row]) -> str:
    """Rows, for the one place that they take in the text of `Cells`.

    Raises:
        TypeError: A value is nothing that JSON can hold, or a text that cannot be stored.
    """
    return orjson.dumps(rows).decode()


def _maker(kind: TypeEngine[Any], dialect: Dialect) -> Callable[[Any], Any] | None:
    """What makes values of a column those of a cell; nothing where they are that as they are."""
    if isinstance(kind, Json):
        return None
    if (told := _TOLD.get(kind.python_type)) is not None:
        return told
    return kind._cached_bind_processor(dialect)


def _written(makers: Mapping[str, Callable[[Any], Any] | None]) -> Callable[[Row], Row]:
    """What makes cells of a row, written out: to look at each column would take twice as long."""
    known: dict[str, Any] = {}
    cells = ["**row"]
    for name, make in makers.items():
        if make is not None:
            cells.append(f"{name!r}: make_{len(known)}(row[{name!r}])")
            known[f"make_{len(known)}"] = make
    if not known:
        return _same
    source = f"lambda row: {{{', '.join(cells)}}}"
    written: Callable[[Row], Row] = eval(source, known)  # noqa: S307  names of columns
    return written


def _same(value: Any) -> Any:
    return value


@lru_cache(256)  # Many values of a unit are its moment.
def _moment(value: datetime | None) -> str | None:
    if value is None:
        return None
    if 1 < value.year < 9999:
        return instant(value)
    return _ENDLESS.get(value) or instant(value)


def _day(value: date | None) -> str | None:
    return None if value is None else _ENDLESS.get(value) or value.isoformat()


def _raw(value: bytes | None) -> str | None:
    return None if value is None else f"\\x{value.hex()}"


_TOLD: dict[type, Callable[[Any], Any]] = {datetime: _moment, date: _day, bytes: _raw}
