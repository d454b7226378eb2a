"""Tables as they occur in statements."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Alias, Column, ColumnElement, Table, inspect
from sqlalchemy.orm import aliased

from crmkit.values.errors import SetupError

if TYPE_CHECKING:
    from crmkit.store.database import Base


@dataclass(eq=False)
class Entity:
    """One occurrence of a table in a statement: for Core its alias, for authors its model."""

    model: Any
    table: Alias
    sides: dict[Table, Alias] = field(default_factory=dict)

    @classmethod
    def of(cls, model: type[Base]) -> Entity:
        made = aliased(model)
        return cls(made, cast("Alias", inspect(made).selectable))

    def column(self, column: Column[Any]) -> ColumnElement[Any]:
        return self.table.c[column.name]

    def side(self, table: Any) -> Alias:
        """The 1:1 side table beside this occurrence; whoever asks has it joined."""
        if table not in self.sides:
            self.sides[table] = table.alias()
        return self.sides[table]

    @property
    def id(self) -> ColumnElement[Any]:
        return self.table.c.id


def keys_to(holder: Table, target: Table) -> list[Column[Any]]:
    """The columns of `holder` that point to `target`."""
    return [
        each
        for each in holder.columns
        if any(key.column.table is target for key in each.foreign_keys)
    ]


def is_beside(table: Table, own: Table) -> bool:
    """Whether the rows of a table stand 1:1 at the side of own ones."""
    return list(table.primary_key.columns) == keys_to(table, own)[:1]


def key_leading(own: Table, table: Table) -> Column[Any]:
    """The one column of `own` that leads to a record of `table`.

    Raises:
        SetupError: There is none, or one cannot tell which.
    """
    found = keys_to(own, table)
    if len(found) != 1:
        raise SetupError(
            f"A computed field of {own.name} names a column of {table.name}, to which {len(found)} "
            f"columns of {own.name} point; name columns of the own row, of what stands at its side, "
            "or of what exactly one key points to."
        )
    return found[0]


def check_way(own: Table, table: Table) -> None:
    """Refuses a table to which no way leads from the own row.

    Raises:
        SetupError: There is none, or one cannot tell which.
    """
    if table is not own and not is_beside(table, own):
        key_leading(own, table)
