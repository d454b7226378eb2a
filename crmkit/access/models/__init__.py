"""Tables of access."""

from crmkit.access.models.keys import ApiKey
from crmkit.access.models.people import Team, User
from crmkit.access.models.points import PointBudget
from crmkit.access.models.roles import Role, UserRole
from crmkit.access.models.sign_ins import Invitation, Password, Session

__all__ = [
    "ApiKey",
    "Invitation",
    "Password",
    "PointBudget",
    "Role",
    "Session",
    "Team",
    "User",
    "UserRole",
]
