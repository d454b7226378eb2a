"""What access contributes to the core."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmkit.access import service, types
from crmkit.access.service import add_presets as add_presets

if TYPE_CHECKING:
    from crmkit.host.builders import PermissionBuilder, SchemaBuilder


def register_schema(schema: SchemaBuilder) -> None:
    schema.add(
        types.Team,
        types.User,
        types.Role,
        types.UserRole,
        types.RolesOfUser,
        service.me,
        service.create_teams,
        service.create_users,
        service.create_roles,
        service.update_roles,
        service.delete_role,
        service.grant_roles,
        service.revoke_roles,
    )


def register_permissions(permissions: PermissionBuilder) -> None:
    permissions.add("core.team.read", "See teams.")
    permissions.add("core.team.create", "Add teams.", roles=())
    permissions.add("core.user.read", "See users.")
    permissions.add("core.user.create", "Add users.", roles=())
    permissions.add("core.role.read", "See roles, and who has them.", roles=("manager",))
    permissions.add("core.role.create", "Add roles.", roles=())
    permissions.add("core.role.update", "Change what roles allow.", roles=())
    permissions.add("core.role.delete", "Delete roles that nobody has.", roles=())
    permissions.add("core.role.grant", "Give roles to users, and take them away.", roles=())
