"""What can go wrong when somebody is forgotten."""

from __future__ import annotations

from crmkit.values.errors import NotFound


class NoSuchCustomer(NotFound):
    """Nobody of this id is known, or the actor may not know of them."""

    def __init__(self) -> None:
        super().__init__("There is no such customer.", field="id")
