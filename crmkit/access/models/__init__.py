"""Tables of access."""

from crmkit.access.models.people import Team, User

__all__ = ["Team", "User"]
