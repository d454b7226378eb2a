"""The plugin tasks: what it brings, and what it hears of customers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmkit import sdk
from crmkit_tasks import models, service, types
from crmkit_tasks.config import Context, TasksConfig
from crmkit_tasks.demo import TasksDemo

if TYPE_CHECKING:
    from crmkit_grading.api import CustomersGraded


class Tasks(sdk.Plugin):
    """What has to be done next, by whom, until when."""

    name = "tasks"
    version = "1.0"
    words = ("task",)
    requires_sdk = ">=1,<2"
    works_with = ("grading>=1",)
    Config = TasksConfig
    Demo = TasksDemo

    def register_schema(self, schema: sdk.SchemaBuilder) -> None:
        schema.add(types.Task, types.CustomerTasks, types.UserTasks)
        schema.add(service.create_tasks, service.update_tasks)
        schema.add(service.complete_tasks, service.cancel_tasks)
        # By when it came up, because what is due lies ahead and what is done ends only once.
        schema.timeline(types.Task, at=models.Task.created_at, summary=types.summary)

    def register_permissions(self, permissions: sdk.PermissionBuilder) -> None:
        permissions.add("tasks.task.read", "See what has to be done.")
        permissions.add("tasks.task.create", "Say what has to be done.")
        permissions.add("tasks.task.update", "Change tasks, put them off, give them to others.")
        permissions.add("tasks.task.complete", "Say that tasks are done and what came of them.")
        permissions.add("tasks.task.cancel", "Say that tasks need not be done.")

    def register_events(self, events: sdk.EventBuilder) -> None:
        events.on("core.CustomersCreated")(plan_for_new)
        events.on("core.CustomersRestored")(plan_for_restored)
        events.on("core.CustomersMoved")(plan_for_moved)
        events.on("core.InteractionsRecorded")(move_on_contact)
        events.on("grading.CustomersGraded")(plan_for_graded)


async def plan_for_new(context: Context, event: sdk.CustomersCreated) -> None:
    """Plans the first tasks of new customers."""
    await service.follow(context, event.ids)


async def plan_for_restored(context: Context, event: sdk.CustomersRestored) -> None:
    """Plans for customers who are back what has changed while they were away."""
    await service.follow(context, event.ids)


async def plan_for_moved(context: Context, event: sdk.CustomersMoved) -> None:
    """Plans what the rules of the new stage want, and gives up what those of the old did."""
    await service.follow(context, event.ids)


async def move_on_contact(context: Context, event: sdk.InteractionsRecorded) -> None:
    """Moves tasks of customers with whom there has been a contact."""
    await service.follow(context, event.customer_ids)


async def plan_for_graded(context: Context, event: CustomersGraded) -> None:
    """Plans what the rules of another grade want."""
    await service.follow(context, event.ids)
