"""Rules of access."""

from crmkit.access.service.people import create_teams, create_users
from crmkit.access.service.roles import (
    add_presets,
    create_roles,
    delete_role,
    grant_roles,
    grants_by_role,
    grants_of,
    grants_of_role,
    me,
    revoke_roles,
    update_roles,
)

__all__ = [
    "add_presets",
    "create_roles",
    "create_teams",
    "create_users",
    "delete_role",
    "grant_roles",
    "grants_by_role",
    "grants_of",
    "grants_of_role",
    "me",
    "revoke_roles",
    "update_roles",
]
