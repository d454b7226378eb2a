"""What can go wrong with a company's own words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmkit.values.errors import Invalid, Refused

if TYPE_CHECKING:
    from crmkit.values.errors import Path


class UnknownKey(Invalid):
    """There is none of this key."""

    def __init__(self, kind: str, key: str, field: str | Path) -> None:
        super().__init__(f"There is no {kind} {key[:80]!r}.", field=field, params={"key": key})


class Retired(Refused):
    """It is kept for what was, and is no longer to be used."""

    reason = "core.retired"

    def __init__(self, kind: str, key: str, field: str | Path) -> None:
        super().__init__(
            f"The {kind} {key!r} is retired: what has it keeps it, and nothing new gets it.",
            field=field,
            params={"key": key},
        )
