"""What a client sees of users and teams."""

from __future__ import annotations

from crmkit.access import models
from crmkit.engine.fields import column, node, to_one


@node(models.Team, list="teams", read="core.team.read", order_by=models.Team.name)
class Team:
    """People who look after the same customers."""

    name: str
    active: bool


@node(models.User, list="users", read="core.user.read", order_by=models.User.name)
class User:
    """A colleague who uses the CRM."""

    name: str
    mail: str
    external_subject: str | None = column(models.User.subject)
    active: bool
    team: Team | None = to_one()
    """The team they stand in."""
