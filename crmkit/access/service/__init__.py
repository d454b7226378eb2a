"""What happens to those who act here, each verb a mutation."""

from crmkit.access.service.people import create_teams, create_users

__all__ = ["create_teams", "create_users"]
