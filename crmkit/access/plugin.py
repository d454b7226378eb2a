"""What access contributes to the core."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmkit.access import service, types
from crmkit.access.service import add_presets as add_presets
from crmkit.host.builders import COLLEAGUES

if TYPE_CHECKING:
    from crmkit.host.builders import PermissionBuilder, SchemaBuilder
    from crmkit.host.jobs import JobBuilder

_PEOPLE = (*COLLEAGUES, "read_only")
_ANYBODY = (*_PEOPLE, "public_form", "public")


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
        service.update_teams,
        service.update_users,
        service.create_roles,
        service.update_roles,
        service.delete_role,
        service.grant_roles,
        service.revoke_roles,
        types.ApiKey,
        service.invite_user,
        service.accept_invitation,
        service.reset_password,
        service.deactivate_users,
        service.reactivate_users,
        service.sign_in,
        service.sign_out,
        service.change_password,
        service.create_api_key,
        service.revoke_api_keys,
        service.own_api_keys,
        service.own_sessions,
        service.revoke_own_api_key,
        service.end_session,
    )


def register_jobs(jobs: JobBuilder) -> None:
    jobs.every(hours=1)(service.forget_ended)


def register_permissions(permissions: PermissionBuilder) -> None:
    permissions.add("core.team.read", "See teams.")
    permissions.add("core.team.create", "Add teams.", roles=())
    permissions.add("core.team.update", "Change teams.", roles=())
    permissions.add("core.user.update", "Change users, and who is in which team.", roles=())
    permissions.add("core.user.read", "See users.")
    permissions.add("core.user.create", "Add users.", roles=())
    permissions.add("core.role.read", "See roles, and who has them.", roles=("manager",))
    permissions.add("core.role.create", "Add roles.", roles=())
    permissions.add("core.role.update", "Change what roles allow.", roles=())
    permissions.add("core.role.delete", "Delete roles that nobody has.", roles=())
    permissions.add("core.role.grant", "Give roles to users, and take them away.", roles=())
    permissions.add("core.user.invite", "Invite users.", roles=())
    permissions.add("core.user.reset_password", "Make links for new passwords.", roles=())
    permissions.add("core.user.deactivate", "Let users in no longer, and again.", roles=())
    permissions.add("core.session.create", "Sign in with a password.", roles=_ANYBODY)
    permissions.add("core.session.end", "Sign out, and change one's password.", roles=_PEOPLE)
    permissions.add("core.api_key.read", "See all API keys, without their secrets.", roles=())
    permissions.add("core.api_key.create", "Make API keys that speak for oneself.", roles=_PEOPLE)
    permissions.add("core.api_key.issue", "Make API keys for others, and for services.", roles=())
    permissions.add("core.api_key.revoke", "End API keys, whose ever they are.", roles=())
    permissions.add("core.sign_in.own", "See and end one's own keys and sessions.", roles=_PEOPLE)
    permissions.add("core.schema.read", "Ask what the schema is, in production too.", roles=())
