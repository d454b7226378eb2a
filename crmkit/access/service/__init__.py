"""Rules of access."""

from crmkit.access.service.door import SignIn
from crmkit.access.service.invitations import accept_invitation, invite_user, reset_password
from crmkit.access.service.keys import create_api_key, revoke_api_keys
from crmkit.access.service.leaving import deactivate_users, reactivate_users
from crmkit.access.service.own import (
    end_session,
    own_api_keys,
    own_sessions,
    revoke_own_api_key,
)
from crmkit.access.service.people import create_teams, create_users, update_teams, update_users
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
from crmkit.access.service.sessions import change_password, forget_ended, sign_in, sign_out

__all__ = [
    "SignIn",
    "accept_invitation",
    "add_presets",
    "change_password",
    "create_api_key",
    "create_roles",
    "create_teams",
    "create_users",
    "deactivate_users",
    "delete_role",
    "end_session",
    "forget_ended",
    "grant_roles",
    "grants_by_role",
    "grants_of",
    "grants_of_role",
    "invite_user",
    "me",
    "own_api_keys",
    "own_sessions",
    "reactivate_users",
    "reset_password",
    "revoke_api_keys",
    "revoke_own_api_key",
    "revoke_roles",
    "sign_in",
    "sign_out",
    "update_roles",
    "update_teams",
    "update_users",
]
