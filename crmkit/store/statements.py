"""A SQLAlchemy statement as its driver wants it: text, arguments, and how to read rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from sqlalchemy import Column, Dialect, Executable, Integer
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine
from sqlalchemy.util import LRUCache

from crmkit.store.reach import EVERYTHING, Deferred, Reach, compiled

if TYPE_CHECKING:
    from sqlalchemy.sql.cache_key import CacheKey
    from sqlalchemy.sql.compiler import ExpandedState, ResultColumnsEntry

Row = tuple[Any, ...]
Processor = Callable[[Any], Any]

_MOST = 400  # texts kept for a dialect, and half as many again; one takes a tenth of a megabyte
_NUMERIC = 1700  # what SQLAlchemy wants to be told about PostgreSQL's numbers


@dataclass(frozen=True, eq=False)
class Unreadable:
    """What stands in a column although its type does not allow it; who reads it fails."""

    value: Any
    error: Exception


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

    def whole(self, raw: Sequence[Sequence[Any]]) -> list[Row]:
        """The same, although there may be values in it that cannot be read."""
        try:
            return self.rows(raw)
        except Exception:  # noqa: BLE001  which value it was, reading them one by one finds out
            return [self._tried(each) for each in raw]

    def _row(self, raw: Sequence[Any]) -> Row:
        values = list(raw)
        for index, process in self.processors:
            values[index] = process(values[index])
        return tuple(values)

    def _tried(self, raw: Sequence[Any]) -> Row:
        values = list(raw)
        for index, process in self.processors:
            try:
                values[index] = process(values[index])
            except Exception as error:  # noqa: BLE001  it fails where the value is read
                values[index] = Unreadable(values[index], error)
        return tuple(values)


@dataclass(frozen=True)
class _Text:
    """What statements have in common that differ only in their values."""

    made: SQLCompiler
    processors: tuple[tuple[int, Processor], ...]


_TEXTS: WeakKeyDictionary[Dialect, LRUCache[Any, _Text]] = WeakKeyDictionary()


def template(statement: Executable, dialect: Dialect, reach: Reach = EVERYTHING) -> Template:
    """Makes of a statement, as this reach sees it, what a driver takes.

    Compiling is dear, and most statements have been compiled before with other values:
    SQLAlchemy's own key tells which, and holds the values of this one.
    """
    if statement.get_execution_options().get("with_deleted"):
        reach = replace(reach, deleted=True)
    key = statement._generate_cache_key()  # type: ignore[attr-defined]
    text = _text(statement, dialect, reach, key)
    values = text.made.construct_params(
        extracted_parameters=key and key.bindparams,
        escape_names=False,
        _check=False,
        _collected_params=key and key.params,
    )
    # Lists behind IN are written out here, because each has a length of its own.
    state = text.made._process_parameters_for_postcompile(values)
    constants, deferred = _arguments(text.made, state)
    types = tuple(each.type for each in text.made._result_columns)
    return Template(
        state.statement, constants, deferred, text.processors, types, engine=dialect.name
    )


def _text(statement: Executable, dialect: Dialect, reach: Reach, key: CacheKey | None) -> _Text:
    if key is None:
        return _written(statement, dialect, reach, None)
    texts = _TEXTS.setdefault(dialect, LRUCache(_MOST))
    whole = (reach.shape, key.key)
    if (known := texts.get(whole)) is None:
        known = texts[whole] = _written(statement, dialect, reach, key)
    return known


def _written(statement: Executable, dialect: Dialect, reach: Reach, key: CacheKey | None) -> _Text:
    made = compiled(statement, dialect, reach, key)
    return _Text(made, _processors(made, dialect))


def _arguments(
    made: SQLCompiler, state: ExpandedState
) -> tuple[tuple[Any, ...], tuple[tuple[int, Deferred, Processor | None], ...]]:
    """The values in the order of their places, and apart those that only a run knows."""
    processors: dict[str, Any] = {**made._bind_processors, **state.processors}
    constants: list[Any] = []
    deferred = []
    for name in state.positiontup or ():
        value, process = state.parameters[name], processors.get(name)
        if isinstance(value, Deferred):
            deferred.append((len(constants), value, process))
            constants.append(None)
        else:
            constants.append(process(value) if process else value)
    return tuple(constants), tuple(deferred)


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
