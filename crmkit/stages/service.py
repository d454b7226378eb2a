"""The ladder: where customers begin, and which steps they may take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crmkit.stages import errors, models, repository

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from crmkit.host.context import Context

_PRESETS = (
    ("potential", {"en": "Potential", "zh": "潜在", "de": "Möglich"}),
    ("intent", {"en": "Intent", "zh": "意向", "de": "Interessiert"}),
    ("customer", {"en": "Customer", "zh": "成交", "de": "Kunde"}),
    ("loyal", {"en": "Loyal", "zh": "忠诚", "de": "Treu"}),
)
# Up by a step or by buying at once; back where an interest or a habit has cooled down.
# Nobody who has bought becomes one who has not.
_MOVES = (
    ("potential", "intent"),
    ("potential", "customer"),
    ("intent", "customer"),
    ("customer", "loyal"),
    ("intent", "potential"),
    ("loyal", "customer"),
)


async def ensure_presets(context: Context[Any]) -> None:
    """Puts up a ladder where there is none."""
    if await repository.stages(context):
        return
    rows = {
        key: models.Stage(key=key, labels=labels, position=position, is_default=position == 1)
        for position, (key, labels) in enumerate(_PRESETS, start=1)
    }
    context.write.add(*rows.values())
    context.write.add(
        *[models.StageTransition(from_id=rows[a].id, to_id=rows[b].id) for a, b in _MOVES]
    )


async def first_stage(context: Context[Any]) -> str:
    """Says where new customers begin.

    Raises:
        NoStage: The ladder has no step that is marked for that.
    """
    marked = [each.id for each in await repository.stages(context) if each.is_default]
    if not marked:
        raise errors.NoFirstStage
    return marked[0]


async def keys(context: Context[Any]) -> Mapping[str, str]:
    """Says what programs call the stages, by id."""
    return {each.id: each.key for each in await repository.stages(context)}


async def moves_from(
    context: Context[Any], stage_ids: Collection[str]
) -> Collection[tuple[str, str]]:
    """Says which moves lead away from these stages."""
    return await repository.moves_from(context, stage_ids)
