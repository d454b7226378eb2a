"""A rule: of whom or of what it is true, how many points that is, and how these fade."""

from __future__ import annotations

from decimal import Decimal, localcontext
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, model_validator

from crmkit_grading.config.expressions import Expression, nearest
from crmkit_grading.config.facts import CUSTOMER, EVENTS, EventKind, Group, Kind, specimen
from crmkit_grading.config.predicates import passes, wanted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Holds = Callable[[Mapping[str, Any], Mapping[str, Any] | None], bool]

MOST = 1_000_000
"""The most points of a rule or a limit, whatever its events sum up to."""
WHOLE = 10**9
"""A share is counted in these parts, as a whole number: what fades never becomes a float."""
# A half-life later half is left; after so many of them less than half a part.
_HALVES = 31

_FADING = ("cap", "per_day", "window_days", "half_life_days", "steps")


SECTION = ConfigDict(frozen=True, extra="forbid")


class Step(BaseModel):
    """What is left of an event's points from some day on."""

    model_config = SECTION

    after_days: int = Field(ge=1, le=36_500)
    """So many days after the event."""
    percent: int = Field(ge=0, le=100)
    """So much of its points is left."""


class Rule(BaseModel):
    """Points for what is true of a customer, or for each event of which something is true."""

    model_config = SECTION

    group: Group
    """`fit` or `engagement`."""
    points: int = Field(default=0, ge=-MOST, le=MOST)
    """How many points it gives, of engagement for each event; below zero it takes them."""
    events: tuple[EventKind, ...] = ()
    """What it counts, of engagement: `interaction`, `order`."""
    field: str | None = None
    """The field that it looks at: the customer's, or of engagement the event's."""
    operator: (
        Literal[
            "eq", "ne", "in", "not_in", "lt", "lte", "gt", "gte",
            "contains", "starts_with", "is_null",
        ]
        | None
    ) = None  # fmt: skip
    """How it compares the field."""
    value: Any = None
    """With what it compares the field."""
    when: str | None = None
    """An expression in CEL instead of field, operator and value; it knows `customer`, and of
    engagement `event`."""
    cap: int | None = Field(default=None, ge=1, le=MOST)
    """The most points that its events give together, after they have faded."""
    per_day: int | None = Field(default=None, ge=1, le=MOST)
    """The most events of one day that count."""
    window_days: int | None = Field(default=None, ge=1, le=36_500)
    """How many days an event counts, its own day included."""
    half_life_days: int | None = Field(default=None, ge=1, le=3_650)
    """After how many days half of an event's points are left."""
    steps: tuple[Step, ...] = ()
    """How points fade in steps, instead of by a half-life."""
    disqualifies: bool = False
    """Whether whoever it is true of has the least score, whatever else is true of them."""

    _expression: Expression | None = PrivateAttr(default=None)
    _wanted: Any = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        self._check_points()
        self._check_group()
        self._check_fading()
        self._prepare()
        return self

    @cached_property
    def holds(self) -> Holds:
        """Says whether it is true of a customer, or of an event of theirs."""
        if (expression := self._expression) is not None:
            return lambda customer, event: expression.holds(
                {"customer": customer, "event": event or {}}
            )
        field, operator, wanted = self.field, self.operator, self._wanted
        if field is None or operator is None:
            return lambda customer, event: True
        return lambda customer, event: passes(
            operator, (customer if event is None else event).get(field), wanted
        )

    @cached_property
    def share(self) -> Callable[[int], int]:
        """What is left of an event's points after so many days, in parts of a whole."""
        return cache(self._share)

    def _share(self, age: int) -> int:
        if age < 0 or (self.window_days is not None and age >= self.window_days):
            return 0
        if self.half_life_days:
            return _halved(age, self.half_life_days)
        percent = [each.percent for each in self.steps if each.after_days <= age]
        return WHOLE * (percent[-1] if percent else 100) // 100

    @cached_property
    def counts_all(self) -> bool:
        """Whether it counts every event of its kinds, whatever it is like."""
        return self.field is None and self.when is None

    @cached_property
    def reach_days(self) -> int | None:
        """After how many days nothing is left of an event; nothing if it never fades away."""
        ends = [self.window_days] if self.window_days else []
        if self.half_life_days:
            ends.append(self.half_life_days * _HALVES)
        ends += [each.after_days for each in self.steps[-1:] if not each.percent]
        return min(ends, default=None)

    def _check_points(self) -> None:
        if self.disqualifies and self.points:
            raise ValueError("it disqualifies, which takes all points; leave out points")
        if not self.disqualifies and not self.points:
            raise ValueError("it gives no points; say how many, or that it disqualifies")

    def _check_group(self) -> None:
        if self.group is Group.ENGAGEMENT and not self.events:
            raise ValueError("a rule of engagement counts events; say which in events")
        if self.group is Group.FIT and self.events:
            raise ValueError("a rule of fit counts no events; leave them out, or use engagement")
        for each in _FADING if self.group is Group.FIT else ():
            if getattr(self, each):
                raise ValueError(f"fit does not fade; leave out {each}, or use engagement")

    def _check_fading(self) -> None:
        if self.half_life_days and self.steps:
            raise ValueError("it fades by a half-life or in steps; leave out one of them")
        if self.disqualifies and (self.half_life_days or self.steps or self.cap):
            raise ValueError("what disqualifies is true or not; it only takes a window")
        for one, next_ in zip(self.steps, self.steps[1:], strict=False):
            if one.after_days >= next_.after_days or one.percent < next_.percent:
                raise ValueError("steps go on in days and down in percent; put them in order")

    def _prepare(self) -> None:
        declared = (self.field, self.operator, self.value)
        if self.when is not None:
            if declared != (None, None, None):
                raise ValueError("it has an expression and a field; leave out one of them")
            self._expression = Expression(self.when, self._specimens())
        elif self.field is not None and self.operator is not None and self.value is not None:
            kind = self._kind_of(self.field)
            self._wanted = wanted(kind, self.operator, self.value)
        elif declared != (None, None, None) or self.group is Group.FIT:
            raise ValueError("say field, operator and value, or an expression in when")

    def _kind_of(self, field: str) -> Kind:
        for fields in [EVENTS[each] for each in self.events] or [CUSTOMER]:
            if field not in fields:
                raise ValueError(f"it looks at {field}, which there is not{nearest(field, fields)}")
        return ([EVENTS[each] for each in self.events] or [CUSTOMER])[0][field]

    def _specimens(self) -> Mapping[str, Mapping[str, Any]]:
        customer = {"customer": specimen(CUSTOMER)}
        fields = {name: kind for each in self.events for name, kind in EVENTS[each].items()}
        return {**customer, "event": specimen(fields)} if fields else customer


def _halved(age: int, half_life: int) -> int:
    """Two to the power of minus age by half-life, in parts, the same on every machine."""
    halves, rest = divmod(age, half_life)
    if halves >= _HALVES:
        return 0
    with localcontext(prec=40):
        left = Decimal(2) ** -(halves + Decimal(rest) / half_life)
        return int((left * WHOLE).to_integral_value())
