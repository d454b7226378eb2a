"""The rules of tasks: how they come, change and end, and which of them rules want."""

from crmkit_tasks.service.cadence import (
    Planned,
    customer_count,
    follow,
    keep_one_of_each,
    plan,
    settle,
)
from crmkit_tasks.service.closing import cancel_tasks, complete_tasks
from crmkit_tasks.service.tasks import create_tasks, update_tasks

__all__ = [
    "Planned",
    "cancel_tasks",
    "complete_tasks",
    "create_tasks",
    "customer_count",
    "follow",
    "keep_one_of_each",
    "plan",
    "settle",
    "update_tasks",
]
