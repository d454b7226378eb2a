"""What the ladder contributes to the core."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmkit.stages import service, types
from crmkit.stages.service import ensure_presets as add_presets

if TYPE_CHECKING:
    from crmkit.host.builders import PermissionBuilder, SchemaBuilder

__all__ = ["add_presets", "register_permissions", "register_schema"]


def register_schema(schema: SchemaBuilder) -> None:
    schema.add(types.Stage, types.StageTransition, service.create_stages, service.allow_moves)


def register_permissions(permissions: PermissionBuilder) -> None:
    permissions.add("core.stage.read", "See the ladder.")
    permissions.add("core.stage.create", "Add steps to the ladder and allow moves between them.")
