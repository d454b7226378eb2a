"""What can go wrong with grades."""

from __future__ import annotations

from crmkit import sdk


class StaleVersion(sdk.Conflict):
    """Somebody else has changed the grade since it was seen."""

    reason = "grading.stale_version"

    def __init__(self, current: int) -> None:
        super().__init__(
            f"This has changed since you saw it; its version is {current} now.",
            field="version",
            params={"current": current},
        )


class NoGrades(sdk.Refused):
    """The series that the settings name has no grades."""

    reason = "grading.no_grades"

    def __init__(self, series: str) -> None:
        super().__init__(
            f"The series {series!r} that [plugins.grading] grades names has no grades; "
            "create some, or name another series."
        )
