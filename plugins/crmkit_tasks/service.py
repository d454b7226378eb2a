"""The rules of tasks: how they come, change and end, and which of them rules want."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from crmkit import sdk
from crmkit_tasks import errors, repository
from crmkit_tasks.config import Context, Rule
from crmkit_tasks.models import Task as TaskRow
from crmkit_tasks.models import TaskState
from crmkit_tasks.types import (
    CancelledTask,
    CancelTask,
    CompletedTask,
    CompleteTask,
    CreatedTask,
    CreateTask,
    Task,
    TaskInteraction,
    UpdatedTask,
    UpdateTask,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection
    from datetime import datetime

    from crmkit_tasks.repository import Found, Standing

Changing = UpdateTask | CompleteTask | CancelTask
Closing = CompleteTask | CancelTask

_PAGE = 1_000


@dataclass(frozen=True)
class Planned:
    """What planning found, and what it changed."""

    customers: int = 0
    added: int = 0
    moved: int = 0
    cancelled: int = 0

    def __add__(self, other: Planned) -> Planned:
        return Planned(
            self.customers + other.customers,
            self.added + other.added,
            self.moved + other.moved,
            self.cancelled + other.cancelled,
        )


# -- what people do ---------------------------------------------------------------------


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
    return [CreatedTask(task=sdk.ref(Task, draft.row.id)) for draft in drafts]


@sdk.mutation(permission="tasks.task.update", bulk="updateTasks")
async def update_tasks(
    context: Context, drafts: Sequence[sdk.Draft[UpdateTask, TaskRow]]
) -> Sequence[UpdatedTask]:
    """Change what an open task says, put it off, or give it to somebody."""
    found = await _held(context, drafts)
    await _check_assignees(context, drafts)
    for draft in drafts:
        before = found[draft.input.id]
        if _is_open(context, draft, before):
            found[before.id] = _update(context, draft, before)
    return [UpdatedTask(task=sdk.ref(Task, draft.input.id)) for draft in drafts]


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
            _close(context, draft.input.id, TaskState.CANCELLED, outcome=draft.input.reason)
        await _settle_after(context, closed)
    return [CancelledTask(task=sdk.ref(Task, draft.input.id)) for draft in drafts]


async def _held(
    context: Context, drafts: Sequence[sdk.Draft[Changing, TaskRow]]
) -> dict[str, Found]:
    """The tasks that drafts name, which nobody else changes before the unit ends."""
    ids = {draft.input.id for draft in drafts}
    await repository.hold(context, await repository.customers_of(context, ids))
    found = await repository.tasks(context, ids)
    if len(found) < len(ids):
        raise sdk.NotFound("There is no such task.", field="id")
    return found


def _is_open(context: Context, draft: sdk.Draft[Changing, TaskRow], before: Found) -> bool:
    """Says whether a task can be changed as it was seen; if not, the draft is rejected."""
    draft.outcome = sdk.Outcome.UPDATED
    if before.state is not TaskState.OPEN:
        context.reject(draft, errors.NotOpen(before.state.value))
        return False
    if draft.input.version not in (None, before.version):
        context.reject(draft, errors.StaleVersion(before.version))
        return False
    return True


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


# -- how tasks end ----------------------------------------------------------------------


async def _closing(
    context: Context,
    drafts: Sequence[sdk.Draft[Closing, TaskRow]],
    state: TaskState,
) -> Mapping[str, Found]:
    """The tasks that drafts close, as they were; who comes too late is rejected."""
    found = await _held(context, drafts)
    waiting = dict(found)
    for draft in drafts:
        before = waiting[draft.input.id]
        if _is_open(context, draft, before):
            # The second of two in one bulk comes too late as well.
            waiting[before.id] = replace(before, state=state)
    return found


def _close(
    context: Context,
    task_id: str,
    state: TaskState,
    *,
    outcome: str | None = None,
    interaction_id: str | None = None,
) -> None:
    values = {
        TaskRow.state: state,
        TaskRow.closed_at: context.clock.now(),
        TaskRow.outcome: (outcome or "").strip() or None,
        TaskRow.interaction_id: interaction_id,
    }
    context.write.change(TaskRow, task_id, set=values)


async def _complete(
    context: Context,
    drafts: Sequence[sdk.Draft[CompleteTask, TaskRow]],
    closed: Mapping[str, Found],
) -> None:
    recorded = await _record(context, drafts, closed)
    for draft in drafts:
        _close(
            context,
            draft.input.id,
            TaskState.DONE,
            outcome=draft.input.outcome,
            interaction_id=recorded.get(draft.input.id),
        )
    await _move(context, drafts, closed)
    if not context.refusals:
        await _settle_after(context, closed)


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


# -- what rules want --------------------------------------------------------------------


async def settle(context: Context, customer_ids: Collection[str]) -> Planned:
    """Keeps one open task for each rule and customer; what is as it should be, stays."""
    customer_ids = set(customer_ids)
    await repository.hold(context, customer_ids)
    return await _settle(context, customer_ids, {})


async def follow(context: Context, customer_ids: Collection[str]) -> None:
    """Settles customers of whom there is news, if there are rules at all."""
    if context.config.rules:
        await settle(context, customer_ids)


async def plan(context: Context) -> AsyncIterator[Planned]:
    """Settles all customers, some at a time: those who were here before a rule was, too."""
    await _check_stages(context)
    after = ""
    while page := await context.rules(repository.customer_ids(after, _PAGE)):
        yield await settle(context, [each for (each,) in page])
        after = page[-1][0]


async def customer_count(context: Context) -> int:
    """Counts the customers to plan for."""
    [(count,)] = await context.rules(repository.customer_count())
    return count


async def _check_stages(context: Context) -> None:
    known = {key for (key,) in await context.rules(repository.stage_keys())}
    for name, rule in context.config.rules.items():
        for stage in rule.stages:
            if stage not in known:
                raise errors.UnknownStage(name, stage)


async def _settle_after(context: Context, closed: Mapping[str, Found]) -> None:
    """Has the rules of tasks that were closed want the next ones."""
    if context.config.rules:
        by_rule = {(each.rule, each.customer_id): each for each in closed.values() if each.rule}
        await _settle(context, {each.customer_id for each in closed.values()}, by_rule)


async def _settle(
    context: Context,
    customer_ids: Collection[str],
    closed: Mapping[tuple[str, str], Found],
) -> Planned:
    now = context.clock.now()
    standings = await repository.standings(context, customer_ids, now)
    # Tasks of deleted customers wait for their return.
    present = [each.customer_id for each in standings]
    there = await repository.open_by_rules(context, present)
    wanted = {
        (name, each.customer_id): (rule, each)
        for each in standings
        for name, rule in context.config.rules.items()
        if rule.applies_to(each.stage)
    }
    needless = [task for key, task in there.items() if key not in wanted]
    for task in needless:
        _close(context, task.id, TaskState.CANCELLED)
    kept = {key: wanted[key] for key in there if key in wanted}
    moved = [_moved(context, *each, there[key]) for key, each in kept.items()]
    missing = {key: each for key, each in wanted.items() if key not in there}
    new = [_task(context, *each, key[0], closed.get(key)) for key, each in missing.items()]
    # Should another unit have been faster after all, its task is as good as this one.
    context.write.upsert(TaskRow, new, key=(TaskRow.rule, TaskRow.customer_id))
    return Planned(len(present), len(new), sum(moved), len(needless))


def _moved(context: Context, rule: Rule, standing: Standing, task: Found) -> bool:
    """Moves an open task if there is a contact that it has not been counted from."""
    counted_from = _latest(task.began_at or standing.entered_at, standing.contact_at)
    if counted_from == task.counted_from:
        return False
    due_at = rule.due(counted_from, None, _zone(context))
    values = {TaskRow.due_at: due_at, TaskRow.counted_from: counted_from}
    context.write.change(TaskRow, task.id, set=values)
    return True


def _task(
    context: Context, rule: Rule, standing: Standing, name: str, before: Found | None
) -> TaskRow:
    """The task that a rule wants next; `before` is the one that has just been closed."""
    began_at = (before and before.began_at) or standing.entered_at
    counted_from = _latest(began_at, standing.contact_at)
    skipped = None
    if before is not None and counted_from == before.counted_from:
        # Nobody has been in contact: this time is skipped, and the calendar goes on.
        skipped = max(before.due_at, context.clock.now())
    return TaskRow(
        customer_id=standing.customer_id,
        subject=rule.subject,
        due_at=rule.due(counted_from, skipped, _zone(context)),
        assignee_id=standing.owner_id if rule.assign_owner else None,
        rule=name,
        began_at=began_at,
        counted_from=counted_from,
        cause_id=before.id if before is not None else standing.stay_id,
    )


def _latest(began_at: datetime, contact_at: datetime | None) -> datetime:
    return began_at if contact_at is None else max(began_at, contact_at)


def _zone(context: Context) -> ZoneInfo:
    return ZoneInfo(context.organisation.zone)
