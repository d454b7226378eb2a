"""The plugin tasks: what it brings, and what it hears of customers."""

from __future__ import annotations

from collections.abc import Sequence

from crmkit import sdk
from crmkit_tasks import models, service, types
from crmkit_tasks.config import Context, TasksConfig
from crmkit_tasks.demo import TasksDemo


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
        permissions.add(
            "tasks.task.create", "Say what has to be done.", roles=("manager", "sales", "support")
        )
        permissions.add(
            "tasks.task.update",
            "Change tasks, put them off, give them to others.",
            roles=("manager", "sales", "support"),
        )
        permissions.add(
            "tasks.task.complete",
            "Say that tasks are done and what came of them.",
            roles=("manager", "sales", "support"),
        )
        permissions.add(
            "tasks.task.cancel",
            "Say that tasks need not be done.",
            roles=("manager", "sales", "support"),
        )

    def register_events(self, events: sdk.EventBuilder) -> None:
        events.add(types.TaskFellDue)
        events.on(
            "core.CustomersCreated",
            "core.CustomersRestored",
            "core.CustomersMerged",
            "core.CustomersMoved",
            "core.InteractionsRecorded",
            "grading.CustomersGraded",
        )(plan)


@sdk.hook
async def before_customers_merge(
    context: Context, drafts: Sequence[sdk.Draft[sdk.MergeCustomers, sdk.rows.CustomerAlias]]
) -> None:
    await service.keep_one_of_each(context, [draft.row for draft in drafts])


async def plan(context: Context, events: Sequence[sdk.Event]) -> None:
    """Plans for customers of whom there is news what the rules want now."""
    await service.follow(context, events)
