"""One list level of a plan: one statement for any number of parents."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, Protocol

from sqlalchemy import (
    ColumnElement,
    Dialect,
    FromClause,
    Select,
    TableValuedAlias,
    Text,
    TypeDecorator,
    bindparam,
    column,
    func,
    literal_column,
    select,
    true,
)

from crmkit.engine.entity import Entity
from crmkit.engine.filters import beside
from crmkit.engine.pagination import Key, ordering
from crmkit.engine.told import Told
from crmkit.store.aliases import Aliases
from crmkit.store.column_types import Json, UtcDateTime, WrittenInstant
from crmkit.store.reach import Deferred
from crmkit.store.scoping import PARENTS
from crmkit.store.statements import Template, Unreadable

Read = Callable[[Any], Any]


class Cell:
    """Reads one column of a row; `required` where the database holds no null."""

    __slots__ = ("place", "required")

    def __init__(self, place: int, *, required: bool = False) -> None:
        self.place = place
        self.required = required

    def __call__(self, row: Any) -> Any:
        value = row[self.place]
        if isinstance(value, Unreadable):
            raise value.error
        return value


class Present:
    """The row itself if this column has a value: that of a record joined beside."""

    __slots__ = ("cell",)

    def __init__(self, cell: Cell) -> None:
        self.cell = cell

    def __call__(self, row: Any) -> Any:
        return None if self.cell(row) is None else row


class Always:
    """The same, whatever the row."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __call__(self, row: Any) -> Any:
        return self.value


def itself(row: Any) -> Any:
    """The row, or whatever stands for one."""
    return row


_BETWEEN = chr(31)
"""What separates keys; no id has it, and what has is found by none."""


class _Joined(TypeDecorator[Sequence[str]]):
    """Keys as one text: asyncpg takes five times as long for an array of them."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Sequence[str] | None, dialect: Dialect) -> str:
        return _BETWEEN.join(value or ())


On = Callable[[Entity], ColumnElement[bool]]


KEYS = Deferred()
"""The keys of the parents, which only a run of a level knows."""


class Level(Protocol):
    """Rows below one selection, brought by one statement.

    Each begins with the key of its parent, or with the number of that key.
    """

    key: ColumnElement[Any] | None
    below: list[Below]
    batches: list[Batched]
    count: Select[Any] | None
    template: Template | None
    count_template: Template | None

    def statement(self, engine: str) -> Select[Any]: ...


@dataclass(eq=False)
class Step:
    """The rows below one selection; `key` is the column that points to their parents."""

    entity: Entity
    key: ColumnElement[Any] | None = None
    columns: list[ColumnElement[Any]] = field(default_factory=list)
    joins: dict[Any, tuple[Entity, ColumnElement[bool]]] = field(default_factory=dict)
    conditions: list[ColumnElement[bool]] = field(default_factory=list)
    keys: Sequence[Key] = ()
    backwards: bool = False
    limit: int | None = None
    below: list[Below] = field(default_factory=list)
    batches: list[Batched] = field(default_factory=list)
    count: Select[Any] | None = None
    template: Template | None = None
    count_template: Template | None = None
    aliases: Aliases | None = None
    alias_template: Template | None = None
    told: Told | None = None
    _places: dict[Any, int] = field(default_factory=dict)

    @property
    def finds_one(self) -> bool:
        """Whether it brings but one row for each key."""
        return self.key is not None and self.limit is None

    @property
    def has_pages(self) -> bool:
        """Whether it brings a page for each key; then its rows begin with the key's number."""
        return self.key is not None and self.limit is not None

    def place(self, element: ColumnElement[Any], name: Any = None) -> int:
        """The position of a column in this step's rows; the same is read once.

        What is made anew each time it is asked for is the same under one name.
        """
        name = element if name is None else name
        if name not in self._places:
            self._places[name] = len(self.columns)
            self.columns.append(element)
        # A row of a step that has parents begins with whose it is.
        return self._places[name] + (self.key is not None)

    def has(self, element: ColumnElement[Any]) -> bool:
        """Whether a column is read."""
        return element in self._places

    def written(self, element: ColumnElement[Any], name: Any = None) -> int:
        """The position of what answers and cursors alone hold, where a moment is a text."""
        if not isinstance(element.type, UtcDateTime):
            return self.place(element, name)
        name = element if name is None else name
        return self.place(WrittenInstant(element), ("written", name))

    def joined(self, name: Any, entity: Entity, on: On) -> Entity:
        """A record beside this one, joined once however often it is selected."""
        if name not in self.joins:
            self.joins[name] = entity, on(entity)
        return self.joins[name][0]

    def statement(self, engine: str) -> Select[Any]:
        """The one statement of this step, for whatever parents."""
        if not self.columns:
            self.place(self.entity.id)
        if self.key is None:
            return self._page(select(*self.columns).select_from(self._rows(self.entity.table)))
        if self.limit is None:
            return self._found(parents_of(engine), self.key)
        return self._lateral(self.key) if engine == "postgresql" else self._correlated(self.key)

    def _page(self, statement: Select[Any]) -> Select[Any]:
        page = statement.where(*self.conditions).order_by(*ordering(self.keys, self.backwards))
        # As text, because PostgreSQL plans a LIMIT that it can see better.
        return page if self.limit is None else page.limit(literal_column(str(self.limit)))

    def _rows(self, rows: FromClause) -> FromClause:
        """The table with all that is joined beside it."""
        rows = beside(rows, self.entity)
        for other, on in self.joins.values():
            rows = beside(rows.outerjoin(other.table, on), other)
        return rows

    def _found(self, parents: TableValuedAlias, key: ColumnElement[Any]) -> Select[Any]:
        """The one row of each key, in whatever order."""
        rows = self._rows(parents.join(self.entity.table, key == parents.c.value))
        return select(parents.c.value, *self.columns).select_from(rows).where(*self.conditions)

    def _lateral(self, key: ColumnElement[Any]) -> Select[Any]:
        """PostgreSQL: the page of each parent by LATERAL, parents in their order.

        Pages need no order but their own: what depends on a parent can only be joined row by
        row, and to sort all rows once more would take a tenth of the time.
        """
        parents = parents_of("postgresql")
        columns = [each.label(f"c{index}") for index, each in enumerate(self.columns)]
        page = select(*columns).select_from(self._rows(self.entity.table))
        rows = self._page(page.where(key == parents.c.value)).lateral("page")
        return (
            select(parents.c.key, *[rows.c[each.name] for each in columns])
            .select_from(parents.join(rows, true()))
            .order_by(parents.c.key)
        )

    def _correlated(self, key: ColumnElement[Any]) -> Select[Any]:
        """SQLite knows no LATERAL: the ids of each parent's page, then their rows."""
        parents = parents_of("sqlite")
        # It reads the same table under the same name: inside, that name hides the outer one.
        page = select(self.entity.id).select_from(beside(self.entity.table, self.entity))
        ids = self._page(page.where(key == parents.c.value)).correlate(parents)
        rows = self._rows(parents.join(self.entity.table, self.entity.id.in_(ids)))
        return (
            select(parents.c.key, *self.columns)
            .select_from(rows)
            .order_by(parents.c.key, *ordering(self.keys, self.backwards))
        )


FIRST = {"postgresql": 1, "sqlite": 0}
"""The number of the first of the keys."""


def parents_of(engine: str) -> TableValuedAlias:
    """The keys of parents, each as a `value` and with its place among them, its `key`."""
    if engine == "postgresql":
        # Behind a SELECT their number is unknown to PostgreSQL, which would otherwise plan a
        # statement anew for each number of keys: ten times what reading one row takes.
        given = select(bindparam("given_keys", KEYS, _Joined())).scalar_subquery()
        each = func.unnest(func.string_to_array(given, literal_column(f"chr({ord(_BETWEEN)})")))
        return each.table_valued("value", with_ordinality="key").render_derived(name=PARENTS)
    each = func.json_each(bindparam("given_keys", KEYS, Json()))
    return each.table_valued(column("key"), column("value"), name=PARENTS)


@dataclass(eq=False)
class Below:
    """A step below some rows, and what it is asked for.

    Of each row `one` reads its only key, or `keys` any number of them.
    """

    step: Level
    keys: Callable[[Any], Iterable[Any]] = lambda _: ()
    one: Read | None = None

    def asked(self, rows: Iterable[Any]) -> list[Any]:
        """The keys that the step is asked for below these rows, each once."""
        if self.one is None:
            found = {key: None for row in rows for key in self.keys(row)}
        else:
            # Keys are texts, which no type changes, so they are read as the driver tells them.
            read = itemgetter(self.one.place) if isinstance(self.one, Cell) else self.one
            found = dict.fromkeys(map(read, rows))
        found.pop(None, None)
        return list(found)


@dataclass(eq=False)
class Batched:
    """A Python function to be called once for all rows of a step, or once for each."""

    function: Callable[..., Any]
    each: bool
    key: Read
    arguments: dict[str, Any]
    plugin: str
    below: list[Below] = field(default_factory=list)
