"""A SQLAlchemy statement as its driver wants it: text, arguments, and how to read rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, Dialect, Executable, Integer
from sqlalchemy.types import TypeEngine

from crmkit.store.reach import EVERYTHING, Deferred, Reach, compiled

if TYPE_CHECKING:
    from sqlalchemy.sql.compiler import ResultColumnsEntry, SQLCompiler

Row = tuple[Any, ...]
Processor = Callable[[Any], Any]

_NUMERIC = 1700  # what SQLAlchemy wants to be told about PostgreSQL's numbers


@dataclass(frozen=True, eq=False)
class Template:
    """A statement compiled once, for any number of runs with other values."""

    sql: str
    constants: tuple[Any, ...]
    deferred: tuple[tuple[int, Deferred, Processor | None], ...]
    processors: tuple[tuple[int, Processor], ...]
    types: tuple[TypeEngine[Any], ...]
    engine: str

    def arguments(self, told: Callable[[Deferred], Any]) -> tuple[Any, ...]:
        """What goes to the driver, with the values that only this run knows."""
        if not self.deferred:
            return self.constants
        found = list(self.constants)
        for index, each, process in self.deferred:
            value = told(each)
            found[index] = process(value) if process else value
        return tuple(found)

    def rows(self, raw: Iterable[Sequence[Any]]) -> list[Row]:
        """Reads the driver's rows as plain tuples."""
        if not self.processors:
            return [tuple(each) for each in raw]
        return [self._row(each) for each in raw]

    def _row(self, raw: Sequence[Any]) -> Row:
        values = list(raw)
        for index, process in self.processors:
            values[index] = process(values[index])
        return tuple(values)


def template(statement: Executable, dialect: Dialect, reach: Reach = EVERYTHING) -> Template:
    """Compiles a statement as this reach sees it and binds by the types of its columns."""
    made = compiled(statement, dialect, reach)
    constants: list[Any] = []
    deferred = []
    for value, process in _places(made):
        if isinstance(value, Deferred):
            deferred.append((len(constants), value, process))
            constants.append(None)
        else:
            constants.append(process(value) if process else value)
    return Template(
        made.string,
        tuple(constants),
        tuple(deferred),
        _processors(made, dialect),
        tuple(each.type for each in made._result_columns),
        dialect.name,
    )


def _places(made: SQLCompiler) -> list[tuple[Any, Processor | None]]:
    """The values of a statement in the order of their places, each with its processor."""
    state = made._post_compile_expanded_state
    values = made.construct_params(escape_names=False, _check=False)
    processors: dict[str, Any] = dict(made._bind_processors)
    if state is not None:
        values = dict(state.parameters)
        processors |= state.processors
    return [(values[name], processors.get(name)) for name in made.positiontup or ()]


def _processors(made: SQLCompiler, dialect: Dialect) -> tuple[tuple[int, Processor], ...]:
    found = ((index, _processor(each, dialect)) for index, each in enumerate(made._result_columns))
    return tuple((index, process) for index, process in found if process)


def _processor(entry: ResultColumnsEntry, dialect: Dialect) -> Processor | None:
    # PostgreSQL adds bigints up to a numeric, which its driver hands out as a Decimal.
    computed = not any(isinstance(each, Column) for each in entry.objects)
    if dialect.name == "postgresql" and computed and isinstance(entry.type, Integer):
        return lambda value: None if value is None else int(value)
    process: Processor | None = entry.type._cached_result_processor(dialect, _NUMERIC)
    return process
