"""Rows of several kinds at once: a page of a union of tables, and a walk from row to row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    FromClause,
    Select,
    Subquery,
    TableValuedAlias,
    cast,
    column,
    func,
    literal_column,
    null,
    select,
    true,
    union_all,
)

from crmkit.engine.entity import Entity
from crmkit.engine.pagination import Key, Page, beyond, ordering
from crmkit.engine.steps import Batched, Below, parents_of
from crmkit.engine.timelines import Kind, Link
from crmkit.store.column_types import Code, InstantText, UtcDateTime, WrittenInstant
from crmkit.store.statements import Template

STEPS = 20
"""How far a walk goes; whoever made a circle gets an end as well."""

REACHED = 100
"""How many rows a walk brings for each row that it begins with."""

_KEY = column("key", Code())


def newest_first(at: ColumnElement[Any], id: ColumnElement[Any]) -> list[Key]:
    """The one order of all kinds together: the moment, then the id."""
    return [Key(at, True, False, "at"), Key(id, True, False, "id")]


@dataclass(eq=False)
class Union:
    """One page of rows of several kinds, each as `(parent, at, id)`."""

    kinds: Sequence[Kind]
    page: Page
    after: Sequence[Any] | None = None
    before: Sequence[Any] | None = None
    key: ColumnElement[Any] | None = field(default_factory=lambda: _KEY)
    below: list[Below] = field(default_factory=list)
    batches: list[Batched] = field(default_factory=list)
    count: Select[Any] | None = None
    template: Template | None = None
    count_template: Template | None = None

    def statement(self, engine: str) -> Select[Any]:
        """The one statement of this page, for whatever parents."""
        parents = parents_of(engine)
        return self._lateral(parents) if engine == "postgresql" else self._arrays(parents)

    def total(self, parent: Entity) -> ColumnElement[int]:
        """How many rows there are on all pages of a parent, to be read with the parent."""
        counts: list[ColumnElement[int]] = [
            select(func.count())
            .where(rows.column(kind.key) == parent.id)
            .correlate(parent.table)
            .scalar_subquery()
            for kind, rows in self._entities()
        ]
        return sum(counts[1:], counts[0])

    def _entities(self) -> Iterator[tuple[Kind, Entity]]:
        return ((kind, Entity.of(kind.spec.model)) for kind in self.kinds)

    def _lateral(self, parents: TableValuedAlias) -> Select[Any]:
        merged = self._merged(parents)
        page = select(merged.c.at, merged.c.id).order_by(*self._order(merged)).limit(self._size)
        rows = page.lateral("page")
        return (
            select(parents.c.value, WrittenInstant(rows.c.at), rows.c.id)
            .select_from(parents.join(rows, true()))
            .order_by(parents.c.key, *self._order(rows))
        )

    def _arrays(self, parents: TableValuedAlias) -> Select[Any]:
        """SQLite knows no LATERAL, but tables made of an array that depends on others."""
        merged = self._merged(parents)
        page = select(merged.c.at, merged.c.id).order_by(*self._order(merged)).limit(self._size)
        rows = page.correlate(parents).subquery("page")
        array = select(func.json_group_array(func.json_array(rows.c.at, rows.c.id)))
        each = func.json_each(array.correlate(parents).scalar_subquery())
        entries = each.table_valued(column("key"), column("value"), name="entries")
        at = func.json_extract(entries.c.value, literal_column("'$[0]'"), type_=InstantText())
        own = func.json_extract(entries.c.value, literal_column("'$[1]'"), type_=Code())
        return (
            select(parents.c.value, at, own)
            .select_from(parents.join(entries, true()))
            .order_by(parents.c.key, *ordering(newest_first(at, own), self.page.backwards))
        )

    def _merged(self, parents: TableValuedAlias) -> Subquery:
        """As many rows of each kind as the page holds, from the kind's own index."""
        branches = [self._branch(kind, rows, parents) for kind, rows in self._entities()]
        # A part of a union that has an order and an end is a subquery to SQLite.
        parts = [select(each.c.at, each.c.id) for each in branches]
        return union_all(*parts).subquery("merged")

    def _branch(self, kind: Kind, rows: Entity, parents: TableValuedAlias) -> Subquery:
        at = rows.column(kind.at)
        keys = newest_first(at, rows.id)
        found = select(at.label("at"), rows.id.label("id"))
        found = found.where(rows.column(kind.key) == parents.c.value)
        for values, backwards in ((self.after, False), (self.before, True)):
            if values is not None:
                found = found.where(beyond(keys, values, backwards))
        order = ordering(keys, self.page.backwards)
        return found.order_by(*order).limit(self._size).correlate(parents).subquery()

    def _order(self, rows: FromClause) -> list[ColumnElement[Any]]:
        return ordering(newest_first(rows.c.at, rows.c.id), self.page.backwards)

    @property
    def _size(self) -> ColumnElement[Any]:
        # One more than the page, which tells whether there is more.
        return literal_column(str(self.page.size + 1))


@dataclass(eq=False)
class Walk:
    """The rows that are reached from others by what led to them, each as `(start, id)`."""

    links: Sequence[Link]
    forward: bool
    key: ColumnElement[Any] | None = field(default_factory=lambda: _KEY)
    below: list[Below] = field(default_factory=list)
    batches: list[Batched] = field(default_factory=list)
    count: Select[Any] | None = None
    template: Template | None = None
    count_template: Template | None = None

    def statement(self, engine: str) -> Select[Any]:
        """The one statement of this walk, from all rows at once."""
        start = self._start(engine).cte("walk", recursive=True)
        steps = self._together(start) if engine == "postgresql" else self._apart(start)
        walk = start.union(*steps)
        nearest = _nearest(walk)
        order = (nearest.c.depth, nearest.c.at, nearest.c.node)
        rank = func.row_number().over(partition_by=nearest.c.key, order_by=order)
        ranked = select(nearest.c.key, nearest.c.node, rank.label("rank")).subquery()
        return (
            select(ranked.c.key, ranked.c.node)
            .where(ranked.c.rank <= literal_column(str(REACHED)))
            .order_by(ranked.c.key, ranked.c.rank)
        )

    def _start(self, engine: str) -> Select[Any]:
        parents = parents_of(engine)
        node = parents.c.value
        return select(
            parents.c.value.label("key"),
            (node.collate("C") if engine == "postgresql" else node).label("node"),
            literal_column("0").label("depth"),
            cast(null(), UtcDateTime()).label("at"),
        )

    def _together(self, walk: CTE) -> list[Select[Any]]:
        """PostgreSQL: a recursion names itself once, so all kinds stand in one LATERAL."""
        parts = []
        for rows, link in self._entities():
            here, there = self._direction(rows, link)
            found = select(there.label("node"), rows.table.c.created_at.label("at"))
            parts.append(found.where(here == walk.c.node, there.is_not(None)).correlate(walk))
        further = union_all(*parts).lateral("further")
        step = _step(walk, further.c.node, further.c.at)
        return [step.select_from(walk.join(further, true()))]

    def _apart(self, walk: CTE) -> list[Select[Any]]:
        """SQLite: a union in a recursion would be read in full, so each kind is a step."""
        steps = []
        for rows, link in self._entities():
            here, there = self._direction(rows, link)
            step = _step(walk, there, rows.table.c.created_at).where(there.is_not(None))
            steps.append(step.select_from(walk.join(rows.table, here == walk.c.node)))
        return steps

    def _entities(self) -> Iterator[tuple[Entity, Link]]:
        return ((Entity.of(each.spec.model), each) for each in self.links)

    def _direction(self, rows: Entity, link: Link) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
        cause = rows.column(link.cause)
        return (cause, rows.id) if self.forward else (rows.id, cause)


def _step(walk: CTE, node: ColumnElement[Any], at: ColumnElement[Any]) -> Select[Any]:
    step = select(walk.c.key, node.label("node"), (walk.c.depth + 1).label("depth"), at.label("at"))
    return step.where(walk.c.depth < literal_column(str(STEPS)))


def _nearest(walk: CTE) -> Subquery:
    """Each row once, however many ways lead to it."""
    columns = walk.c
    return (
        select(
            columns.key,
            columns.node,
            func.min(columns.depth).label("depth"),
            func.min(columns.at).label("at"),
        )
        .where(columns.depth > literal_column("0"), columns.node != columns.key)
        .group_by(columns.key, columns.node)
        .subquery("nearest")
    )
