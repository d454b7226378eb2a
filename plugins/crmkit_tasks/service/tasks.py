"""Tasks come, and change while they are open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from crmkit import sdk
from crmkit_tasks import errors, repository
from crmkit_tasks.config import Context
from crmkit_tasks.models import Task as TaskRow
from crmkit_tasks.models import TaskState
from crmkit_tasks.types import (
    CancelTask,
    CompleteTask,
    CreatedTask,
    CreateTask,
    Task,
    TaskFellDue,
    UpdatedTask,
    UpdateTask,
)

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from crmkit_tasks.repository import Found

Changing = UpdateTask | CompleteTask | CancelTask


@sdk.mutation(permission="tasks.task.create", bulk="createTasks")
async def create_tasks(
    context: Context, drafts: Sequence[sdk.Draft[CreateTask, TaskRow]]
) -> Sequence[CreatedTask]:
    """Say what is to be done for a customer, until when and by whom."""
    await _check_assignees(context, drafts)
    for draft in drafts:
        given = draft.input
        row = TaskRow(
            customer_id=given.customer_id,
            subject=given.subject.strip(),
            due_at=given.due_at,
            assignee_id=given.assignee_id,
            cause_id=given.cause_id,
        )
        context.write.add(draft.becomes(row))
        context.due(row.due_at, TaskFellDue(row.id, row.customer_id))
    return [CreatedTask(task=sdk.ref(Task, draft.row.id)) for draft in drafts]


@sdk.mutation(permission="tasks.task.update", bulk="updateTasks")
async def update_tasks(
    context: Context, drafts: Sequence[sdk.Draft[UpdateTask, TaskRow]]
) -> Sequence[UpdatedTask]:
    """Change what an open task says, put it off, or give it to somebody."""
    found = await held(context, drafts)
    await _check_assignees(context, drafts)
    for draft in drafts:
        before = found[draft.input.id]
        if is_open(context, draft, before):
            found[before.id] = _update(context, draft, before)
    return [UpdatedTask(task=sdk.ref(Task, draft.input.id)) for draft in drafts]


async def held(
    context: Context, drafts: Sequence[sdk.Draft[Changing, TaskRow]]
) -> dict[str, Found]:
    """The tasks that drafts name, which nobody else changes before the unit ends."""
    ids = {draft.input.id for draft in drafts}
    await repository.hold(context, await repository.customers_of(context, ids))
    found = await repository.tasks(context, ids)
    if len(found) < len(ids):
        raise sdk.NotFound("There is no such task.", field="id")
    return found


def is_open(context: Context, draft: sdk.Draft[Changing, TaskRow], before: Found) -> bool:
    """Says whether a task can be changed as it was seen; if not, the draft is rejected."""
    draft.outcome = sdk.Outcome.UPDATED
    if before.state is not TaskState.OPEN:
        context.reject(draft, errors.NotOpen(before.state.value))
        return False
    if draft.input.version not in (None, before.version):
        context.reject(draft, errors.StaleVersion(before.version))
        return False
    return True


def close(
    context: Context,
    task_id: str,
    state: TaskState,
    *,
    outcome: str | None = None,
    interaction_id: str | None = None,
) -> None:
    """Ends a task whose customer is held."""
    values = {
        TaskRow.state: state,
        TaskRow.closed_at: context.clock.now(),
        TaskRow.outcome: (outcome or "").strip() or None,
        TaskRow.interaction_id: interaction_id,
    }
    context.write.change(TaskRow, task_id, set=values)


def settled(context: Context, task_ids: Collection[str]) -> None:
    """Has tasks that were closed fall due no more."""
    context.not_due(TaskFellDue, task_ids)


def put_off(context: Context, task: Found, due_at: datetime) -> None:
    """Has an open task fall due at another time."""
    if due_at != task.due_at:
        context.due(due_at, TaskFellDue(task.id, task.customer_id))


def _update(context: Context, draft: sdk.Draft[UpdateTask, TaskRow], before: Found) -> Found:
    """Writes what is different, and returns the task as it is then."""
    given = draft.input
    after = replace(
        before,
        subject=before.subject if given.subject is sdk.UNSET else given.subject.strip(),
        due_at=before.due_at if given.due_at is sdk.UNSET else given.due_at,
        assignee_id=before.assignee_id if given.assignee_id is sdk.UNSET else given.assignee_id,
    )
    if after == before:
        draft.outcome = sdk.Outcome.UNCHANGED
        return before
    # All of them name the same columns, so that one statement carries them.
    values = {
        TaskRow.subject: after.subject,
        TaskRow.due_at: after.due_at,
        TaskRow.assignee_id: after.assignee_id,
    }
    context.write.change(TaskRow, before.id, set=values)
    put_off(context, before, after.due_at)
    return replace(after, version=before.version + 1)


async def _check_assignees(
    context: Context,
    drafts: Sequence[sdk.Draft[CreateTask | UpdateTask, TaskRow]],
) -> None:
    """Rejects who gives a task to somebody who has left."""
    named = {draft.input.assignee_id for draft in drafts if draft.input.assignee_id}
    # Who gives it to nobody does not pay for a look.
    there = await repository.working(context, {str(each) for each in named}) if named else set()
    for draft in drafts:
        if draft.input.assignee_id and draft.input.assignee_id not in there:
            context.reject(draft, errors.AssigneeGone())
