"""What a unit changed of records, as far as somebody may see it: before, and after."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, select

from crmkit.host.records import amount
from crmkit.store.audit import Audit, AuditText
from crmkit.store.column_types import Choice
from crmkit.store.reach import EVERYTHING, scope_of, target_of
from crmkit.values.ids import prefix_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Select, Table

    from crmkit.host.actors import Plain
    from crmkit.host.context import Context


@dataclass
class Change:
    """The plain fields of a record that got another value, by their names in the schema.

    What it had before is there only where the unit knew it.
    """

    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)


async def changes(
    context: Context[Any], request_id: str, at: datetime, ids: Sequence[str]
) -> dict[str, Change]:
    """What the unit of an event changed of these records, which the actor sees.

    The audit tells it: so of somebody who was erased it tells nothing any more.

    Args:
        context: One that has the rights of those who are told.
        request_id: As the `Happening` has it.
        at: As the `Happening` has it.
        ids: Records that `records` has found.
    """
    found: dict[str, Change] = {}
    for prefix, some in groupby(sorted(set(ids), key=prefix_of), prefix_of):
        plain = context.host.rights.plain(prefix, context.actor.rights)
        if plain is not None:
            wanted = _entries(request_id, at).where(_concerning(plain.table, list(some)))
            for told, texts in await context.fetch(wanted, EVERYTHING):
                _take(found, plain, set(ids), told, texts or {})
    return {id_: real for id_, each in found.items() if (real := _without_repeats(each)).after}


def _entries(request_id: str, at: datetime) -> Select[Any]:
    """The entries of a unit, in their order; two units of one request are not of one moment."""
    of_unit = (Audit.request_id == request_id, Audit.created_at == at)
    told = select(Audit.changes, AuditText.said).outerjoin(
        AuditText, AuditText.audit_id == Audit.id
    )
    return told.where(*of_unit).order_by(Audit.id)


def _concerning(table: Table, ids: Any) -> ColumnElement[bool]:
    """That an entry concerns whoever these rows belong to; nobody, where that is so of all."""
    scope = scope_of(table)
    if scope.kind == "root":
        return Audit.about.in_(ids)
    if not scope.keys:
        return Audit.about.is_(None)
    [key, *_] = scope.keys
    [own] = table.primary_key.columns
    return _concerning(target_of(table, key), select(table.c[key]).where(own.in_(ids)))


def _take(
    found: dict[str, Change],
    plain: Plain,
    ids: set[str],
    told: Sequence[Mapping[str, Any]],
    texts: Mapping[str, Mapping[str, Any]],
) -> None:
    """Adds what an entry tells of these records; of several changes, the first and the last."""
    for each in told:
        id_ = each.get("record")
        if id_ not in ids or each["table"] != plain.table.name or "columns" not in each:
            continue
        said = texts.get(f"{plain.table.name}.{id_}", {})
        change = found.setdefault(id_, Change())
        before = _values(plain, {**each.get("before", {}), **said.get("before", {})})
        change.before = {**dict(before), **change.before}
        change.after |= _values(plain, {**each.get("after", {}), **said.get("after", {})})


def _without_repeats(change: Change) -> Change:
    """What is another value; a bulk writes all of its columns into all of its rows."""
    nothing = object()
    same = {n for n, value in change.after.items() if change.before.get(n, nothing) == value}
    before, after = (
        {name: value for name, value in said.items() if name not in same}
        for said in (change.before, change.after)
    )
    return Change(before, after)


def _values(plain: Plain, said: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The plain fields of which all columns have a value in this."""
    for name, columns in plain.fields.items():
        if all(_is_told(each, said) for each in columns):
            own = [_value(each, said[each.name]) for each in columns]
            yield name, own[0] if len(own) == 1 else amount(*own)


def _is_told(column: Column[Any], said: Mapping[str, Any]) -> bool:
    """Whether it is a value; of a number that was counted up only the difference is known."""
    if column.name not in said:
        return False
    value = said[column.name]
    return not (isinstance(value, str) and column.type.python_type is int)


def _value(column: Column[Any], said: Any) -> Any:
    """A value of the audit, as records tell it."""
    if isinstance(column.type, Choice) and said is not None:
        return column.type.choices(said).name
    return said
