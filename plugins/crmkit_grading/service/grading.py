"""Who has which score and grade: counted from facts, whoever asks and however often."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from crmkit import sdk
from crmkit_grading import errors, repository, scoring
from crmkit_grading.config import Context
from crmkit_grading.models import Change, GradingReason
from crmkit_grading.models import Score as ScoreRow
from crmkit_grading.types import (
    CustomersGraded,
    RegradeCustomers,
    RegradedCustomers,
    RegradingWanted,
    ScoreFaded,
    moment,
    step_of,
    today_of,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from crmkit_grading.repository import Stored

PAGE = 500
_KEPT = (
    ScoreRow.points,
    ScoreRow.fit,
    ScoreRow.engagement,
    ScoreRow.grade,
    ScoreRow.graded_at,
    ScoreRow.changes_at,
    ScoreRow.rules,
)
_OF_CUSTOMERS = (
    sdk.CustomersCreated,
    sdk.CustomersUpdated,
    sdk.CustomersRestored,
    sdk.CustomersMerged,
    sdk.CustomersMoved,
)


@dataclass(frozen=True)
class Regraded:
    """What grading again found, and what it changed."""

    customers: int = 0
    scores: int = 0
    grades: Counter[tuple[str, str]] = field(default_factory=Counter)
    last: str | None = None
    """The last customer that was looked at, if there may be more of them."""

    def __add__(self, other: Regraded) -> Regraded:
        return Regraded(
            self.customers + other.customers,
            self.scores + other.scores,
            self.grades + other.grades,
            other.last,
        )


async def follow(context: Context, events: Sequence[sdk.Event]) -> None:
    """Grades all customers of whom there is news, each of them once."""
    if not context.config.rules:
        return
    causes = await _causes(context, events)
    changed = (each.ids for each in events if isinstance(each, _OF_CUSTOMERS))
    ids = sorted({*causes, *itertools.chain.from_iterable(changed)})
    for begin in range(0, len(ids), PAGE):
        await regrade(context, ids[begin : begin + PAGE], causes)


async def fade(context: Context, customer_ids: Collection[str]) -> None:
    """Grades customers again whose time has come; as often as you like."""
    if context.config.rules:
        await regrade(context, sorted(set(customer_ids)))


async def _causes(context: Context, events: Sequence[sdk.Event]) -> Mapping[str, str]:
    """With whom something was said, bought or given back, and the last of that."""
    causes: dict[str, str] = {}
    for each in events:
        if isinstance(each, sdk.InteractionsRecorded):
            causes.update(zip(each.customer_ids, each.ids, strict=True))
    if orders := context.neighbour("orders"):
        kinds = (orders.OrdersRecorded, orders.OrdersRefunded)
        ids = {id_ for each in events if isinstance(each, kinds) for id_ in each.ids}
        if ids:
            causes |= dict(await context.rules(repository.buyers(orders.OrderRow, ids)))
    return causes


@sdk.mutation(permission="grading.customer.regrade")
async def regrade_customers(context: Context, input: RegradeCustomers) -> RegradedCustomers:
    """Have everybody graded again by the rules and grades of now, or only those who are due."""
    await _check_grades(context)
    customers = await waiting(context, only_due=input.only_due)
    context.emit(RegradingWanted("grading", after="", only_due=input.only_due))
    return RegradedCustomers(customers=customers)


async def waiting(context: Context, *, only_due: bool) -> int:
    """Counts the customers to be graded again."""
    due = context.clock.now() if only_due else None
    [(count,)] = await context.rules(repository.count(due, context.config.version))
    return count


async def regrade_page(
    context: Context, after: str, *, only_due: bool, dry: bool = False
) -> Regraded:
    """Grades the next customers again; `dry` only says what would become of them.

    Raises:
        NoGrades: The series that the settings name has none.
    """
    await _check_grades(context)
    due = context.clock.now() if only_due else None
    page = await context.rules(repository.page(after, PAGE, due, context.config.version))
    ids = [each for (each,) in page]
    if not ids:
        return Regraded()
    done = await regrade(context, ids, dry=dry)
    return Regraded(done.customers, done.scores, done.grades, ids[-1])


async def regrade(
    context: Context,
    customer_ids: Collection[str],
    causes: Mapping[str, str] | None = None,
    *,
    dry: bool = False,
) -> Regraded:
    """Counts scores from all that is known, and keeps what has changed as history.

    Args:
        context: The unit in which it is done.
        customer_ids: Whom to grade.
        causes: What happened to some of them, where it follows from news.
        dry: Whether only to say what would become of them.
    """
    # Who holds the scores sees every event that an earlier holder has seen, and more.
    rows = await context.rules(repository.scores(customer_ids, held=not dry))
    before = {each.customer_id: each for each in (repository.Stored(*row) for row in rows)}
    steps = await repository.ladder(context.rules, context.config.grades)
    today = today_of(context)
    changes, graded = [], []
    for known in await repository.known(context, context.rules, customer_ids):
        counted = scoring.score(context.config, known, today)
        stored = before[known.id]
        step = step_of(context, steps, counted.total, stored.grade)
        grade = step.key if step else None
        graded.append((stored, counted, grade))
        if (counted.total, grade) != (stored.points, stored.grade):
            changes.append(_change(context, stored, counted, grade, causes))
    if not dry:
        _keep(context, graded)
        context.write.add(*changes)
        _tell(context, changes)
    moves = Counter((each.old_grade or "", each.new_grade or "") for each in _moved(changes))
    return Regraded(len(before), len(changes), moves)


async def grade_keys(context: Context, customer_ids: Collection[str]) -> Mapping[str, str | None]:
    """The grades of these customers as they were last graded, by their keys."""
    rows = await context.rules(repository.scores(customer_ids))
    return {customer_id: grade for customer_id, _, grade, _ in rows}


async def _check_grades(context: Context) -> None:
    if not await repository.ladder(context.rules, context.config.grades):
        raise errors.NoGrades(context.config.grades)


def _change(
    context: Context,
    stored: Stored,
    counted: scoring.Score,
    grade: str | None,
    causes: Mapping[str, str] | None,
) -> Change:
    cause = causes.get(stored.customer_id) if causes else None
    return Change(
        customer_id=stored.customer_id,
        old_score=stored.points,
        new_score=counted.total,
        old_grade=stored.grade,
        new_grade=grade,
        reason=_reason(cause, is_news=causes is not None),
        cause_id=cause,
        rules=context.config.version,
    )


def _reason(cause: str | None, *, is_news: bool) -> GradingReason:
    if not is_news:
        return GradingReason.REGRADING
    return GradingReason.EVENT if cause else GradingReason.CUSTOMER


def _keep(context: Context, graded: Sequence[tuple[Stored, scoring.Score, str | None]]) -> None:
    now, rules = context.clock.now(), context.config.version
    never = []
    for stored, counted, grade in graded:
        changes_at = moment(context, counted.changes)
        reached = (counted.total, counted.fit, counted.engagement, grade, now, changes_at, rules)
        # All of them name the same columns, so that one statement carries them.
        values = dict(zip(_KEPT, reached, strict=True))
        context.write.change(ScoreRow, stored.customer_id, set=values)
        if changes_at is None and stored.changes_at is not None:
            never.append(stored.customer_id)
        elif changes_at is not None and changes_at != stored.changes_at:
            context.due(changes_at, ScoreFaded(stored.customer_id))
    context.not_due(ScoreFaded, never)


def _moved(changes: Sequence[Change]) -> list[Change]:
    return [each for each in changes if each.old_grade != each.new_grade]


def _tell(context: Context, changes: Sequence[Change]) -> None:
    if moved := _moved(changes):
        context.emit(
            CustomersGraded(
                moved[0].customer_id,
                ids=tuple(each.customer_id for each in moved),
                old_grades=tuple(each.old_grade or "" for each in moved),
                new_grades=tuple(each.new_grade or "" for each in moved),
            )
        )
