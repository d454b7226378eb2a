"""What can go wrong with who acts here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmkit.values.errors import Forbidden, Refused

if TYPE_CHECKING:
    from crmkit.values.errors import Path


class WiderThanOwn(Forbidden):
    """Nobody hands on what he has not."""

    reason = "core.wider_than_own"

    def __init__(self, excess: str, field: str | Path) -> None:
        super().__init__(f"Only who has {excess} gives it.", field=field, params={"excess": excess})


class LastAdmin(Refused):
    """Without an admin nobody could give a role to anybody."""

    reason = "core.last_admin"

    def __init__(self) -> None:
        super().__init__("Nobody else is an admin; make somebody one before.", field="role_id")


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
