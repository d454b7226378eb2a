"""A SQLAlchemy statement as its driver wants it: text, arguments, and how to read rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from sqlalchemy import Column, Dialect, Executable, Integer
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine
from sqlalchemy.util import LRUCache

from crmkit.store.reach import EVERYTHING, Deferred, Reach
from crmkit.store.scoping import compiled

if TYPE_CHECKING:
    from sqlalchemy.sql.cache_key import CacheKey
    from sqlalchemy.sql.compiler import ResultColumnsEntry

Row = tuple[Any, ...]
Processor = Callable[[Any], Any]

_MOST = 400  # texts kept for a dialect, and half as many again; one takes a tenth of a megabyte
_NUMERIC = 1700  # what SQLAlchemy wants to be told about PostgreSQL's numbers


@dataclass(frozen=True, eq=False)
class Unreadable:
    """What stands in a column although its type does not allow it; who reads it fails."""

    value: Any
    error: Exception


class Spread(Deferred):
    """Stands in a list for any number of values that only a run knows."""


@dataclass(frozen=True, eq=False)
class _List(Deferred):
    """A list of values of which only a run knows some."""

    values: Sequence[Any]

    def told(self, told: Callable[[Deferred], Any]) -> list[Any]:
        found: list[Any] = []
        for each in self.values:
            value = told(each) if isinstance(each, Deferred) else each
            if isinstance(each, Spread):
                found += value
            else:
                found.append(value)
        return found


@dataclass(frozen=True, eq=False)
class Template:
    """A statement compiled once, for any number of runs with other values."""

    sql: str
    constants: tuple[Any, ...]
    deferred: tuple[tuple[int, Deferred, Processor | None], ...]
    processors: tuple[tuple[int, Processor], ...]
    types: tuple[TypeEngine[Any], ...]
    dialect: Dialect

    def arguments(self, told: Callable[[Deferred], Any]) -> tuple[Any, ...]:
        """What goes to the driver, with the values that only this run knows."""
        if not self.deferred:
            return self.constants
        found = list(self.constants)
        for index, each, process in self.deferred:
            value = _told(each, told)
            found[index] = process(value) if process else value
        return tuple(found)

    def besides(self, place: Deferred, told: Callable[[Deferred], Any]) -> tuple[Any, ...]:
        """All values of a run but those of one place."""
        deferred = [_told(each, told) for _, each, _ in self.deferred if each is not place]
        return self.constants, *deferred

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


def _told(deferred: Deferred, told: Callable[[Deferred], Any]) -> Any:
    return deferred.told(told) if isinstance(deferred, _List) else told(deferred)


@dataclass(frozen=True)
class _Text:
    """What statements have in common that differ only in their values."""

    made: SQLCompiler
    processors: tuple[tuple[int, Processor], ...]
    types: tuple[TypeEngine[Any], ...]
    places: tuple[tuple[str, Processor | None], ...] | None
    """The names of the values in their order; nothing where the text depends on them."""


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
    sql, places = text.made.string, text.places
    if places is None:
        # What is to stand in the text is written into it now, as is what travels one by one.
        state = text.made._process_parameters_for_postcompile(values)
        sql, values = state.statement, {**state.parameters}
        processors: dict[str, Any] = {**text.made._bind_processors, **state.processors}
        places = tuple((name, processors.get(name)) for name in state.positiontup or ())
    constants, deferred = _arguments(places, values)
    return Template(sql, constants, deferred, text.processors, text.types, dialect)


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
    types = tuple(each.type for each in made._result_columns)
    places = None
    if not (made.post_compile_params or made.literal_execute_params):
        processors: Mapping[str, Any] = made._bind_processors
        places = tuple((name, processors.get(name)) for name in made.positiontup or ())
    return _Text(made, _processors(made, dialect), types, places)


def _arguments(
    places: Sequence[tuple[str, Processor | None]], values: Mapping[str, Any]
) -> tuple[tuple[Any, ...], tuple[tuple[int, Deferred, Processor | None], ...]]:
    """The values in the order of their places, and apart those that only a run knows."""
    constants: list[Any] = []
    deferred = []
    for name, process in places:
        value = values[name]
        if isinstance(value, list) and any(isinstance(each, Deferred) for each in value):
            value = _List(value)
        if isinstance(value, Deferred):
            deferred.append((len(constants), value, process))
            constants.append(None)
        else:
            constants.append(process(value) if process else value)
    return tuple(constants), tuple(deferred)


def _processors(made: SQLCompiler, dialect: Dialect) -> tuple[tuple[int, Processor], ...]:
    found = ((index, _processor(each, dialect)) for index, each in enumerate(made._result_columns))
    return tuple((index, process) for index, process in found if process)


def whole_number(value: Any) -> int | None:
    """What PostgreSQL has added up or counted, as a number of Python."""
    return None if value is None else int(value)


def _processor(entry: ResultColumnsEntry, dialect: Dialect) -> Processor | None:
    # PostgreSQL adds bigints up to a numeric, which its driver hands out as a Decimal.
    computed = not any(isinstance(each, Column) for each in entry.objects)
    if dialect.name == "postgresql" and computed and isinstance(entry.type, Integer):
        return whole_number
    process: Processor | None = entry.type._cached_result_processor(dialect, _NUMERIC)
    return process
