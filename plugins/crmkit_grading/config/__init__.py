"""What a company sets in `[plugins.grading]`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Self

from pydantic import BaseModel, Field, model_validator

from crmkit import sdk
from crmkit_grading.config.facts import EventKind, Group
from crmkit_grading.config.rules import MOST, SECTION, Rule

__all__ = ["Context", "EventKind", "GradingConfig", "Group", "Limits", "Rule", "TotalLimits"]

Bound = Annotated[int, Field(ge=-MOST, le=MOST)]
Key = Annotated[str, Field(pattern="^[a-z][a-z0-9_]{0,59}$")]


class Limits(BaseModel):
    """Between which points a group is kept."""

    model_config = SECTION

    min: Bound = -MOST
    """What its points do not fall below."""
    max: Bound = MOST
    """What its points do not rise above."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.min > self.max:
            raise ValueError(f"min is {self.min} and max {self.max}; the least comes first")
        return self


class TotalLimits(Limits):
    """Between which points a score is kept."""

    min: Bound = 0
    """What a score does not fall below, and what whoever is disqualified has."""
    max: Bound = 100
    """What a score does not rise above."""


class GradingConfig(BaseModel):
    """The rules by which customers are given points, and the grades that these reach."""

    model_config = SECTION

    rules: Mapping[Key, Rule] = Field(default_factory=dict)
    """Each by a name of its own, which contributions keep: `[plugins.grading.rules.from_fair]`."""
    limits: TotalLimits = TotalLimits()
    """Between which points the whole score is kept."""
    fit: Limits = Limits()
    """Between which points the rules of the group fit are kept together."""
    engagement: Limits = Limits()
    """The same of the group engagement."""
    grades: Key = "abcd"
    """The series of grades that counts: `abcd`, `value`, `potential`, or one of your own."""
    hysteresis: int = Field(default=3, ge=0, le=MOST)
    """How many points a score falls below a grade's least before the grade is lost, so
    that nobody goes back and forth between two grades."""

    @cached_property
    def version(self) -> str:
        """Names these rules: other rules have another name."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:12]

    def counting(self, kind: EventKind) -> list[Rule]:
        """The rules that count events of this kind."""
        return [each for each in self.rules.values() if kind in each.events]

    def limits_of(self, group: Group) -> Limits:
        """Between which points a group is kept."""
        return self.fit if group is Group.FIT else self.engagement


Context = sdk.Context[GradingConfig]
