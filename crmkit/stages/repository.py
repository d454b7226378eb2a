"""The statements of the ladder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from crmkit.stages import models

if TYPE_CHECKING:
    from collections.abc import Collection

    from crmkit.host.context import Context


@dataclass(frozen=True)
class Step:
    """What rules need to know of a stage."""

    id: str
    key: str
    position: int
    is_default: bool


async def stages(context: Context[Any]) -> list[Step]:
    """Reads the ladder from its lowest step upwards; it is short."""
    row = models.Stage
    ladder = select(row.id, row.key, row.position, row.is_default).order_by(row.position, row.id)
    return [Step(*each) for each in await context.rules(ladder)]


async def moves_from(context: Context[Any], stage_ids: Collection[str]) -> set[tuple[str, str]]:
    """Reads the moves that are allowed from these stages."""
    row = models.StageTransition
    allowed = select(row.from_id, row.to_id).where(row.from_id.in_(sorted(stage_ids)))
    return set(await context.rules(allowed))
