"""What a company sets in `[plugins.tasks]`."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from crmkit import sdk

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

LONGEST_SUBJECT = 200

Key = Annotated[str, Field(pattern="^[a-z][a-z0-9_]{0,59}$")]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Rule(_Section):
    """How often customers on these stages and of these grades are to be contacted."""

    subject: str = Field(min_length=1, max_length=LONGEST_SUBJECT)
    """What its tasks say is to be done."""
    stages: tuple[Key, ...] = ()
    """The stages that it is for, by their keys; all of them unless said."""
    grades: tuple[Key, ...] = ()
    """The grades that it is for, by their keys; all customers unless said. Without the plugin
    grading nobody has one."""
    every_days: int | None = Field(default=None, ge=1, le=3_650)
    """How many days may pass without a contact; this or the months."""
    every_months: int | None = Field(default=None, ge=1, le=120)
    """How many months may pass: after the 31st of January comes the last of February."""
    at: time = time(9)
    """The time of day at which its tasks are due, in the organisation's zone."""
    assign_owner: bool = True
    """Whether its tasks are given to the colleague who looks after the customer."""

    @field_validator("at")
    @classmethod
    def _of_the_wall(cls, at: time) -> time:
        if at.tzinfo is not None:
            raise ValueError("this is a time of day in the organisation's zone; leave out the zone")
        return at

    @model_validator(mode="after")
    def _one_measure(self) -> Self:
        if (self.every_days is None) == (self.every_months is None):
            raise ValueError("a rule says either every_days or every_months")
        return self

    def applies_to(self, stage: str, grade: str | None) -> bool:
        """Says whether it is for customers on this stage who have this grade."""
        return (not self.stages or stage in self.stages) and (
            not self.grades or grade in self.grades
        )

    def due(self, counted_from: datetime, after: datetime | None, zone: ZoneInfo) -> datetime:
        """The first time that it is due, or the first after a moment.

        All times are counted from one day, so that after the 28th of February comes the
        31st of March again; and in days of the calendar, however many hours they have.
        """
        start = counted_from.astimezone(zone).date()
        for times in count(self._passed(start, after, zone)):
            due = self._due(start, times, zone)
            if after is None or due > after:
                return due
        raise AssertionError("there is always a next time")  # pragma: no cover

    def _passed(self, start: date, after: datetime | None, zone: ZoneInfo) -> int:
        """How often it was due for certain until a moment, at least once."""
        if after is None:
            return 1
        until = after.astimezone(zone).date()
        if self.every_days:
            return max((until - start).days // self.every_days, 1)
        months = (until.year - start.year) * 12 + until.month - start.month
        return max(months // (self.every_months or 1), 1)

    def _due(self, start: date, times: int, zone: ZoneInfo) -> datetime:
        if self.every_days:
            day = start + timedelta(days=self.every_days * times)
        else:
            day = _months_after(start, (self.every_months or 1) * times)
        # A time that the clocks skip is as much later; of one that comes twice, the first.
        return datetime.combine(day, self.at, zone).astimezone(UTC)


class TasksConfig(_Section):
    """The rules by which customers are contacted again and again."""

    rules: Mapping[Key, Rule] = Field(default_factory=dict)
    """Each by a name of its own, which its tasks keep: `[plugins.tasks.rules.stay_in_touch]`."""


Context = sdk.Context[TasksConfig]


def _months_after(start: date, months: int) -> date:
    """The same day of a later month, or its last day where it is shorter."""
    years, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    last = monthrange(years, month + 1)[1]
    return date(years, month + 1, min(start.day, last))
