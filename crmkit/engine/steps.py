"""One list level of a plan: one statement for any number of parents."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    TableValuedAlias,
    Text,
    bindparam,
    column,
    func,
    literal_column,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY

from crmkit.engine.entity import Entity
from crmkit.engine.filters import beside
from crmkit.store.column_types import Json
from crmkit.store.reach import Deferred
from crmkit.store.statements import Template

Read = Callable[[Any], Any]


class Cell:
    """Reads one column of a row; `required` where the database holds no null."""

    __slots__ = ("place", "required")

    def __init__(self, place: int, *, required: bool = False) -> None:
        self.place = place
        self.required = required

    def __call__(self, row: Any) -> Any:
        return row[self.place]


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


On = Callable[[Entity], ColumnElement[bool]]


KEYS = Deferred()
"""The keys of the parents, which only a run of a level knows."""


class Level(Protocol):
    """Rows below one selection, brought by one statement; each begins with its parent's key."""

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
    order: list[ColumnElement[Any]] = field(default_factory=list)
    limit: int | None = None
    below: list[Below] = field(default_factory=list)
    batches: list[Batched] = field(default_factory=list)
    count: Select[Any] | None = None
    template: Template | None = None
    count_template: Template | None = None
    _places: dict[Any, int] = field(default_factory=dict)

    def place(self, name: Any, element: ColumnElement[Any]) -> int:
        """The position of a column in this step's rows; the same name is read once."""
        if name not in self._places:
            self._places[name] = len(self.columns)
            self.columns.append(element)
        # A row of a step that has parents begins with the key of its parent.
        return self._places[name] + (self.key is not None)

    def joined(self, name: Any, entity: Entity, on: On) -> Entity:
        """A record beside this one, joined once however often it is selected."""
        if name not in self.joins:
            self.joins[name] = entity, on(entity)
        return self.joins[name][0]

    def statement(self, engine: str) -> Select[Any]:
        """The one statement of this step, for whatever parents."""
        if not self.columns:
            self.place("id", self.entity.id)
        if self.key is None:
            return self._page(select(*self.columns).select_from(self._rows(self.entity.table)))
        return self._lateral() if engine == "postgresql" else self._correlated()

    def _page(self, statement: Select[Any]) -> Select[Any]:
        page = statement.where(*self.conditions).order_by(*self.order)
        # As text, because PostgreSQL plans a LIMIT that it can see better.
        return page if self.limit is None else page.limit(literal_column(str(self.limit)))

    def _rows(self, rows: FromClause) -> FromClause:
        """The table with all that is joined beside it."""
        rows = beside(rows, self.entity)
        for other, on in self.joins.values():
            rows = beside(rows.outerjoin(other.table, on), other)
        return rows

    def _lateral(self) -> Select[Any]:
        """PostgreSQL: the page of each parent by LATERAL, in an order that is promised."""
        parents = parents_of("postgresql")
        rank = func.row_number().over(order_by=self.order or [self.entity.id])
        labelled = [each.label(f"c{index}") for index, each in enumerate(self.columns)]
        page = select(*labelled, rank.label("rank")).select_from(self._rows(self.entity.table))
        assert self.key is not None  # noqa: S101  the caller has looked
        rows = self._page(page.where(self.key == parents.c.value)).lateral("page")
        return (
            select(parents.c.value, *[rows.c[each.name] for each in labelled])
            .select_from(parents.join(rows, true()))
            .order_by(parents.c.key, rows.c.rank)
        )

    def _correlated(self) -> Select[Any]:
        """SQLite knows no LATERAL: the ids of each parent's page, then their rows."""
        parents = parents_of("sqlite")
        assert self.key is not None  # noqa: S101  the caller has looked
        # It reads the same table under the same name: inside, that name hides the outer one.
        page = select(self.entity.id).select_from(beside(self.entity.table, self.entity))
        ids = self._page(page.where(self.key == parents.c.value)).correlate(parents)
        rows = self._rows(parents.join(self.entity.table, self.entity.id.in_(ids)))
        return (
            select(parents.c.value, *self.columns)
            .select_from(rows)
            .order_by(parents.c.key, *self.order)
        )


def parents_of(engine: str) -> TableValuedAlias:
    """The keys of parents, each as a `value` and with its place among them, its `key`."""
    if engine == "postgresql":
        given = func.unnest(bindparam("given_keys", KEYS, ARRAY(Text())))
        return given.table_valued("value", with_ordinality="key").render_derived(name="parents")
    each = func.json_each(bindparam("given_keys", KEYS, Json()))
    return each.table_valued(column("key"), column("value"), name="parents")


@dataclass(eq=False)
class Below:
    """A step below some rows; `keys` reads from each of them the keys that it is asked for."""

    step: Level
    keys: Callable[[Any], Iterable[Any]]


@dataclass(eq=False)
class Batched:
    """A Python function to be called once for all rows of a step, or once for each."""

    function: Callable[..., Any]
    each: bool
    key: Read
    arguments: dict[str, Any]
    plugin: str
    below: list[Below] = field(default_factory=list)
