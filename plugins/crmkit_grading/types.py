"""What a client sees of grading."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import TYPE_CHECKING, ClassVar
from zoneinfo import ZoneInfo

from crmkit import sdk
from crmkit_grading import models, repository, scoring
from crmkit_grading.config import Group
from crmkit_grading.config.rules import MOST

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crmkit_grading.config import Context

MOST_EVIDENCE = 100


@sdk.node(
    models.Grade, list="grades", read="grading.grade.read", order_by=models.Grade.at_least.desc()
)
class Grade:
    """A grade of a series: who has at least so many points has it."""

    series: str
    key: str
    label: str = sdk.computed(sdk.label, models.Grade.labels, models.Grade.key)
    at_least: int


@sdk.node(
    models.Change,
    list="gradeChanges",
    read="grading.change.read",
    order_by=models.Change.created_at.desc(),
)
class GradeChange:
    """A score that became another; it never changes, whatever rules come later."""

    customer: sdk.Customer = sdk.to_one()
    """Whose score it is."""
    old_score: int
    new_score: int
    old_grade: str | None
    new_grade: str | None
    reason: models.GradingReason
    cause: sdk.Node | None = sdk.cause(models.Change.cause_id)
    """What led to it: an interaction, an order, whatever has an id."""
    rules: str


@sdk.value
class GradingContribution:
    """What one rule adds to a score, or what a limit takes from it."""

    rule: str | None
    """The rule, by its name in the settings; nothing for what keeps points within limits."""
    group: Group | None
    """The group that it belongs to; nothing for the limits of the whole score."""
    points: int
    """The points that it gives now; below zero, takes."""
    evidence: list[sdk.Node | None]
    """What it is given for: the events that still count, the latest 100 at most; of fit,
    the customer."""
    evidence_count: int
    """How many there are of them."""
    ends_at: datetime | None
    """From when on it gives nothing any more; nothing if it does not fade away."""


@sdk.value
class Grading:
    """What a customer has reached now, and why."""

    score: int
    """The sum of the contributions."""
    fit: int
    """The points of the group fit, within its limits."""
    engagement: int
    """The points of the group engagement, within its limits."""
    grade: Grade | None
    """The grade that the score reaches; nothing where there are no rules."""
    contributions: list[GradingContribution]
    """What the score consists of."""
    changes_at: datetime | None
    """From when on it can be another although nothing happens."""
    rules: str
    """The version of the rules that say so."""


async def gradings(context: Context, customer_ids: Sequence[str]) -> Mapping[str, Grading]:
    """What the customer has reached at this moment, and why; `score` is of `gradedAt`."""
    steps = await repository.ladder(context.read, context.config.grades)
    before = {each[0]: each[2] for each in await context.read(repository.scores(customer_ids))}
    found = await repository.known(context, context.read, customer_ids)
    today = today_of(context)
    return {
        each.id: _grading(context, scoring.score(context.config, each, today), before, steps, each)
        for each in found
    }


@sdk.extend(sdk.Customer)
class CustomerGrading:
    """What grading adds to a customer."""

    score: int = sdk.side(models.Score.points)
    fit_score: int = sdk.side(models.Score.fit)
    engagement_score: int = sdk.side(models.Score.engagement)
    grade: str | None = sdk.side(models.Score.grade)
    graded_at: datetime | None = sdk.side(models.Score.graded_at)
    grade_changes_at: datetime | None = sdk.side(models.Score.changes_at)
    grading: Grading | None = sdk.batch(gradings)
    grade_history: sdk.Connection[GradeChange] = sdk.to_many(
        models.Change.customer_id, order_by=models.Change.created_at.desc()
    )
    """How their score and grade became what they are, the latest first."""


def today_of(context: Context) -> date:
    """The day that it is in the organisation."""
    return context.clock.now().astimezone(ZoneInfo(context.organisation.zone)).date()


def moment(context: Context, day: date | None) -> datetime | None:
    """When a day begins in the organisation."""
    if day is None:
        return None
    return datetime.combine(day, time(0), ZoneInfo(context.organisation.zone))


def step_of(
    context: Context, steps: Sequence[scoring.Step], points: int, before: str | None
) -> scoring.Step | None:
    """The grade of these points; without rules nobody has one."""
    if not context.config.rules:
        return None
    return scoring.grade(steps, points, before, context.config.hysteresis)


def _grading(
    context: Context,
    score: scoring.Score,
    before: Mapping[str, str | None],
    steps: Sequence[scoring.Step],
    known: scoring.Known,
) -> Grading:
    step = step_of(context, steps, score.total, before.get(known.id))
    return Grading(
        score=score.total,
        fit=score.fit,
        engagement=score.engagement,
        grade=None if step is None else sdk.ref(Grade, step.id),
        contributions=[_contribution(context, each) for each in score.shares],
        changes_at=moment(context, score.changes),
        rules=context.config.version,
    )


def _contribution(context: Context, share: scoring.Share) -> GradingContribution:
    evidence = share.evidence()
    return GradingContribution(
        rule=share.rule,
        group=share.group,
        points=share.points,
        evidence=[sdk.ref(sdk.Node, each) for each in evidence[:MOST_EVIDENCE]],
        evidence_count=len(evidence),
        ends_at=moment(context, share.ends()),
    )


@dataclass(frozen=True)
class CreateGrade:
    """A grade of a series; customers are graded by it when the settings name the series."""

    series: str
    """The grades that it is one of, by their key; a new key begins a series."""
    key: str
    """Names it in programs; never changes."""
    at_least: int
    """The points from which on a customer has it."""
    labels: Sequence[sdk.Label] = ()
    """What people call it."""

    def __post_init__(self) -> None:
        sdk.checks.check(
            sdk.checks.key("series", self.series),
            sdk.checks.key("key", self.key),
            _faults_of_least(self.at_least),
        )


@dataclass(frozen=True)
class CreatedGrade:
    """What was made."""

    grade: Grade
    """The new grade."""


@dataclass(frozen=True)
class UpdateGrade:
    """What is to be different about a grade; what is left out stays as it is."""

    id: sdk.Ref[Grade]
    """Which grade."""
    at_least: int | sdk.Unset = sdk.UNSET
    """The points from which on a customer has it; everybody is graded again."""
    labels: Sequence[sdk.Label] | sdk.Unset = sdk.UNSET
    """What people call it."""
    version: int | None = None
    """The version you saw: if it has changed since, nothing happens."""

    def __post_init__(self) -> None:
        if self.at_least is not sdk.UNSET:
            sdk.checks.check(_faults_of_least(self.at_least))


@dataclass(frozen=True)
class UpdatedGrade:
    """The grade, changed."""

    grade: Grade
    """It, as it stands now."""


@dataclass(frozen=True)
class RegradeCustomers:
    """Who is to be graded again."""

    only_due: bool = False
    """Whether only those are whose score has faded since, or was counted by other rules."""


@dataclass(frozen=True)
class RegradedCustomers:
    """The work, begun: it goes on after the answer, some customers at a time."""

    customers: int
    """How many customers are graded again."""


@dataclass(frozen=True)
class CustomersGraded(sdk.Event):
    """Customers have another grade, each in the place of its id; empty is none."""

    about: ClassVar[type | None] = sdk.Customer

    ids: tuple[str, ...]
    old_grades: tuple[str, ...]
    new_grades: tuple[str, ...]


@dataclass(frozen=True)
class ScoreFaded(sdk.Event):
    """The time has come at which a customer's score can be another although nothing happened."""

    about: ClassVar[type | None] = sdk.Customer


@dataclass(frozen=True)
class RegradingWanted(sdk.Event):
    """The customers after this one are still to be graded again."""

    after: str
    only_due: bool


def _faults_of_least(points: int) -> Iterator[sdk.Problem]:
    if abs(points) > MOST:
        yield sdk.checks.fault("atLeast", f"A score is between -{MOST} and {MOST} points.")
