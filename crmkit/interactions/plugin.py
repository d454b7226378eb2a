"""What interactions contribute to the core."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmkit.interactions import models, service, types

if TYPE_CHECKING:
    from crmkit.host.builders import EventBuilder, PermissionBuilder, SchemaBuilder


def register_schema(schema: SchemaBuilder) -> None:
    schema.add(
        types.Interaction,
        types.CustomerInteractions,
        service.record_interactions,
    )
    schema.live(
        "interactionsRecorded",
        types.Interaction,
        on=(types.InteractionsRecorded,),
        description="Something was said or done.",
    )
    schema.timeline(types.Interaction, at=models.Interaction.occurred_at, summary=types.summary)


def register_permissions(permissions: PermissionBuilder) -> None:
    permissions.add("core.interaction.read", "See what was said and done.")
    permissions.add(
        "core.interaction.record",
        "Record what was said and done.",
        roles=("manager", "sales", "support", "marketing"),
    )


def register_events(events: EventBuilder) -> None:
    events.add(types.InteractionsRecorded)
