"""What a client sees of access, and what it asks for."""

from crmkit.access.types.people import (
    CreatedTeam,
    CreatedUser,
    CreateTeam,
    CreateUser,
    Team,
    User,
)

__all__ = ["CreateTeam", "CreateUser", "CreatedTeam", "CreatedUser", "Team", "User"]
