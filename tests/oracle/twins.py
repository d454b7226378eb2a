"""Expressions and batch functions of the bundled plugins, written again over rows by hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from crmkit.values import money
from crmkit_feedback.models import TicketState
from crmkit_grading import scoring
from crmkit_grading.config import EventKind
from crmkit_orders.models import OrderState
from crmkit_tasks.models import TaskState

if TYPE_CHECKING:
    from tests.oracle.meaning import Meaning
    from tests.oracle.world import Row

Twin = Callable[..., Any]
"""What a function of a plugin says of a row; the field's arguments have their own names."""

_DONE = (TicketState.SOLVED, TicketState.CLOSED)
_EVIDENCE = 100


def amount(minor: int, currency: str) -> dict[str, Any]:
    """What a client sees of money."""
    written = Decimal(minor).scaleb(-money.digits(currency))
    return {"amount": written, "currency": currency}


def _orders(meaning: Meaning, customer: Row) -> list[Row]:
    """The orders that a customer placed and kept."""
    orders = meaning.world.pointing("orders_order", "customer_id", customer.id)
    return [each for each in orders if each["state"] is OrderState.PLACED]


def _open_tasks(meaning: Meaning, customer: Row) -> list[Row]:
    tasks = meaning.world.pointing("tasks_task", "customer_id", customer.id)
    return [each for each in tasks if each["state"] is TaskState.OPEN]


def _order_count(meaning: Meaning, customer: Row) -> int:
    return len(_orders(meaning, customer))


def _last_order_at(meaning: Meaning, customer: Row) -> datetime | None:
    return max((each["placed_at"] for each in _orders(meaning, customer)), default=None)


def _order_totals(meaning: Meaning, customer: Row) -> list[dict[str, Any]]:
    totals: dict[str, int] = {}
    for each in _orders(meaning, customer):
        totals[each["currency"]] = totals.get(each["currency"], 0) + each["total_minor"]
    return [amount(totals[currency], currency) for currency in sorted(totals)]


def _open_tickets(meaning: Meaning, customer: Row) -> int:
    tickets = meaning.world.pointing("feedback_ticket", "customer_id", customer.id)
    return sum(each["state"] not in _DONE for each in tickets)


def _next_task(meaning: Meaning, customer: Row) -> Row | None:
    tasks = _open_tasks(meaning, customer)
    return min(tasks, key=lambda each: (each["due_at"], each.id), default=None)


def _next_task_due_at(meaning: Meaning, customer: Row) -> datetime | None:
    return min((each["due_at"] for each in _open_tasks(meaning, customer)), default=None)


def _open_task_count(meaning: Meaning, customer: Row) -> int:
    return len(_open_tasks(meaning, customer))


def _customer_count(meaning: Meaning, tag: Row) -> int:
    return len(meaning.world.pointing("customer_tag", "tag_id", tag.id))


def _loyalty_tier(meaning: Meaning, customer: Row) -> str | None:
    account = meaning.world.one("loyalty_account", customer.id)
    tiers = meaning.t.host.context("loyalty").config.tiers
    reached = [
        (least, tier)
        for tier, least in tiers.items()
        if account is not None and account["earned"] >= least
    ]
    return max(reached)[1] if reached else None


def _rating_token(meaning: Meaning, solve: Row) -> str | None:
    until = solve["rateable_until"]
    rated = meaning.world.one("feedback_rating", solve.id) is not None
    if rated or until <= meaning.t.clock.now():
        return None
    return meaning.t.host.context("feedback").sign(solve.id, purpose="rating", until=until)


# -- grading ------------------------------------------------------------------------------


def _grading(meaning: Meaning, customer: Row) -> dict[str, Any]:
    """Facts are gathered here; what rules make of them is a pure function of the plugin's."""
    context = meaning.t.host.context("grading")
    zone = ZoneInfo(meaning.t.host.settings.organisation.zone)
    today = meaning.t.clock.now().astimezone(zone).date()
    known = scoring.Known(customer.id, _fields(meaning, customer), _events(meaning, customer, zone))
    score = scoring.score(context.config, known, today)
    grades = [
        each
        for each in meaning.world.rows["grading_grade"]
        if each["series"] == context.config.grades
    ]
    steps = [
        scoring.Step(each.id, each["key"], each["at_least"])
        for each in sorted(grades, key=lambda each: int(each["at_least"]))
    ]
    before = meaning.world.one("grading_score", customer.id)
    step = scoring.grade(steps, score.total, before and before["grade"], context.config.hysteresis)
    return {
        "score": score.total,
        "fit": score.fit,
        "engagement": score.engagement,
        "grade": None if step is None else meaning.any(step.id),
        "contributions": [_contribution(meaning, each, zone) for each in score.shares],
        "changesAt": _midnight(score.changes, zone),
        "rules": context.config.version,
    }


def _contribution(meaning: Meaning, share: scoring.Share, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "rule": share.rule,
        "group": share.group,
        "points": share.points,
        "evidence": [meaning.any(each) for each in share.evidence()[:_EVIDENCE]],
        "evidenceCount": len(share.evidence()),
        "endsAt": _midnight(share.ends(), zone),
    }


def _midnight(day: date | None, zone: ZoneInfo) -> datetime | None:
    return None if day is None else datetime.combine(day, time(0), zone)


def _fields(meaning: Meaning, customer: Row) -> dict[str, Any]:
    world = meaning.world
    stage = world.one("stage", customer["stage_id"])
    emails = world.pointing("customer_email", "customer_id", customer.id)
    address = next((each["address"] for each in emails if each["is_primary"]), None)
    names = (
        "id", "name", "given_name", "family_name", "source", "locale", "zone", "owner_id",
        "team_id", "created_at",
    )  # fmt: skip
    return {
        **{name: customer[name] for name in names},
        "kind": customer["kind"].value,
        "stage": stage and stage["key"],
        "has_phone": bool(world.pointing("customer_phone", "customer_id", customer.id)),
        "email_domain": address and address.rpartition("@")[2],
    }


def _events(
    meaning: Meaning, customer: Row, zone: ZoneInfo
) -> dict[EventKind, list[scoring.Happened]]:
    """The rules of this company count all events, so nobody asks what they are like."""
    said = meaning.world.pointing("interaction", "customer_id", customer.id)
    standing = [
        each for each in said if not meaning.world.pointing("interaction", "supersedes_id", each.id)
    ]
    return {
        EventKind.INTERACTION: [
            scoring.Happened(each.id, _day(each["occurred_at"], zone), {}) for each in standing
        ],
        EventKind.ORDER: [
            scoring.Happened(each.id, _day(each["placed_at"], zone), {})
            for each in _orders(meaning, customer)
        ],
    }


def _day(at: datetime, zone: ZoneInfo) -> date:
    return at.astimezone(zone).date()


UNTOLD = {("AuditEntry", "changes")}
"""What has no twin: what the audit tells is compared with what was done in tests/audit."""

TWINS: dict[tuple[str, str], Twin] = {
    ("Customer", "orderCount"): _order_count,
    ("Customer", "lastOrderAt"): _last_order_at,
    ("Customer", "orderTotals"): _order_totals,
    ("Customer", "openTickets"): _open_tickets,
    ("Customer", "nextTask"): _next_task,
    ("Customer", "nextTaskDueAt"): _next_task_due_at,
    ("Customer", "openTaskCount"): _open_task_count,
    ("Customer", "loyaltyTier"): _loyalty_tier,
    ("Customer", "grading"): _grading,
    ("Tag", "customerCount"): _customer_count,
    ("TicketSolve", "ratingToken"): _rating_token,
}
