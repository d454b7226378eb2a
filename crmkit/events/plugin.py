"""What events contribute to the core."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmkit.events import service

if TYPE_CHECKING:
    from crmkit.host.builders import PermissionBuilder, SchemaBuilder
    from crmkit.host.jobs import JobBuilder


def register_schema(schema: SchemaBuilder) -> None:
    schema.add(service.event_catalog)


def register_permissions(permissions: PermissionBuilder) -> None:
    permissions.add("core.event.read", "See which events there are.", roles=("manager",))


def register_jobs(jobs: JobBuilder) -> None:
    jobs.cron("37 3 * * *")(service.forget_events)
