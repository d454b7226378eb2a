"""What can go wrong with interactions."""

from __future__ import annotations

from crmkit.values.errors import Conflict, Invalid


class OfAnotherCustomer(Invalid):
    """A correction concerns whom the corrected record concerns."""

    def __init__(self) -> None:
        super().__init__(
            "A correction is of the same customer as what it corrects.", field="supersedesId"
        )


class AlreadySuperseded(Conflict):
    """A record is corrected once; who corrects again corrects the correction."""

    reason = "core.already_superseded"

    def __init__(self) -> None:
        super().__init__(
            "This record has been corrected already; correct the correction.", field="supersedesId"
        )
