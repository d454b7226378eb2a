"""What can go wrong with who acts here."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from crmkit.values.errors import Forbidden, Invalid, Limited, Refused, Unauthenticated

if TYPE_CHECKING:
    from datetime import timedelta

    from crmkit.values.errors import Path


class WiderThanOwn(Forbidden):
    """Nobody hands on what he has not."""

    reason = "core.wider_than_own"

    def __init__(self, excess: str, field: str | Path) -> None:
        super().__init__(f"Only who has {excess} gives it.", field=field, params={"excess": excess})


class LastAdmin(Refused):
    """Without an admin nobody could give a role to anybody."""

    reason = "core.last_admin"

    def __init__(self, field: str = "role_id") -> None:
        super().__init__("Nobody else is an admin; make somebody one before.", field=field)


class RoleInUse(Refused):
    """Whoever has a role would lose it without having been asked about."""

    reason = "core.role_in_use"

    def __init__(self) -> None:
        super().__init__("Users have this role; take it from them before.", field="id")


class RoleStays(Refused):
    """Every app has admins, and people who have not signed in."""

    reason = "core.role_stays"

    def __init__(self, key: str, field: str) -> None:
        super().__init__(f"The role {key} belongs to every app; it stays as it is.", field=field)


class NotSignedIn(Unauthenticated):
    """Unknown, forged, expired and revoked sign-ins are answered alike."""

    reason = "core.not_signed_in"

    def __init__(self) -> None:
        super().__init__("This sign-in is not valid, or not any more.")


class ForOthers(Forbidden):
    """A key for somebody else speaks as somebody else."""

    reason = "core.key_for_others"

    def __init__(self, field: str | Path) -> None:
        super().__init__(
            "A key that does not speak for yourself takes the permission core.api_key.issue.",
            field=field,
            params={"permission": "core.api_key.issue"},
        )


class KeyOfKey(Forbidden):
    """Otherwise a key that leaked would outlive its end."""

    reason = "core.key_of_key"

    def __init__(self) -> None:
        super().__init__("A key makes no other keys; sign in yourself.")


class SignInYourself(Forbidden):
    """Whoever found a key could otherwise end what its owner needs to end it."""

    reason = "core.sign_in_yourself"

    def __init__(self) -> None:
        super().__init__("A key neither sees nor ends how its user signs in; sign in yourself.")


class OfNobody(Invalid):
    """Whoever makes a key is no user, and has not said whose it is."""

    def __init__(self) -> None:
        super().__init__("Say for which user or service the key speaks.", field="user_id")


class WrongPassword(Unauthenticated):
    """An unknown mailbox is answered like a wrong password."""

    reason = "core.wrong_password"

    def __init__(self, field: str) -> None:
        super().__init__("This is not the password of anybody with this address.", field=field)


class NoPassword(Refused):
    """Keys, services and the system have none."""

    reason = "core.no_password"

    def __init__(self) -> None:
        super().__init__("Only a user who has signed in has a password to change.")


class LinkEnded(Refused):
    """Unknown, used and expired links are answered alike."""

    reason = "core.link_ended"

    def __init__(self) -> None:
        super().__init__("This link is not valid, or not any more; ask for another.", field="token")


class Deactivated(Refused):
    """Whoever has left needs no password."""

    reason = "core.deactivated"

    def __init__(self, field: str) -> None:
        super().__init__("This user is deactivated.", field=field)


class Yourself(Refused):
    """Somebody has to stay who can undo it."""

    reason = "core.yourself"

    def __init__(self, field: str) -> None:
        super().__init__("Nobody deactivates himself.", field=field)


class TooOften(Limited):
    """Whoever waits is let in again."""

    reason = "core.too_often"

    def __init__(self, wait: timedelta) -> None:
        seconds = max(1, ceil(wait.total_seconds()))
        super().__init__(
            f"Too much in too short a time; try again in {seconds} s.",
            params={"retryAfter": seconds},
        )


class OtherTeam(Forbidden):
    """Whoever sees his own team alone would see another's by moving there."""

    reason = "core.other_team"

    def __init__(self) -> None:
        super().__init__(
            "Only who sees all customers moves users into another team.", field="team_id"
        )
