"""The statements of tasks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, exists, func, null, select
from sqlalchemy.orm import aliased

from crmkit import sdk
from crmkit_tasks.models import Task, TaskState

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from crmkit_grading.api import ChangeRow, GradeRow, ScoreRow
    from crmkit_tasks.config import Context

_FIELDS: tuple[Any, ...] = (
    Task.id,
    Task.customer_id,
    Task.subject,
    Task.due_at,
    Task.assignee_id,
    Task.state,
    Task.version,
    Task.rule,
    Task.began_at,
    Task.counted_from,
)


# Made once: an alias looks at every column, each time that one is made.
_SAID, _CORRECTION = aliased(sdk.rows.Interaction), aliased(sdk.rows.Interaction)


@dataclass(frozen=True)
class Found:
    """A task as it is before somebody changes it."""

    id: str
    customer_id: str
    subject: str
    due_at: datetime
    assignee_id: str | None
    state: TaskState
    version: int
    rule: str | None
    began_at: datetime | None
    counted_from: datetime | None


@dataclass(frozen=True)
class Graded:
    """When a customer reached the grade of now, and the change that says so."""

    at: datetime
    change_id: str


@dataclass(frozen=True)
class Standing:
    """What rules ask of a customer."""

    customer_id: str
    stage: str
    stay_id: str
    entered_at: datetime
    owner_id: str | None
    contact_at: datetime | None
    grade: str | None


def next_task_due_at(customer: type[sdk.rows.Customer]) -> Select[datetime]:
    """Until when the next open task of the customer is to be done; past if it is overdue."""
    return select(func.min(Task.due_at)).where(*_open_of(customer))


def open_task_count(customer: type[sdk.rows.Customer]) -> Select[int]:
    """How many open tasks there are for the customer."""
    return select(func.count()).where(*_open_of(customer))


async def next_tasks(context: Context, customer_ids: Sequence[str]) -> Mapping[str, str]:
    """The open task of each customer that is due first."""
    place = func.row_number().over(partition_by=Task.customer_id, order_by=(Task.due_at, Task.id))
    ranked = (
        select(Task.customer_id, Task.id, place.label("place"))
        .where(Task.customer_id.in_(customer_ids), Task.state == TaskState.OPEN)
        .subquery()
    )
    first = select(ranked.c.customer_id, ranked.c.id).where(ranked.c.place == 1)
    return dict(await context.read(first))


async def hold(context: Context, customer_ids: Collection[str]) -> None:
    """Has others wait who change tasks of these customers, or the customers themselves.

    Tasks are only changed by whoever holds their customer, so that what was read of them
    stays true; records that point to the customer are still added meanwhile.
    """
    await context.rules(_held(customer_ids))


async def customers_of(context: Context, task_ids: Collection[str]) -> set[str]:
    """Whom these tasks are about."""
    return {customer for (customer,) in await context.rules(_customers_of(task_ids))}


async def tasks(context: Context, ids: Collection[str]) -> dict[str, Found]:
    """Reads tasks by their ids."""
    rows = await context.rules(_tasks(ids))
    return {each.id: each for each in (Found(*row) for row in rows)}


async def open_by_rules(
    context: Context, customer_ids: Collection[str]
) -> dict[tuple[str, str], Found]:
    """The open tasks that rules want of these customers, by rule and customer."""
    rows = [Found(*row) for row in await context.rules(_open_by_rules(customer_ids))]
    return {(each.rule or "", each.customer_id): each for each in rows}


async def standings(
    context: Context, customer_ids: Collection[str], now: datetime
) -> list[Standing]:
    """Where these customers stand, and when they were last in contact with us."""
    grading = context.neighbour("grading")
    wanted = _standings(customer_ids, now, grading.ScoreRow if grading else None)
    return [Standing(*row) for row in await context.rules(wanted)]


async def graded(context: Context, customer_ids: Collection[str]) -> dict[str, Graded]:
    """Since when these customers have the grade that they have, where there are grades."""
    grading = context.neighbour("grading")
    if grading is None or not customer_ids:
        return {}
    rows = await context.rules(_graded(customer_ids, grading.ChangeRow))
    return {customer_id: Graded(at, change) for customer_id, at, change in rows}


async def working(context: Context, user_ids: Collection[str]) -> set[str]:
    """Those of the colleagues who still work here."""
    return {id_ for (id_,) in await context.rules(_working(user_ids))}


def customer_ids(after: str, limit: int) -> Select[str]:
    """The next customers who are not deleted."""
    customer = sdk.rows.Customer
    return (
        select(customer.id)
        .where(customer.id > after, customer.deleted_at.is_(None))
        .order_by(customer.id)
        .limit(limit)
    )


def customer_count() -> Select[int]:
    """How many customers there are who are not deleted."""
    customer = sdk.rows.Customer
    return select(func.count()).select_from(customer).where(customer.deleted_at.is_(None))


def stage_keys() -> Select[str]:
    """What programs call the stages."""
    return select(sdk.rows.Stage.key)


def grade_keys(grade: type[GradeRow]) -> Select[str]:
    """What programs call the grades of all series."""
    return select(grade.key).distinct()


@sdk.statement
def _held(customer_ids: Collection[str]) -> Select[str]:
    customer = sdk.rows.Customer
    held = select(customer.id).where(customer.id.in_(customer_ids))
    return held.order_by(customer.id).with_for_update(key_share=True)


@sdk.statement
def _customers_of(task_ids: Collection[str]) -> Select[str]:
    return select(Task.customer_id).where(Task.id.in_(task_ids))


@sdk.statement
def _tasks(ids: Collection[str]) -> Select[*tuple[Any, ...]]:
    return select(*_FIELDS).where(Task.id.in_(ids))


@sdk.statement
def _open_by_rules(customer_ids: Collection[str]) -> Select[*tuple[Any, ...]]:
    wanted = select(*_FIELDS).where(
        Task.customer_id.in_(customer_ids),
        Task.state == TaskState.OPEN,
        Task.rule.is_not(None),
    )
    return wanted.order_by(Task.id)


@sdk.statement
def _standings(
    customer_ids: Collection[str], now: datetime, score: type[ScoreRow] | None
) -> Select[*tuple[Any, ...]]:
    customer, stay, user = sdk.rows.Customer, sdk.rows.StageStay, sdk.rows.User
    return (
        select(
            customer.id,
            sdk.rows.Stage.key,
            stay.id,
            stay.entered_at,
            user.id,
            _last_contact(customer, now),
            _grade(score, customer),
        )
        .join(sdk.rows.Stage, sdk.rows.Stage.id == customer.stage_id)
        .join(stay, (stay.customer_id == customer.id) & stay.left_at.is_(None))
        .outerjoin(user, (user.id == customer.owner_id) & user.active)
        .where(customer.id.in_(customer_ids), customer.deleted_at.is_(None))
        .order_by(customer.id)
    )


@sdk.statement
def _graded(customer_ids: Collection[str], change: type[ChangeRow]) -> Select[str, datetime, str]:
    last_first = (change.created_at.desc(), change.id.desc())
    place = func.row_number().over(partition_by=change.customer_id, order_by=last_first)
    moves = (
        select(change.customer_id, change.created_at, change.id, place.label("place"))
        .where(change.customer_id.in_(customer_ids))
        .where(change.old_grade.is_distinct_from(change.new_grade))
        .subquery()
    )
    return select(moves.c.customer_id, moves.c.created_at, moves.c.id).where(moves.c.place == 1)


@sdk.statement
def _working(user_ids: Collection[str]) -> Select[str]:
    user = sdk.rows.User
    return select(user.id).where(user.id.in_(user_ids), user.active)


def _grade(score: type[ScoreRow] | None, customer: type[sdk.rows.Customer]) -> Any:
    """The grade that a customer has, where there are grades."""
    if score is None:
        return null()
    return select(score.grade).where(score.customer_id == customer.id).scalar_subquery()


def _last_contact(customer: type[sdk.rows.Customer], now: datetime) -> Any:
    """When we last spoke, as far as nobody has corrected it; our own notes are no contact."""
    # What is yet to happen is no contact either.
    return (
        select(func.max(_SAID.occurred_at))
        .where(
            _SAID.customer_id == customer.id,
            _SAID.direction != sdk.Direction.INTERNAL,
            _SAID.occurred_at <= now,
            ~exists().where(_CORRECTION.supersedes_id == _SAID.id),
        )
        .scalar_subquery()
    )


def _open_of(customer: type[sdk.rows.Customer]) -> tuple[Any, ...]:
    return Task.customer_id == customer.id, Task.state == TaskState.OPEN
