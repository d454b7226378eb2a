"""Records that an operation has just added, as it tells of them without reading them again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crmkit.store.column_types import Json, WrittenInstant, instant

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Dialect

    from crmkit.engine.steps import Step
    from crmkit.store.reach import Reach

Added = Mapping[str, Mapping[str, Any]]
"""What is known of records that were added: their values by column, by their ids."""


@dataclass(frozen=True)
class Told:
    """How the rows of a step follow from what was written, if they do."""

    table: Any
    columns: Sequence[tuple[str, Callable[[Any], Any] | None]] | None

    @classmethod
    def of(cls, step: Step, dialect: Dialect) -> Told:
        asks_more = step.joins or step.conditions or step.count is not None
        table: Any = step.entity.table.element
        if asks_more or step.key is not step.entity.id:
            return cls(table, None)
        found = [_column(step, each, dialect) for each in step.columns]
        return cls(table, None if None in found else [each for each in found if each])

    def rows(
        self, keys: Sequence[str], added: Added, reach: Reach
    ) -> Sequence[Sequence[Any]] | None:
        """The rows of these keys as the driver would hand them out, unless one has to be read."""
        if not self.holds(reach):
            return None
        try:
            return [self.row(key, added[key]) for key in keys]
        except KeyError:
            return None

    def holds(self, reach: Reach) -> bool:
        """Whether who reaches so far is told all that was written."""
        return self.columns is not None and reach.has_all(self.table)

    def row(self, key: str, values: Mapping[str, Any]) -> Sequence[Any]:
        row = [key]
        for name, make in self.columns or ():
            row.append(values[name] if make is None else make(values[name]))
        return row


class Written:
    """The rows of a step by their keys, made of what was written when they are asked for."""

    __slots__ = ("_added", "_told")

    def __init__(self, told: Told, added: Added) -> None:
        self._told, self._added = told, added

    def get(self, key: str | None, otherwise: Any = None) -> Any:
        """The row of a key, as a list.

        Raises:
            KeyError: Something else has to be read.
        """
        return otherwise if key is None else [self._told.row(key, self._added[key])]


def _column(
    step: Step, element: ColumnElement[Any], dialect: Dialect
) -> tuple[str, Callable[[Any], Any] | None] | None:
    """A column of the step's own table that reads back what was written to it."""
    is_text = isinstance(element, WrittenInstant)
    own: Any = next(iter(element.clauses)) if isinstance(element, WrittenInstant) else element
    if getattr(own, "table", None) is not step.entity.table:
        return None
    column: Any = step.entity.table.element.c[own.name]
    # Some only the database knows, and of free properties PostgreSQL keeps another text.
    if column.identity or column.server_default or isinstance(column.type, Json):
        return None
    return column.name, _as_text if is_text else column.type._cached_bind_processor(dialect)


def _as_text(moment: Any) -> str | None:
    return None if moment is None else instant(moment)
