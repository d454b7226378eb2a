"""What can go wrong with jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmkit.values.errors import Conflict, Invalid, NotFound, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable


class NotGivenUp(Conflict):
    """Only what was given up or cancelled is tried again."""

    reason = "core.job_not_given_up"

    def __init__(self) -> None:
        super().__init__(
            "This job was not given up or cancelled, so it cannot be tried again.", field="id"
        )


class Settled(Conflict):
    """What has ended cannot be cancelled."""

    reason = "core.job_settled"

    def __init__(self) -> None:
        super().__init__("This job has ended already.", field="id")


class UnknownJob(NotFound):
    """Nobody does jobs of this name."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(f"There is no job {name}{nearest(name, known)}.")


class WrongPayload(Invalid):
    """What a job is handed is not what it takes."""

    def __init__(self, name: str, error: ValueError) -> None:
        told = str(error).splitlines()[:3]
        super().__init__(
            f"That is no payload of {name}: {' '.join(each.strip() for each in told)}."
        )
