"""Counts the rows of a table together: one statement for the whole and all of its groups."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Date,
    DateTime,
    Label,
    Select,
    Subquery,
    cast,
    func,
    literal_column,
    null,
    select,
    type_coerce,
    union_all,
)

from crmkit.engine.entity import Entity
from crmkit.engine.filters import beside
from crmkit.engine.stats import GROUPS
from crmkit.engine.steps import Batched, Below
from crmkit.store.reach import with_deleted
from crmkit.store.statements import Template


@dataclass(frozen=True, eq=False)
class Measure:
    """A number of which count, sum, least and greatest are wanted, perhaps by a currency."""

    name: str
    element: ColumnElement[Any]
    digits: int = 0
    currency: ColumnElement[Any] | None = None


@dataclass(frozen=True, eq=False)
class By:
    """What groups agree in: a column, or the period of the calendar in which it lies."""

    name: str
    element: ColumnElement[Any]
    period: str | None = None
    zone: str | None = None

    def at(self, engine: str) -> ColumnElement[Any]:
        if self.period is None:
            return self.element
        if engine == "sqlite":
            return func.period_start(self.period, self.zone, self.element, type_=Date())
        local: ColumnElement[Any] = cast(self.element, DateTime())
        if self.zone is not None:
            local = func.timezone(self.zone, self.element, type_=DateTime())
        return cast(func.date_trunc(self.period, local, type_=DateTime()), Date())


@dataclass(eq=False)
class Tally:
    """What rows come to, each of its own rows as `(rank, keys, currencies, totals)`.

    The groups of one rank differ in their currencies alone; the whole has the rank 0.
    """

    entity: Entity
    condition: ColumnElement[bool]
    by: Sequence[By]
    measures: dict[str, Measure] = field(default_factory=dict)
    key: ColumnElement[Any] | None = None
    below: list[Below] = field(default_factory=list)
    batches: list[Batched] = field(default_factory=list)
    count: Select[Any] | None = None
    template: Template | None = None
    count_template: Template | None = None

    def statement(self, engine: str) -> Select[Any]:
        """The one statement: rows are counted once by all that groups and currencies differ in."""
        rows = self._rows(engine).subquery("counted")
        if not self.by:
            rank: ColumnElement[int] = literal_column("0")
            return with_deleted(self._finest(rows, engine, rank.label("rank")))
        groups = self._finest(rows, engine).cte("groups")
        merged = union_all(self._shown(groups), self._whole(groups)).subquery("merged")
        order = [merged.c.rank, *(merged.c[name] for name in self.currencies)]
        return with_deleted(select(*merged.c).order_by(*order))

    def place(self, name: str) -> int:
        """Where the key of this name stands in the rows."""
        return 1 + [each.name for each in self.by].index(name)

    @property
    def currencies(self) -> dict[str, ColumnElement[Any]]:
        """The columns of currencies that the measures need, each once."""
        found = dict.fromkeys(
            each.currency for each in self.measures.values() if each.currency is not None
        )
        return {f"c{index}": each for index, each in enumerate(found)}

    def _rows(self, engine: str) -> Select[Any]:
        keys = [each.at(engine).label(f"k{index}") for index, each in enumerate(self.by)]
        numbers = [
            type_coerce(each.element, BigInteger()).label(f"n{index}")
            for index, each in enumerate(self.measures.values())
        ]
        currencies = [each.label(name) for name, each in self.currencies.items()]
        columns = [*keys, *currencies, *numbers]
        chosen = select(*columns) if columns else select(self.entity.id)
        return chosen.select_from(beside(self.entity.table, self.entity)).where(self.condition)

    def _finest(self, rows: Subquery, engine: str, *first: Label[Any]) -> Select[Any]:
        keys = [rows.c[f"k{index}"] for index, _ in enumerate(self.by)]
        currencies = [rows.c[name] for name in self.currencies]
        totals = [func.count().label("rows_sum")]
        for index, _ in enumerate(self.measures):
            totals += _totals(rows.c[f"n{index}"], f"n{index}", engine)
        chosen = select(*first, *keys, *currencies, *totals).select_from(rows)
        return chosen.group_by(*keys, *currencies)

    def _shown(self, groups: CTE) -> Select[Any]:
        order = [groups.c[f"k{index}"].asc().nulls_last() for index, _ in enumerate(self.by)]
        rank = func.dense_rank().over(order_by=order).label("rank")
        ranked = select(rank, *groups.c).subquery("ranked")
        # One more than is told, which tells whether there is more.
        return select(*ranked.c).where(ranked.c.rank <= literal_column(str(GROUPS + 1)))

    def _whole(self, groups: CTE) -> Select[Any]:
        keys = [type_coerce(null(), groups.c[f"k{index}"].type) for index, _ in enumerate(self.by)]
        currencies = [groups.c[name] for name in self.currencies]
        given = list(groups.c)[len(keys) + len(currencies) :]
        totals = [_TOGETHER[each.name.rpartition("_")[2]](each) for each in given]
        chosen = select(literal_column("0"), *keys, *currencies, *totals).select_from(groups)
        return chosen.group_by(*currencies)


def _totals(element: ColumnElement[Any], name: str, engine: str) -> list[Label[Any]]:
    """Count, sum, least and greatest; SQLite's own sum ends at 64 bits, so it adds in halves."""
    sums = [func.sum(element).label(f"{name}_sum")]
    if engine == "sqlite":
        high = element.bitwise_rshift(literal_column("32"))
        low = element.bitwise_and(literal_column("4294967295"))
        sums = [func.sum(high).label(f"{name}_high_sum"), func.sum(low).label(f"{name}_low_sum")]
    return [
        func.count(element).label(f"{name}_count_sum"),
        *sums,
        func.min(element).label(f"{name}_min"),
        func.max(element).label(f"{name}_max"),
    ]


_TOGETHER: dict[str, Callable[..., ColumnElement[Any]]] = {
    "sum": func.sum,
    "min": func.min,
    "max": func.max,
}
"""How totals of groups become those of the whole, by the last word of their names."""
