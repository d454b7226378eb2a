"""Customers climb the ladder, or come down again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from crmkit.customers import errors, models, repository, types
from crmkit.customers.service.drafts import locked, rounds
from crmkit.engine.mutations import mutation
from crmkit.engine.nodes import ref
from crmkit.host import hookspecs
from crmkit.host.context import Context
from crmkit.host.drafts import Draft, Outcome
from crmkit.stages import service as stages

if TYPE_CHECKING:
    from collections.abc import Mapping

Moves = Sequence[Draft[types.MoveCustomer, models.StageStay]]


@mutation(permission="core.customer.move", bulk="moveCustomers")
async def move_customers(
    context: Context[Any], drafts: Sequence[Draft[types.MoveCustomer, models.StageStay]]
) -> Sequence[types.MovedCustomer]:
    """Moves a customer to another stage, as far as the ladder allows, and remembers it."""
    for each in drafts:
        each.becomes(_stay(context, each.input))
    for some in rounds(drafts, lambda draft: {draft.input.id}):
        await _move(context, some)
    return [
        types.MovedCustomer(ref(types.Customer, each.input.id), ref(types.StageStay, each.row.id))
        for each in drafts
    ]


async def _move(context: Context[Any], drafts: Moves) -> None:
    known = await locked(context, drafts)
    await _check(context, drafts, known)
    await context.call(hookspecs.before_customers_move, drafts)
    if context.refusals:
        return
    starts = {each.input.id: known[each.input.id].stage_id for each in drafts}
    _write(context, drafts)
    await context.call(hookspecs.customers_moved, drafts)
    ids = tuple(starts)
    ends = tuple(each.input.stage_id for each in drafts)
    stays = tuple(each.row.id for each in drafts)
    context.emit(types.CustomersMoved(ids[0], ids, tuple(starts.values()), ends, stays))


async def _check(
    context: Context[Any], drafts: Moves, known: Mapping[str, models.Customer]
) -> None:
    allowed = await stages.moves_from(context, {each.stage_id for each in known.values()})
    keys = await stages.keys(context)
    for each in drafts:
        row = known.get(each.input.id)
        if row is not None and (row.stage_id, each.input.stage_id) not in allowed:
            ways = {keys[end] for start, end in allowed if start == row.stage_id}
            start, end = keys[row.stage_id], keys[each.input.stage_id]
            context.reject(each, errors.MoveNotAllowed(start, end, ways))


def _write(context: Context[Any], drafts: Moves) -> None:
    context.write.update(
        models.StageStay,
        where=repository.open_stays(each.input.id for each in drafts),
        set={models.StageStay.left_at: context.clock.now()},
    )
    for each in drafts:
        each.outcome = Outcome.UPDATED
        stage = {models.Customer.stage_id: each.row.stage_id}
        context.write.change(models.Customer, each.input.id, set=stage)
    context.write.add(*[each.row for each in drafts])


def _stay(context: Context[Any], given: types.MoveCustomer) -> models.StageStay:
    return models.StageStay(
        customer_id=given.id,
        stage_id=given.stage_id,
        entered_at=context.clock.now(),
        actor=context.actor.id,
        reason=(given.reason or "").strip() or None,
    )
