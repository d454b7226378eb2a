"""What a company sets in `[plugins.webhooks]`."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from crmkit import sdk

Seconds = Annotated[int, Field(ge=0, le=86_400)]


class WebhooksConfig(BaseModel):
    """How patient we are with receivers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    retry_seconds: tuple[Seconds, ...] = (
        5,
        300,
        1_800,
        7_200,
        18_000,
        36_000,
        50_400,
        72_000,
        86_400,
    )
    """How long to wait after each try that failed; after the last one the delivery is dead."""
    timeout: float = Field(default=15, gt=0, le=30)
    """Seconds that a receiver may take to answer."""
    rotation_hours: float = Field(default=24, ge=0)
    """For how long messages are signed with a secret that was replaced as well."""
    disable_after_days: float = Field(default=5, gt=0)
    """A webhook of which every try has failed for so long is disabled."""
    most_records: int = Field(default=100, ge=0, le=1_000)
    """The records of an event are sent along, unless there are more of them than this."""
    keep_days: float = Field(default=30, gt=0)
    """How long the log keeps what was delivered, withheld or given up."""

    def pause(self, tries: int, asked: float) -> timedelta | None:
        """How long to wait after so many tries, at least as long as asked; nothing to give up."""
        if tries > len(self.retry_seconds):
            return None
        return timedelta(seconds=max(self.retry_seconds[tries - 1], min(asked, 86_400)))


Context = sdk.Context[WebhooksConfig]
