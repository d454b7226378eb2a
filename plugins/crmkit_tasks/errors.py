"""What can go wrong with tasks."""

from __future__ import annotations

from crmkit import sdk


class NotOpen(sdk.Refused):
    """What is done or given up does not change any more."""

    reason = "tasks.not_open"

    def __init__(self, state: str) -> None:
        super().__init__(f"This task is {state} already.", field="id", params={"state": state})


class StaleVersion(sdk.Conflict):
    """Somebody else has changed the task since it was seen."""

    reason = "tasks.stale_version"

    def __init__(self, current: int) -> None:
        super().__init__(
            f"This has changed since you saw it; its version is {current} now.",
            field="version",
            params={"current": current},
        )


class AssigneeGone(sdk.Refused):
    """Nobody can do a task who does not work here any more."""

    reason = "tasks.assignee_gone"

    def __init__(self) -> None:
        super().__init__("This colleague does not work here any more.", field="assigneeId")


class UnknownKey(sdk.Invalid):
    """A rule is for a stage or a grade that there is not."""

    def __init__(self, rule: str, kind: str, key: str) -> None:
        super().__init__(
            f"The rule {rule} is for the {kind} {key!r}, which there is not.",
            params={"rule": rule, kind: key},
        )
