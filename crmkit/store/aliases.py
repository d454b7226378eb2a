"""Ids that records had before they became one: they mean that one for ever."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, func, select

from crmkit.store.database import attribute
from crmkit.store.ready import statement

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import ColumnElement, FromClause, Select
    from sqlalchemy.orm import InstrumentedAttribute


@statement
def become(aliases: Aliases, ids: Collection[str]) -> Select[Any]:
    """Which of these ids have become which, whoever asks again and again."""
    return aliases.among(ids)


@dataclass(frozen=True, eq=False)
class Aliases:
    """The table that says which id has become which."""

    old: Column[Any]
    new: Column[Any]

    @classmethod
    def of(cls, old: InstrumentedAttribute[Any]) -> Aliases:
        """The aliases of a table whose one foreign key says what an old id has become."""
        table, column = attribute(old)
        [new] = [each for each in table.columns if each.foreign_keys]
        return cls(column, new)

    def meant(self, id: ColumnElement[Any]) -> ColumnElement[Any]:
        """The id itself, or the one that it has become."""
        become = select(self.new).where(self.old == id).scalar_subquery()
        return func.coalesce(become, id, type_=self.new.type)

    def among(self, ids: Collection[str]) -> Select[Any]:
        """Which of these ids have become which."""
        return select(self.old, self.new).where(self.old.in_(ids))

    def beside(self, rows: FromClause, id: ColumnElement[Any]) -> Select[Any]:
        """Which of the ids that stand in rows have become which."""
        return select(self.old, self.new).select_from(rows.join(self.old.table, self.old == id))
