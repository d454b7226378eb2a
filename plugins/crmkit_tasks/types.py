"""What a client sees of tasks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from crmkit import sdk
from crmkit_tasks import models, repository
from crmkit_tasks.config import LONGEST_SUBJECT, Context

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

LONGEST_TEXT = 2_000
_LAST_YEAR = 2_999


def overdue(state: models.TaskState, due_at: datetime, *, clock: sdk.Clock) -> bool:
    """Whether it should have been done by now; `state` and `dueAt` find such tasks."""
    return state is models.TaskState.OPEN and due_at < clock.now()


@sdk.node(models.Task, list="tasks", read="tasks.task.read", order_by=models.Task.due_at)
class Task:
    """Something to be done for a customer until a certain time."""

    customer: sdk.Customer = sdk.to_one()
    """Whom it is about."""
    subject: str
    due_at: datetime
    overdue: bool = sdk.computed(overdue, models.Task.state, models.Task.due_at)
    assignee: sdk.User | None = sdk.to_one()
    """Who is to do it."""
    assignee_id: sdk.ID | None
    state: models.TaskState
    closed_at: datetime | None
    outcome: str | None
    interaction: sdk.Interaction | None = sdk.to_one()
    """What was said or done in doing it."""
    rule: str | None
    cause: sdk.Node | None = sdk.cause(models.Task.cause_id)
    """What led to it: an order, the task before it, whatever has an id."""


_STATES = {
    models.TaskState.OPEN: {"en": "To do: {}", "de": "Zu tun: {}", "zh": "待办：{}"},
    models.TaskState.DONE: {"en": "Done: {}", "de": "Erledigt: {}", "zh": "已完成：{}"},
    models.TaskState.CANCELLED: {"en": "Cancelled: {}", "de": "Abgesagt: {}", "zh": "已取消：{}"},
}


def _given(
    subject: str,
    state: models.TaskState,
    *,
    locale: str | None = None,
    organisation: sdk.Organisation,
) -> str:
    """What is to be done, and what became of it."""
    return sdk.phrase(_STATES[state], locale, organisation.locale).format(subject)


summary = sdk.computed(_given, models.Task.subject, models.Task.state)
"""A task in a line."""


async def next_tasks(context: Context, customer_ids: Sequence[str]) -> Mapping[str, Task]:
    """The open task of the customer that is due first."""
    found = await repository.next_tasks(context, customer_ids)
    return {customer: sdk.ref(Task, task) for customer, task in found.items()}


@sdk.extend(sdk.Customer)
class CustomerTasks:
    """What tasks add to a customer."""

    tasks: sdk.Connection[Task] = sdk.to_many(models.Task.customer_id, order_by=models.Task.due_at)
    """What is and was to be done for them, by the time it is due."""
    next_task: Task | None = sdk.batch(next_tasks)
    next_task_due_at: datetime | None = sdk.expression(repository.next_task_due_at, filterable=True)
    open_task_count: int = sdk.expression(repository.open_task_count, filterable=True)


@sdk.extend(sdk.User)
class UserTasks:
    """What tasks add to a colleague."""

    tasks: sdk.Connection[Task] = sdk.to_many(models.Task.assignee_id, order_by=models.Task.due_at)
    """What they are and were to do, by the time it is due."""


@dataclass(frozen=True)
class TaskFellDue(sdk.Event):
    """The time of an open task has come; it is overdue from now on."""

    about: ClassVar[type | None] = Task

    customer_id: str


@dataclass(frozen=True)
class CreateTask:
    """Something to be done for a customer."""

    customer_id: sdk.Ref[sdk.Customer]
    """Whom it is about."""
    subject: str
    """What is to be done, in a line."""
    due_at: datetime
    """Until when."""
    assignee_id: sdk.Ref[sdk.User] | None = None
    """Who is to do it; nobody yet unless said."""
    cause_id: sdk.Ref[sdk.Node] | None = None
    """What led to it, a record of any kind."""

    def __post_init__(self) -> None:
        sdk.checks.check(_faults_of_subject(self.subject), _faults_of_due(self.due_at))


@dataclass(frozen=True)
class CreatedTask:
    """The task, new."""

    task: Task
    """It, as it stands now."""


@dataclass(frozen=True)
class UpdateTask:
    """What is to be different about an open task; what is left out stays as it is."""

    id: sdk.Ref[Task]
    """Which task."""
    subject: str | sdk.Unset = sdk.UNSET
    """What is to be done, in a line."""
    due_at: datetime | sdk.Unset = sdk.UNSET
    """Until when; a task of a rule stays there until there is a new contact."""
    assignee_id: sdk.Ref[sdk.User] | sdk.Unset | None = sdk.UNSET
    """Who is to do it; null takes it from whoever has it."""
    version: int | None = None
    """The version you saw: if it has changed since, nothing happens."""

    def __post_init__(self) -> None:
        sdk.checks.check(
            () if self.subject is sdk.UNSET else _faults_of_subject(self.subject),
            () if self.due_at is sdk.UNSET else _faults_of_due(self.due_at),
        )


@dataclass(frozen=True)
class UpdatedTask:
    """The task, changed."""

    task: Task
    """It, as it stands now."""


@dataclass(frozen=True)
class TaskInteraction:
    """What was said or done with the customer in doing a task; its subject is the task's."""

    channel: str
    """The key of the medium, such as phone."""
    direction: sdk.Direction = sdk.Direction.OUTBOUND
    """Who turned to whom."""
    kind: str = "task"
    """What it was, by its key."""
    touchpoint: str | None = None
    """The key of the named place."""
    occurred_at: datetime | None = None
    """When it happened; now unless said."""

    def __post_init__(self) -> None:
        sdk.checks.check(sdk.checks.key("kind", self.kind))


@dataclass(frozen=True)
class CompleteTask:
    """A task that has been done, and what came of it."""

    id: sdk.Ref[Task]
    """Which task."""
    outcome: str | None = None
    """What came of it, in words; an interaction has it as its body."""
    interaction: TaskInteraction | None = None
    """What is recorded of it among the customer's interactions; nothing unless said."""
    stage_id: sdk.Ref[sdk.Stage] | None = None
    """The stage to which it moved the customer; the ladder must allow the move."""
    version: int | None = None
    """The version you saw: if it has changed since, nothing happens."""

    def __post_init__(self) -> None:
        sdk.checks.check(sdk.checks.of_length("outcome", self.outcome, LONGEST_TEXT))


@dataclass(frozen=True)
class CompletedTask:
    """The task, done."""

    task: Task
    """It, as it stands now."""


@dataclass(frozen=True)
class CancelTask:
    """A task that need not be done; a rule wants the next one at its next time."""

    id: sdk.Ref[Task]
    """Which task."""
    reason: str | None = None
    """Why it is given up, in words."""
    version: int | None = None
    """The version you saw: if it has changed since, nothing happens."""

    def __post_init__(self) -> None:
        sdk.checks.check(sdk.checks.of_length("reason", self.reason, LONGEST_TEXT))


@dataclass(frozen=True)
class CancelledTask:
    """The task, given up."""

    task: Task
    """It, as it stands now."""


def _faults_of_subject(subject: str) -> Iterator[sdk.Problem]:
    yield from sdk.checks.present("subject", subject)
    yield from sdk.checks.of_length("subject", subject, LONGEST_SUBJECT)


def _faults_of_due(due_at: datetime) -> Iterator[sdk.Problem]:
    # Rules count on from here, and calendars end.
    if due_at.year > _LAST_YEAR:
        yield sdk.checks.fault("dueAt", f"A task is due before the year {_LAST_YEAR + 1}.")
