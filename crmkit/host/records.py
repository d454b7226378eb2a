"""Records as plain values, as far as somebody may see them: what can be told other systems."""

from __future__ import annotations

from datetime import date, datetime
from enum import Enum
from itertools import groupby
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from crmkit.store.reach import scope_of, with_deleted
from crmkit.values.ids import prefix_of
from crmkit.values.money import Money

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import Select

    from crmkit.host.actors import Plain
    from crmkit.host.context import Context

_SOME = 1_000


async def records(context: Context[Any], ids: Iterable[str]) -> dict[str, Mapping[str, Any] | None]:
    """The plain fields of records that the actor reaches and may read, by their ids.

    Of whom is deleted nothing is said but that he was there: None.
    """
    found: dict[str, Mapping[str, Any] | None] = {}
    for prefix, some in groupby(
        sorted(set(ids), key=lambda each: (prefix_of(each), each)), prefix_of
    ):
        plain = context.host.rights.plain(prefix, context.actor.rights)
        if plain is not None:
            wanted = list(some)
            for start in range(0, len(wanted), _SOME):
                rows = await context.read(_statement(plain, wanted[start : start + _SOME]))
                found |= {row[0]: _record(plain, row) for row in rows}
    return found


def shown(context: Context[Any], id: str, fields: Iterable[str]) -> list[str]:
    """Those of these fields of a record, by their names here, whose names may be told."""
    plain = context.host.rights.plain(prefix_of(id), context.actor.rights)
    if plain is None:
        return []
    rights = context.actor.rights
    hidden = rights.reach.hidden.get(plain.table.name, frozenset())
    named = {each: _camel(each) for each in fields if each not in hidden}
    return [name for name in named.values() if f"{plain.kind}.{name}" not in rights.refused]


def _statement(plain: Plain, ids: Sequence[str]) -> Select[Any]:
    deleted = scope_of(plain.table).deleted
    columns = [each for own in plain.fields.values() for each in own]
    gone = [plain.table.c[deleted]] if deleted else []
    wanted = select(plain.table.c.id, *gone, *[each.label(None) for each in columns])
    return with_deleted(wanted.where(plain.table.c.id.in_(ids)))


def _record(plain: Plain, row: Sequence[Any]) -> Mapping[str, Any] | None:
    values = iter(row[1:])
    if scope_of(plain.table).deleted and next(values) is not None:
        return None
    said = {"id": row[0]}
    for name, columns in plain.fields.items():
        own = [next(values) for _ in columns]
        said[name] = _plain(own[0]) if len(own) == 1 else amount(*own)
    return said


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%S.%f}Z"
    return value.isoformat() if isinstance(value, date) else value


def amount(minor: int | None, currency: str | None) -> Mapping[str, str] | None:
    """An amount of money as it is told; nothing where there is none."""
    if minor is None or currency is None:
        return None
    return {"amount": str(Money(minor, currency).amount), "currency": currency}


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(each.capitalize() for each in others)
