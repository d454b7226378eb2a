"""What jobs contribute to the core."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmkit.jobs import service, types

if TYPE_CHECKING:
    from crmkit.host.builders import PermissionBuilder, SchemaBuilder
    from crmkit.host.jobs import JobBuilder


def register_schema(schema: SchemaBuilder) -> None:
    schema.add(types.Job, service.retry_job, service.cancel_job)


def register_jobs(jobs: JobBuilder) -> None:
    jobs.cron("17 3 * * *")(service.tidy)
    jobs.every(hours=1)(service.forget_keys)


def register_permissions(permissions: PermissionBuilder) -> None:
    permissions.add(
        "core.job.read", "See what is done later, and what became of it.", roles=("manager",)
    )
    permissions.add("core.job.retry", "Have jobs tried again that were given up.", roles=())
    permissions.add("core.job.cancel", "Cancel jobs.", roles=())
