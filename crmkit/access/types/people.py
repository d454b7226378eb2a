"""What a client sees of users and teams."""

from __future__ import annotations

from dataclasses import dataclass

from crmkit.access import models
from crmkit.engine.fields import Ref, column, to_one
from crmkit.engine.mutation_inputs import UNSET, Unset
from crmkit.engine.nodes import node
from crmkit.values import checks
from crmkit.values.contacts import email_address


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


@dataclass(frozen=True)
class CreateTeam:
    """A new team."""

    name: str
    """What it is called."""

    def __post_init__(self) -> None:
        checks.check(checks.word("name", self.name))


@dataclass(frozen=True)
class CreatedTeam:
    """What was made."""

    team: Team
    """The new team."""


@dataclass(frozen=True)
class CreateUser:
    """A new colleague."""

    name: str
    """The name colleagues know them by."""
    mail: str
    """Their address at work; no two users share one."""
    external_subject: str | None = None
    """Who they are to the identity provider."""
    team_id: Ref[Team] | None = None
    """The team they stand in."""

    def __post_init__(self) -> None:
        checks.check(
            checks.word("name", self.name),
            checks.of_length("externalSubject", self.external_subject),
        )
        email_address(self.mail, field="mail")


@dataclass(frozen=True)
class CreatedUser:
    """What was made."""

    user: User
    """The new user."""


@dataclass(frozen=True)
class UpdateTeam:
    """What is to change of a team; whatever is left out stays."""

    id: Ref[Team]
    """Which one is meant."""
    version: int | None = None
    """The version you saw: if it has changed since, nothing happens."""
    name: str | Unset = UNSET
    """What it is called."""
    active: bool | Unset = UNSET
    """Whether customers can be given to it."""

    def __post_init__(self) -> None:
        if self.name is not UNSET:
            checks.check(checks.word("name", str(self.name)))


@dataclass(frozen=True)
class UpdatedTeam:
    """What was changed."""

    team: Team
    """The team as it is now."""


@dataclass(frozen=True)
class UpdateUser:
    """What is to change of a colleague; whatever is left out stays."""

    id: Ref[User]
    """Who is meant."""
    version: int | None = None
    """The version you saw: if it has changed since, nothing happens."""
    name: str | Unset = UNSET
    """The name colleagues know them by."""
    mail: str | Unset = UNSET
    """Their address at work; no two users share one."""
    external_subject: str | Unset | None = UNSET
    """Who they are to the identity provider."""
    team_id: Ref[Team] | Unset | None = UNSET
    """The team they stand in."""

    def __post_init__(self) -> None:
        if self.name is not UNSET:
            checks.check(checks.word("name", str(self.name)))
        if self.external_subject is not UNSET:
            checks.check(checks.of_length("externalSubject", self.external_subject))
        if self.mail is not UNSET:
            email_address(str(self.mail), field="mail")


@dataclass(frozen=True)
class UpdatedUser:
    """What was changed."""

    user: User
    """The user as he is now."""
