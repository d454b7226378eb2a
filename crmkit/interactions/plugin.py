"""What interactions contribute to the core."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmkit.interactions import models, service, types
from crmkit.interactions.service import ensure_presets as add_presets

if TYPE_CHECKING:
    from crmkit.host.builders import EventBuilder, PermissionBuilder, SchemaBuilder

__all__ = ["add_presets", "register_events", "register_permissions", "register_schema"]


def register_schema(schema: SchemaBuilder) -> None:
    schema.add(
        types.Channel,
        types.Touchpoint,
        types.Interaction,
        types.CustomerInteractions,
        service.create_channels,
        service.create_touchpoints,
        service.record_interactions,
    )
    schema.timeline(types.Interaction, at=models.Interaction.occurred_at, summary=types.summary)


def register_permissions(permissions: PermissionBuilder) -> None:
    permissions.add("core.channel.read", "See the channels.")
    permissions.add("core.channel.create", "Add channels.")
    permissions.add("core.touchpoint.read", "See the touchpoints.")
    permissions.add("core.touchpoint.create", "Add touchpoints.")
    permissions.add("core.interaction.read", "See what was said and done.")
    permissions.add("core.interaction.record", "Record what was said and done.")


def register_events(events: EventBuilder) -> None:
    events.add(types.InteractionsRecorded)
