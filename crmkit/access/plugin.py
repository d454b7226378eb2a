"""What access contributes to the core."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmkit.access import service, types

if TYPE_CHECKING:
    from crmkit.host.builders import PermissionBuilder, SchemaBuilder


def register_schema(schema: SchemaBuilder) -> None:
    schema.add(types.Team, types.User, service.create_teams, service.create_users)


def register_permissions(permissions: PermissionBuilder) -> None:
    permissions.add("core.team.read", "See teams.")
    permissions.add("core.team.create", "Add teams.", roles=())
    permissions.add("core.user.read", "See users.")
    permissions.add("core.user.create", "Add users.", roles=())
