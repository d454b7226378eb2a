"""The ladder: where customers begin, and which steps they may take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from crmkit.engine.mutations import mutation
from crmkit.engine.nodes import ref
from crmkit.host.context import Context
from crmkit.host.drafts import Draft
from crmkit.stages import errors, models, repository, types
from crmkit.vocabulary.types import by_locale

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

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


@mutation(permission="core.stage.create", bulk="createStages")
async def create_stages(
    context: Context[Any], drafts: Sequence[Draft[types.CreateStage, models.Stage]]
) -> Sequence[types.CreatedStage]:
    """Adds a step to the ladder; moves to it and from it are allowed apart."""
    ladder = await repository.stages(context)
    top = max((each.position for each in ladder), default=0)
    for each in drafts:
        given = each.input
        top = max(top, given.position) if given.position is not None else top + 1
        row = models.Stage(
            key=given.key,
            labels=by_locale(given.labels),
            position=top if given.position is None else given.position,
            is_default=given.is_default,
        )
        each.becomes(row)
    _move_the_mark(context, ladder, [each.row for each in drafts])
    context.write.add(*[each.row for each in drafts])
    return [types.CreatedStage(ref(types.Stage, each.row.id)) for each in drafts]


@mutation(permission="core.stage.create", bulk="allowMoves")
async def allow_moves(
    context: Context[Any], drafts: Sequence[Draft[types.AllowMove, models.StageTransition]]
) -> Sequence[types.AllowedMove]:
    """Lets customers take a step of the ladder that they could not take before."""
    for each in drafts:
        row = models.StageTransition(from_id=each.input.from_id, to_id=each.input.to_id)
        context.write.add(each.becomes(row))
    return [types.AllowedMove(ref(types.StageTransition, each.row.id)) for each in drafts]


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


def _move_the_mark(
    context: Context[Any], ladder: Sequence[repository.Step], rows: Sequence[models.Stage]
) -> None:
    """Leaves the mark of the beginning on the last stage that asks for it."""
    marked = [each for each in rows if each.is_default]
    for row in marked[:-1]:
        row.is_default = False
    for step in ladder if marked else ():
        if step.is_default:
            context.write.change(models.Stage, step.id, set={models.Stage.is_default: False})
