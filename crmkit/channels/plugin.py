"""What channels and touchpoints contribute to the core."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmkit.channels import service, types
from crmkit.channels.service import ensure_presets as add_presets

if TYPE_CHECKING:
    from crmkit.host.builders import PermissionBuilder, SchemaBuilder

__all__ = ["add_presets", "register_permissions", "register_schema"]


def register_schema(schema: SchemaBuilder) -> None:
    schema.add(
        types.Channel,
        types.Touchpoint,
        service.create_channels,
        service.update_channels,
        service.retire_channels,
        service.reinstate_channels,
        service.create_touchpoints,
        service.update_touchpoints,
        service.retire_touchpoints,
        service.reinstate_touchpoints,
    )


def register_permissions(permissions: PermissionBuilder) -> None:
    permissions.add("core.channel.read", "See the channels.")
    permissions.add("core.channel.create", "Add channels.")
    permissions.add("core.channel.update", "Change what channels are called.")
    permissions.add("core.channel.retire", "Retire channels, and bring them back.")
    permissions.add("core.touchpoint.read", "See the touchpoints.")
    permissions.add("core.touchpoint.create", "Add touchpoints.", roles=("manager", "marketing"))
    permissions.add("core.touchpoint.update", "Change touchpoints.", roles=("manager", "marketing"))
    permissions.add("core.touchpoint.retire", "Retire touchpoints, and bring them back.")
