"""The statements of interactions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from crmkit.interactions import models

if TYPE_CHECKING:
    from collections.abc import Collection

    from crmkit.host.context import Context

    Named = type[models.Channel] | type[models.Touchpoint]


async def ids_of(context: Context[Any], model: Named, keys: Collection[str]) -> dict[str, str]:
    """Finds channels or touchpoints by their keys."""
    if not keys:
        return {}
    named = select(model.key, model.id).where(model.key.in_(sorted(keys)))
    return dict(await context.rules(named))


async def is_empty(context: Context[Any], model: Named) -> bool:
    """Says whether there is none yet."""
    return not await context.rules(select(model.id).limit(1))


async def customers_of(context: Context[Any], ids: Collection[str]) -> dict[str, str]:
    """Says with whom interactions were."""
    if not ids:
        return {}
    row = models.Interaction
    return dict(await context.rules(select(row.id, row.customer_id).where(row.id.in_(sorted(ids)))))


async def superseded(context: Context[Any], ids: Collection[str]) -> set[str]:
    """Finds which of these have been corrected."""
    if not ids:
        return set()
    row = models.Interaction
    found = await context.rules(select(row.supersedes_id).where(row.supersedes_id.in_(sorted(ids))))
    return {id_ for (id_,) in found if id_}
