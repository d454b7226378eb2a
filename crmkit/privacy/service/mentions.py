"""What belongs to nobody but tells of somebody: events, results that are kept, problems."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crmkit.customers.repository import all_tables
from crmkit.host.belongings import belongings
from crmkit.privacy import repository
from crmkit.store.database import personal_columns
from crmkit.store.erasing import named
from crmkit.values.ids import prefix_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Table

    from crmkit.host.context import Context

# A word that programs use, a number, a moment: what stays readable in events that are told again.
_KEY = re.compile(
    r"[A-Za-z_][A-Za-z0-9_.]*|-?[0-9]+(\.[0-9]+)?|[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:.+Z-]+)?"
)


@dataclass(frozen=True)
class Person:
    """By what somebody is recognised: ids, names, and how they are reached."""

    ids: Collection[str]
    texts: Collection[str]

    @classmethod
    async def of(cls, context: Context[Any], customer_id: str) -> Person:
        """Reads it, as long as it is there."""
        own = repository.customer()
        texts = await repository.texts_of(context, own, own.c.id == customer_id)
        for each in belongings(own, list(all_tables(context))):
            if each.table.info["erasure"] == "delete":
                texts |= await repository.texts_of(context, each.table, each.of(customer_id))
        ids = await repository.ids_of(context, customer_id)
        return cls(ids, {each.casefold() for each in texts})

    async def forget(
        self, context: Context[Any], table: Table, after: Sequence[Any], limit: int
    ) -> list[Sequence[Any]]:
        """Empties what rows of a table say of them, and returns the keys that it has looked at."""
        told, width = list(table.columns), len(table.primary_key.columns)
        rows = await repository.page(context, table, told, None, after, limit)
        model = table.info["model"]
        for row in rows:
            values = dict(zip([each.name for each in told], row[width:], strict=True))
            if changed := self._without(table, values):
                where = repository.among(table, [row[:width]])
                context.write.update(model, where=where, set=named(model, changed))
        return [row[:width] for row in rows]

    def _without(self, table: Table, row: dict[str, Any]) -> dict[str, Any]:
        """The personal values of a row that are others without this person."""
        is_theirs = any(each in self.ids for value in row.values() for each in _strings(value))
        made = {
            each.name: self._emptied(row[each.name], is_theirs) for each in personal_columns(table)
        }
        return {name: value for name, value in made.items() if value != row[name]}

    def _emptied(self, value: Any, is_theirs: bool) -> Any:
        if isinstance(value, dict):
            return {key: self._emptied(each, is_theirs) for key, each in value.items()}
        if isinstance(value, list):
            return [self._emptied(each, is_theirs) for each in value]
        if isinstance(value, str) and self._tells(value, is_theirs):
            return ""
        return value

    def _tells(self, text: str, is_theirs: bool) -> bool:
        folded = text.casefold()
        if any(each in folded for each in self.texts):
            return True
        return is_theirs and not (prefix_of(text) or _KEY.fullmatch(text))


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _strings(each)
