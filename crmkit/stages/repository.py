"""The statements of the ladder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, select

from crmkit.stages import models
from crmkit.store.ready import statement

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
    return [Step(*each) for each in await context.rules(_ladder())]


async def moves_from(context: Context[Any], stage_ids: Collection[str]) -> set[tuple[str, str]]:
    """Reads the moves that are allowed from these stages."""
    return set(await context.rules(_allowed(stage_ids)))


@statement
def _ladder() -> Select[str, str, int, bool]:
    row = models.Stage
    return select(row.id, row.key, row.position, row.is_default).order_by(row.position, row.id)


@statement
def _allowed(stage_ids: Collection[str]) -> Select[str, str]:
    row = models.StageTransition
    return select(row.from_id, row.to_id).where(row.from_id.in_(stage_ids))
