"""What a client sees of roles, and what it asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from crmkit.access import models
from crmkit.access.types.people import Team, User
from crmkit.engine.fields import Ref, computed, list_of, to_one
from crmkit.engine.mutation_inputs import UNSET, Unset
from crmkit.engine.nodes import extend, node, value
from crmkit.values import checks

_MOST = 100


def _as_they_are(given: list[str]) -> list[str]:
    return given


@node(models.Role, list="roles", read="core.role.read", order_by=models.Role.key)
class Role:
    """What some users may: permissions, how far they reach, and what stays hidden from them."""

    key: str
    name: str
    preset: str | None
    scope: str
    permissions: list[str] = computed(
        _as_they_are,
        models.Role.permissions,
        description="The permissions of its own; those of its preset come with it.",
    )
    hidden_fields: list[str] = computed(
        _as_they_are, models.Role.hidden_fields, description="The fields that it hides."
    )


@node(models.UserRole, read="core.role.read")
class UserRole:
    """That a user has a role."""

    user: User = to_one()
    """Who has it."""
    role: Role = to_one()
    """The role."""


@extend(User)
class RolesOfUser:
    """What roles add to a user."""

    roles: list[UserRole] = list_of(
        models.UserRole.user_id, limit=_MOST, permission="core.role.read"
    )
    """The roles they have, in the order in which they got them."""


@value
class Me:
    """Who asks, and what he may."""

    kind: str
    """Who acts: a user, a plugin, the system, or somebody who has not signed in (public)."""
    user: User | None
    """The user that he is; nothing where he may not see users."""
    team: Team | None
    """The team he stands in."""
    permissions: list[str]
    """All that his roles grant, in alphabetical order."""
    hidden_fields: list[str]
    """The fields that none of his roles shows, in alphabetical order."""


@dataclass(frozen=True)
class CreateRole:
    """A new role."""

    key: str
    """Names it in programs; never changes."""
    name: str
    """What colleagues call it."""
    preset: str | None = None
    """A role of every app whose permissions it has besides its own."""
    scope: str = "all"
    """How far its permissions reach: `all`, `team`, `own`, or a scope of a plugin."""
    permissions: Sequence[str] = ()
    """The permissions of its own."""
    hidden_fields: Sequence[str] = ()
    """Fields that it hides, such as `Customer.phones`."""

    def __post_init__(self) -> None:
        checks.check(checks.key("key", self.key), checks.word("name", self.name))


@dataclass(frozen=True)
class CreatedRole:
    """What was made."""

    role: Role
    """The new role."""


@dataclass(frozen=True)
class UpdateRole:
    """What is to change of a role; whatever is left out stays."""

    id: Ref[Role]
    """Which one is meant."""
    version: int | None = None
    """The version you saw: if it has changed since, nothing happens."""
    name: str | Unset = UNSET
    """What colleagues call it."""
    preset: str | Unset | None = UNSET
    """A role of every app whose permissions it has besides its own; null for none."""
    scope: str | Unset = UNSET
    """How far its permissions reach."""
    permissions: Sequence[str] | Unset = UNSET
    """All permissions of its own; they replace what is there."""
    hidden_fields: Sequence[str] | Unset = UNSET
    """All fields that it hides; they replace what is there."""

    def __post_init__(self) -> None:
        if self.name is not UNSET:
            checks.check(checks.word("name", str(self.name)))


@dataclass(frozen=True)
class UpdatedRole:
    """What was changed."""

    role: Role
    """The role as it is now."""


@dataclass(frozen=True)
class DeleteRole:
    """A role that nobody has any more."""

    id: Ref[Role]
    """Which one is meant."""


@dataclass(frozen=True)
class DeletedRole:
    """What was deleted."""

    deleted_role_id: str
    """The id that it had."""


@dataclass(frozen=True)
class GrantRole:
    """A role that a user is to have."""

    user_id: Ref[User]
    """Who is to have it."""
    role_id: Ref[Role]
    """The role."""


@dataclass(frozen=True)
class GrantedRole:
    """What was granted."""

    user: User
    """Who has it now."""


@dataclass(frozen=True)
class RevokeRole:
    """A role that a user is to lose."""

    user_id: Ref[User]
    """Who is to lose it."""
    role_id: Ref[Role]
    """The role."""


@dataclass(frozen=True)
class RevokedRole:
    """What was revoked."""

    user: User
    """Who has lost it."""
