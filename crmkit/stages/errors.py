"""What can go wrong on the ladder."""

from __future__ import annotations

from crmkit.values.errors import Refused


class NoFirstStage(Refused):
    """Nobody said where customers begin."""

    reason = "core.no_first_stage"

    def __init__(self) -> None:
        super().__init__(
            "No stage is marked as the one where customers begin; name one.", field="stageId"
        )
