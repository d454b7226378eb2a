"""Tables of access."""

from crmkit.access.models.people import Team, User
from crmkit.access.models.roles import Role, UserRole

__all__ = ["Role", "Team", "User", "UserRole"]
