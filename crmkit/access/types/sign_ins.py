"""What a client says to sign in, and what it is given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from crmkit.access.types.people import Team, User
from crmkit.engine.fields import Ref, Secret
from crmkit.values import checks
from crmkit.values.contacts import email_address
from crmkit.values.passwords import LONGEST, SHORTEST

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crmkit.values.errors import Problem


@dataclass(frozen=True)
class SignIn:
    """Who wants in."""

    mail: str
    """Their address at work."""
    password: Secret
    """Their password."""


@dataclass(frozen=True)
class SignedIn:
    """A session that has begun."""

    token: Secret | None
    """What is said as `Authorization: Bearer …` from now on; a repeat gets null."""
    expires_at: datetime
    """When the session ends by itself."""


@dataclass(frozen=True)
class SignOut:
    """The end of a session."""

    everywhere: bool = False
    """Whether all your sessions end, and not this one alone."""


@dataclass(frozen=True)
class SignedOut:
    """A session that has ended."""

    everywhere: bool
    """Whether all your sessions have ended."""


@dataclass(frozen=True)
class InviteUser:
    """A new colleague, who chooses a password by a link that works once."""

    name: str
    """The name colleagues know them by."""
    mail: str
    """Their address at work; no two users share one."""
    team_id: Ref[Team] | None = None
    """The team they stand in."""
    roles: Sequence[str] = ()
    """The keys of the roles they have from the beginning, such as sales."""

    def __post_init__(self) -> None:
        checks.check(checks.word("name", self.name))
        email_address(self.mail, field="mail")


@dataclass(frozen=True)
class InvitedUser:
    """The colleague, and the link for them."""

    user: User
    """The new user."""
    token: Secret | None
    """What `acceptInvitation` takes, once; told this once: a repeat gets null."""
    link: Secret | None
    """The page where they choose a password, if `access.link` names one."""
    expires_at: datetime
    """When the link ends by itself."""


@dataclass(frozen=True)
class ResetPassword:
    """The user who needs a new password."""

    user_id: Ref[User]
    """Which one is meant."""


@dataclass(frozen=True)
class PasswordReset:
    """The link with which they choose a new one; until then the old one is good."""

    token: Secret | None
    """What `acceptInvitation` takes, once; told this once: a repeat gets null."""
    link: Secret | None
    """The page where they choose a password, if `access.link` names one."""
    expires_at: datetime
    """When the link ends by itself."""


@dataclass(frozen=True)
class AcceptInvitation:
    """The password that an invited user chooses."""

    token: Secret
    """What stands in their link."""
    password: Secret
    """Between 12 and 500 characters."""

    def __post_init__(self) -> None:
        checks.check(_password_faults("password", self.password))


@dataclass(frozen=True)
class AcceptedInvitation:
    """The session of somebody who has chosen a password; their other sessions have ended."""

    token: Secret | None
    """What is said as `Authorization: Bearer …` from now on; a repeat gets null."""
    expires_at: datetime
    """When the session ends by itself."""


@dataclass(frozen=True)
class ChangePassword:
    """A new password for yourself."""

    current: Secret
    """The one you have."""
    new: Secret
    """Between 12 and 500 characters."""

    def __post_init__(self) -> None:
        checks.check(_password_faults("new", self.new))


@dataclass(frozen=True)
class ChangedPassword:
    """The password has changed, and all your other sessions have ended."""

    changed_at: datetime
    """Since when it is the new one."""


@dataclass(frozen=True)
class DeactivateUser:
    """The user who leaves."""

    id: Ref[User]
    """Which one is meant."""
    version: int | None = None
    """The version you saw: if it has changed since, nothing happens."""


@dataclass(frozen=True)
class DeactivatedUser:
    """Who has left; keys, sessions and invitations end within 5 seconds."""

    user: User
    """The user as they are now."""


@dataclass(frozen=True)
class ReactivateUser:
    """The user who comes back."""

    id: Ref[User]
    """Which one is meant."""
    version: int | None = None
    """The version you saw: if it has changed since, nothing happens."""


@dataclass(frozen=True)
class ReactivatedUser:
    """Who has come back; what has ended meanwhile stays so."""

    user: User
    """The user as they are now."""


def _password_faults(field: str, given: str) -> Iterator[Problem]:
    if not SHORTEST <= len(given) <= LONGEST:
        yield checks.fault(field, f"A password has between {SHORTEST} and {LONGEST} characters.")
