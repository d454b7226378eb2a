"""Tasks end: they are done, with what came of them, or given up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from crmkit import sdk
from crmkit_tasks.config import Context
from crmkit_tasks.models import Task as TaskRow
from crmkit_tasks.models import TaskState
from crmkit_tasks.service.cadence import settle_after
from crmkit_tasks.service.tasks import close, held, is_open, settled
from crmkit_tasks.types import (
    CancelledTask,
    CancelTask,
    CompletedTask,
    CompleteTask,
    Task,
    TaskInteraction,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crmkit_tasks.repository import Found

Closing = CompleteTask | CancelTask


@sdk.mutation(permission="tasks.task.complete", bulk="completeTasks")
async def complete_tasks(
    context: Context, drafts: Sequence[sdk.Draft[CompleteTask, TaskRow]]
) -> Sequence[CompletedTask]:
    """Say that a task is done, record what came of it, and move the customer if it did."""
    closed = await _closing(context, drafts, TaskState.DONE)
    if not context.refusals:
        await _complete(context, drafts, closed)
    return [CompletedTask(task=sdk.ref(Task, draft.input.id)) for draft in drafts]


@sdk.mutation(permission="tasks.task.cancel", bulk="cancelTasks")
async def cancel_tasks(
    context: Context, drafts: Sequence[sdk.Draft[CancelTask, TaskRow]]
) -> Sequence[CancelledTask]:
    """Say that a task need not be done."""
    closed = await _closing(context, drafts, TaskState.CANCELLED)
    if not context.refusals:
        for draft in drafts:
            close(context, draft.input.id, TaskState.CANCELLED, outcome=draft.input.reason)
        settled(context, closed)
        await settle_after(context, closed)
    return [CancelledTask(task=sdk.ref(Task, draft.input.id)) for draft in drafts]


async def _closing(
    context: Context,
    drafts: Sequence[sdk.Draft[Closing, TaskRow]],
    state: TaskState,
) -> Mapping[str, Found]:
    """The tasks that drafts close, as they were; who comes too late is rejected."""
    found = await held(context, drafts)
    waiting = dict(found)
    for draft in drafts:
        before = waiting[draft.input.id]
        if is_open(context, draft, before):
            # The second of two in one bulk comes too late as well.
            waiting[before.id] = replace(before, state=state)
    return found


async def _complete(
    context: Context,
    drafts: Sequence[sdk.Draft[CompleteTask, TaskRow]],
    closed: Mapping[str, Found],
) -> None:
    recorded = await _record(context, drafts, closed)
    for draft in drafts:
        close(
            context,
            draft.input.id,
            TaskState.DONE,
            outcome=draft.input.outcome,
            interaction_id=recorded.get(draft.input.id),
        )
    settled(context, closed)
    await _move(context, drafts, closed)
    if not context.refusals:
        await settle_after(context, closed)


async def _record(
    context: Context,
    drafts: Sequence[sdk.Draft[CompleteTask, TaskRow]],
    closed: Mapping[str, Found],
) -> Mapping[str, str]:
    """Records what was said in doing the tasks; returns the interactions by task."""
    told = [draft for draft in drafts if draft.input.interaction]
    inputs = [_interaction(draft.input, closed[draft.input.id]) for draft in told]
    try:
        done = await sdk.interactions.record(context, inputs)
    except sdk.Failure as failure:
        _reject_each(context, told, failure, below=("interaction",))
        return {}
    return {
        draft.input.id: sdk.id_of(each.interaction) for draft, each in zip(told, done, strict=True)
    }


async def _move(
    context: Context,
    drafts: Sequence[sdk.Draft[CompleteTask, TaskRow]],
    closed: Mapping[str, Found],
) -> None:
    """Moves the customers whom the tasks have brought to another stage."""
    moving = [draft for draft in drafts if draft.input.stage_id and not context.refusals]
    inputs = [
        sdk.MoveCustomer(
            id=closed[draft.input.id].customer_id,
            stage_id=draft.input.stage_id or "",
            reason=draft.input.outcome,
        )
        for draft in moving
    ]
    try:
        await sdk.customers.move(context, inputs)
    except sdk.Failure as failure:
        _reject_each(context, moving, failure)


def _interaction(given: CompleteTask, task: Found) -> sdk.RecordInteraction:
    said = given.interaction or TaskInteraction(channel="")
    return sdk.RecordInteraction(
        customer_id=task.customer_id,
        channel=said.channel,
        direction=said.direction,
        kind=said.kind,
        touchpoint=said.touchpoint,
        subject=task.subject,
        body=given.outcome,
        occurred_at=said.occurred_at,
        cause_id=task.id,
    )


def _reject_each(
    context: Context,
    drafts: Sequence[sdk.Draft[Any, Any]],
    failure: sdk.Failure,
    below: tuple[str, ...] = (),
) -> None:
    """Says of each draft what the core found wrong with what was asked for it."""
    places = [each.field[0] for each in failure.problems if each.field]
    for place, problem in zip(places, failure.problems, strict=False):
        # What was refused as a whole is no draft's.
        if not isinstance(place, int):
            raise failure
        told = replace(problem, field=(*below, *problem.field[1:]))
        context.reject(
            drafts[place], sdk.Refused(problem.message, reason=failure.reason, problems=[told])
        )
    if not places:
        raise failure
