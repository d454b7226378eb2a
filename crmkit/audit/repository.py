"""The statements of the audit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import select

from crmkit.audit.models import AuditAct, AuditChange, AuditField
from crmkit.store.audit import Audit, AuditText
from crmkit.store.database import Base

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from crmkit.host.context import Context
    from crmkit.store.reach import Reach


async def changes_of(context: Context[Any], ids: Sequence[str]) -> Mapping[str, list[AuditChange]]:
    """What was done to which records, at most 100; of a bulk, `count` tells the number."""
    told = select(Audit.id, Audit.changes, AuditText.said).outerjoin(
        AuditText, AuditText.audit_id == Audit.id
    )
    reach = context.actor.reach
    return {
        id_: [_change(each, said or {}, reach) for each in changes if _is_reached(each, reach)]
        for id_, changes, said in await context.read(told.where(Audit.id.in_(ids)))
    }


def _change(told: Mapping[str, Any], said: Mapping[str, Any], reach: Reach) -> AuditChange:
    kind, record = told["table"], told.get("record")
    return AuditChange(
        kind=kind,
        record=record,
        act=AuditAct(told["act"]),
        fields=list(_fields(told, said.get(f"{kind}.{record}", {}), reach)),
    )


def _fields(told: Mapping[str, Any], said: Mapping[str, Any], reach: Reach) -> Iterator[AuditField]:
    hidden = reach.hidden.get(told["table"], frozenset())
    before = {**told.get("before", {}), **said.get("before", {})}
    after = {**told.get("after", {}), **said.get("after", {})}
    for name in told.get("columns", ()):
        if name not in hidden:
            yield AuditField(
                name=name, before=_text(before.get(name)), after=_text(after.get(name))
            )


def _is_reached(told: Mapping[str, Any], reach: Reach) -> bool:
    """Whether the actor may read such records at all; tables of plugins may be gone."""
    table = Base.metadata.tables.get(told["table"])
    return table is None or reach.has(table)


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return orjson.dumps(value).decode()
