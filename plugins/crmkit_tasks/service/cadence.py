"""What rules want: one open task for each of them and each customer it is for."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from crmkit import sdk
from crmkit_tasks import errors, repository
from crmkit_tasks.models import Task as TaskRow
from crmkit_tasks.models import TaskState
from crmkit_tasks.service.tasks import close, put_off, settled
from crmkit_tasks.types import TaskFellDue

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Mapping, Sequence
    from datetime import datetime

    from crmkit_tasks.config import Context, Rule
    from crmkit_tasks.repository import Found, Graded, Standing

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


async def settle(context: Context, customer_ids: Collection[str]) -> Planned:
    """Keeps one open task for each rule and customer; what is as it should be, stays."""
    await repository.hold(context, customer_ids)
    return await _settle(context, customer_ids, {})


async def follow(context: Context, events: Sequence[Any]) -> None:
    """Settles customers of whom there is news, if there are rules at all."""
    if context.config.rules:
        told = [
            each.customer_ids if isinstance(each, sdk.InteractionsRecorded) else each.ids
            for each in events
        ]
        await settle(context, set(itertools.chain.from_iterable(told)))


async def keep_one_of_each(context: Context, merged: Sequence[sdk.rows.CustomerAlias]) -> None:
    """Ends open tasks of customers who are merged as far as another has one of the same rule."""
    ids = {id_ for each in merged for id_ in (each.customer_id, each.alias_id)}
    await repository.hold(context, ids)
    there = await repository.open_by_rules(context, ids)
    kept = {each.customer_id: _rules_of(there, each.customer_id) for each in merged}
    for each in merged:
        theirs = _rules_of(there, each.alias_id)
        for rule in theirs & kept[each.customer_id]:
            close(context, there[rule, each.alias_id].id, TaskState.CANCELLED)
        kept[each.customer_id] |= theirs


def _rules_of(tasks: Mapping[tuple[str, str], Found], customer_id: str) -> set[str]:
    return {rule for rule, owner in tasks if owner == customer_id}


async def plan(context: Context) -> AsyncIterator[Planned]:
    """Settles all customers, some at a time: those who were here before a rule was, too."""
    await _check_keys(context)
    after = ""
    while page := await context.rules(repository.customer_ids(after, _PAGE)):
        yield await settle(context, [each for (each,) in page])
        after = page[-1][0]


async def customer_count(context: Context) -> int:
    """Counts the customers to plan for."""
    [(count,)] = await context.rules(repository.customer_count())
    return count


async def _check_keys(context: Context) -> None:
    """Looks whether rules are for stages and grades that there are."""
    known = {"stage": {key for (key,) in await context.rules(repository.stage_keys())}}
    if grading := context.neighbour("grading"):
        found = await context.rules(repository.grade_keys(grading.GradeRow))
        known["grade"] = {key for (key,) in found}
    for name, rule in context.config.rules.items():
        for kind, wanted in (("stage", rule.stages), ("grade", rule.grades)):
            for key in wanted:
                if key not in known.get(kind, wanted):
                    raise errors.UnknownKey(name, kind, key)


async def settle_after(context: Context, closed: Mapping[str, Found]) -> None:
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
        if rule.applies_to(each.stage, each.grade)
    }
    needless = [task for key, task in there.items() if key not in wanted]
    for task in needless:
        close(context, task.id, TaskState.CANCELLED)
    settled(context, [task.id for task in needless])
    kept = {key: wanted[key] for key in there if key in wanted}
    moved = [_moved(context, *each, there[key]) for key, each in kept.items()]
    missing = {key: each for key, each in wanted.items() if key not in there}
    graded = await repository.graded(
        context, {key[1] for key, (r, _) in missing.items() if r.grades}
    )
    new = [
        _task(context, *each, key[0], closed.get(key), graded.get(key[1]))
        for key, each in missing.items()
    ]
    # Should another unit have been faster after all, its task is as good as this one.
    context.write.upsert(TaskRow, new, key=(TaskRow.rule, TaskRow.customer_id))
    for each in new:
        context.due(each.due_at, TaskFellDue(each.id, each.customer_id))
    return Planned(len(present), len(new), sum(moved), len(needless))


def _moved(context: Context, rule: Rule, standing: Standing, task: Found) -> bool:
    """Moves an open task if there is a contact that it has not been counted from."""
    counted_from = _latest(task.began_at or standing.entered_at, standing.contact_at)
    if counted_from == task.counted_from:
        return False
    due_at = rule.due(counted_from, None, _zone(context))
    values = {TaskRow.due_at: due_at, TaskRow.counted_from: counted_from}
    context.write.change(TaskRow, task.id, set=values)
    put_off(context, task, due_at)
    return True


def _task(
    context: Context,
    rule: Rule,
    standing: Standing,
    name: str,
    before: Found | None,
    graded: Graded | None,
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
        cause_id=_cause(rule, standing, before, graded),
    )


def _cause(rule: Rule, standing: Standing, before: Found | None, graded: Graded | None) -> str:
    """What made the rule want it: the task before, or what the customer has become last."""
    if before is not None:
        return before.id
    if rule.grades and graded is not None and graded.at >= standing.entered_at:
        return graded.change_id
    return standing.stay_id


def _latest(began_at: datetime, contact_at: datetime | None) -> datetime:
    return began_at if contact_at is None else max(began_at, contact_at)


def _zone(context: Context) -> ZoneInfo:
    return ZoneInfo(context.organisation.zone)
