"""What a company sets in `[plugins.feedback]`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from crmkit import sdk

BEST = 5
"""The best score; the worst is 1."""

Key = Annotated[str, Field(pattern=r"^[a-z0-9]+(?:[._-][a-z0-9]+)*$", max_length=200)]
Keys = Annotated[tuple[Key, ...], Field(min_length=1)]


class FeedbackConfig(BaseModel):
    """The words by which a company sorts its tickets, and how it asks for ratings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    types: Keys = ("question", "problem", "complaint", "suggestion", "praise")
    """What a ticket can be."""
    default_type: str = "question"
    """What a ticket is unless it says."""
    priorities: Annotated[Mapping[Key, int], Field(min_length=1)] = Field(
        default_factory=lambda: {"low": 10, "normal": 20, "high": 30, "urgent": 40}
    )
    """How urgent tickets can be, each with a number to sort by; the highest comes first."""
    default_priority: str = "normal"
    """How urgent a ticket is unless it says."""
    queues: Keys = ("support",)
    """Where tickets wait for somebody."""
    default_queue: str = "support"
    """Where a ticket waits unless it says."""
    topics: tuple[Key, ...] = ()
    """What tickets can be about; any key where none is named."""
    rating_days: int = Field(default=14, ge=1, le=365)
    """For how long a customer can say how the answer was."""
    low_score: int = Field(default=2, ge=0, lt=BEST)
    """Up to this score a ticket is taken up again; with 0, never."""

    @model_validator(mode="after")
    def _knows_its_defaults(self) -> Self:
        for field in ("type", "priority", "queue"):
            default, known = getattr(self, f"default_{field}"), self.known(field)
            if default not in known:
                raise ValueError(f"default_{field} is {default!r}, which is none of its {known}")
        return self

    @property
    def rating_time(self) -> timedelta:
        """For how long a customer can say how the answer was."""
        return timedelta(days=self.rating_days)

    def known(self, field: str) -> tuple[str, ...]:
        """The keys that this field of a ticket can hold; none where it can hold any."""
        named: Mapping[str, tuple[str, ...]] = {
            "type": self.types,
            "priority": tuple(self.priorities),
            "queue": self.queues,
            "topic": self.topics,
        }
        return named[field]


Context = sdk.Context[FeedbackConfig]
