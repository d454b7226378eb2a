"""The statements of interactions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, select

from crmkit.interactions import models
from crmkit.store.ready import statement

if TYPE_CHECKING:
    from collections.abc import Collection

    from crmkit.host.context import Context


@dataclass(frozen=True)
class Place:
    """With whom a record was, and where."""

    customer_id: str
    channel_id: str
    touchpoint_id: str | None


async def places_of(context: Context[Any], ids: Collection[str]) -> dict[str, Place]:
    """Says with whom interactions were, and where."""
    if not ids:
        return {}
    found = await context.rules(_places(ids))
    return {id_: Place(who, channel, touchpoint) for id_, who, channel, touchpoint in found}


async def superseded(context: Context[Any], ids: Collection[str]) -> set[str]:
    """Finds which of these have been corrected."""
    if not ids:
        return set()
    found = await context.rules(_superseded(ids))
    return {id_ for (id_,) in found if id_}


@statement
def _places(ids: Collection[str]) -> Select[str, str, str, str | None]:
    row = models.Interaction
    wanted = select(row.id, row.customer_id, row.channel_id, row.touchpoint_id)
    return wanted.where(row.id.in_(ids))


@statement
def _superseded(ids: Collection[str]) -> Select[str | None]:
    row = models.Interaction
    return select(row.supersedes_id).where(row.supersedes_id.in_(ids))
