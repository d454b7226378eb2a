"""What a client sees of access, and what it asks for."""

from crmkit.access.types.people import (
    CreatedTeam,
    CreatedUser,
    CreateTeam,
    CreateUser,
    Team,
    User,
)
from crmkit.access.types.roles import (
    CreatedRole,
    CreateRole,
    DeletedRole,
    DeleteRole,
    GrantedRole,
    GrantRole,
    Me,
    RevokedRole,
    RevokeRole,
    Role,
    RolesOfUser,
    UpdatedRole,
    UpdateRole,
    UserRole,
)

__all__ = [
    "CreateRole",
    "CreateTeam",
    "CreateUser",
    "CreatedRole",
    "CreatedTeam",
    "CreatedUser",
    "DeleteRole",
    "DeletedRole",
    "GrantRole",
    "GrantedRole",
    "Me",
    "RevokeRole",
    "RevokedRole",
    "Role",
    "RolesOfUser",
    "Team",
    "UpdateRole",
    "UpdatedRole",
    "User",
    "UserRole",
]
