"""What other plugins may know of tasks, and do with them."""

from __future__ import annotations

from crmkit_tasks.models import Task as TaskRow
from crmkit_tasks.models import TaskState
from crmkit_tasks.service import cancel_tasks, complete_tasks, create_tasks, update_tasks
from crmkit_tasks.types import (
    CancelTask,
    CompleteTask,
    CreateTask,
    Task,
    TaskInteraction,
    UpdateTask,
)

__all__ = [
    "CancelTask",
    "CompleteTask",
    "CreateTask",
    "Task",
    "TaskInteraction",
    "TaskRow",
    "TaskState",
    "UpdateTask",
    "cancel_tasks",
    "complete_tasks",
    "create_tasks",
    "update_tasks",
]
