"""The statements of grading."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Select, exists, func, or_, select
from sqlalchemy.orm import aliased

from crmkit import sdk
from crmkit_grading.config import EventKind
from crmkit_grading.models import Grade, Score
from crmkit_grading.scoring import Happened, Known, Step

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from crmkit_grading.config import Context
    from crmkit_orders.api import OrderRow, OrderState

Read = Callable[[Any], Awaitable[list[Any]]]

_NOTHING: Mapping[str, Any] = {}

# Made once: an alias looks at every column, each time that one is made.
_SAID, _CORRECTION = aliased(sdk.rows.Interaction), aliased(sdk.rows.Interaction)


class Stored(NamedTuple):
    """What a customer had reached when they were last graded."""

    customer_id: str
    points: int
    grade: str | None
    changes_at: datetime | None


async def known(context: Context, read: Read, customer_ids: Collection[str]) -> list[Known]:
    """All that rules ask of these customers, in one statement for each kind of thing."""
    found = {
        kind: await _happened(context, read, kind, statement)
        for kind, statement in _events(context, customer_ids).items()
    }
    return [
        Known(
            fields["id"], fields, {kind: each.get(fields["id"], ()) for kind, each in found.items()}
        )
        for fields in map(_fields, await read(_customers(customer_ids)))
    ]


@sdk.statement
def scores(
    customer_ids: Collection[str], *, held: bool = False
) -> Select[str, int, str | None, datetime | None]:
    """What these customers have reached; held, if need be, until the unit ends."""
    wanted = (
        select(Score.customer_id, Score.points, Score.grade, Score.changes_at)
        .where(Score.customer_id.in_(customer_ids))
        .order_by(Score.customer_id)
    )
    return wanted.with_for_update() if held else wanted


@sdk.statement
def steps(series: str) -> Select[str, str, int]:
    """The grades of a series."""
    wanted = select(Grade.id, Grade.key, Grade.at_least).where(Grade.series == series)
    return wanted.order_by(Grade.at_least)


async def ladder(read: Read, series: str) -> list[Step]:
    """The grades of a series as scores reach them."""
    return [Step(*each) for each in await read(steps(series))]


def series() -> Select[str]:
    """The series that have grades."""
    return select(Grade.series).distinct()


def versions(grade_ids: Collection[str]) -> Select[str, int, int]:
    """How often these grades have changed, and what they want; held until the unit ends."""
    return (
        select(Grade.id, Grade.version, Grade.at_least)
        .where(Grade.id.in_(sorted(grade_ids)))
        .order_by(Grade.id)
        .with_for_update()
    )


def page(after: str, limit: int, due: datetime | None, rules: str) -> Select[str]:
    """The next customers to be graded; with a moment, only those who are due by then."""
    customer = sdk.rows.Customer
    return (
        _waiting(select(customer.id), due, rules)
        .where(customer.id > after)
        .order_by(customer.id)
        .limit(limit)
    )


def count(due: datetime | None, rules: str) -> Select[int]:
    """How many customers there are to be graded."""
    return _waiting(select(func.count()).select_from(sdk.rows.Customer), due, rules)


@sdk.statement
def buyers(order: type[OrderRow], order_ids: Collection[str]) -> Select[str, str]:
    """Who placed these orders."""
    return select(order.customer_id, order.id).where(order.id.in_(order_ids))


def _waiting(statement: Select[Any], due: datetime | None, rules: str) -> Select[Any]:
    customer = sdk.rows.Customer
    wanted = statement.where(customer.deleted_at.is_(None))
    if due is None:
        return wanted
    stale = or_(Score.rules.is_(None), Score.rules != rules, Score.changes_at <= due)
    return wanted.join(Score, Score.customer_id == customer.id).where(stale)


@sdk.statement
def _customers(ids: Collection[str]) -> Select[*tuple[Any, ...]]:
    customer, stage = sdk.rows.Customer, sdk.rows.Stage
    email, phone = sdk.rows.CustomerEmail, sdk.rows.CustomerPhone
    address = select(email.address).where(email.customer_id == customer.id, email.is_primary)
    return (
        select(
            customer.id,
            customer.kind,
            customer.name,
            customer.given_name,
            customer.family_name,
            customer.source,
            customer.locale,
            customer.zone,
            customer.owner_id,
            customer.team_id,
            customer.created_at,
            stage.key.label("stage"),
            address.limit(1).scalar_subquery().label("address"),
            exists().where(phone.customer_id == customer.id).label("has_phone"),
        )
        .join(stage, stage.id == customer.stage_id)
        .where(customer.id.in_(ids), customer.deleted_at.is_(None))
        .order_by(customer.id)
    )


_CUSTOMER = (
    "id", "kind", "name", "given_name", "family_name", "source", "locale", "zone",
    "owner_id", "team_id", "created_at", "stage", "address", "has_phone",
)  # fmt: skip


def _fields(row: Sequence[Any]) -> dict[str, Any]:
    fields = dict(zip(_CUSTOMER, row, strict=True))
    address = fields.pop("address")
    return {
        **fields,
        "kind": fields["kind"].value,
        "has_phone": bool(fields["has_phone"]),
        "email_domain": None if address is None else address.rpartition("@")[2],
    }


def _events(context: Context, ids: Collection[str]) -> dict[EventKind, Any]:
    """What finds the events of these customers that a rule can still count."""
    found: dict[EventKind, Any] = {}
    for kind in EventKind:
        rules = context.config.counting(kind)
        since = _since([each.reach_days for each in rules], context)
        statement = _statement(context, kind, ids, since) if rules else None
        if statement is not None:
            found[kind] = statement
    return found


def _statement(
    context: Context, kind: EventKind, ids: Collection[str], since: datetime | None
) -> Any:
    asked = _is_asked(context, kind)
    if kind is EventKind.INTERACTION:
        return _interactions(ids, since, asked=asked)
    orders = context.neighbour("orders")
    return orders and _orders(orders.OrderRow, orders.OrderState.PLACED, ids, since, asked=asked)


def _is_asked(context: Context, kind: EventKind) -> bool:
    """Whether a rule asks what events of this kind are like, and not only when they were."""
    return not all(each.counts_all for each in context.config.counting(kind))


def _since(reaches: Sequence[int | None], context: Context) -> datetime | None:
    """The moment from which on events count; nothing where all of them do."""
    days = [each for each in reaches if each is not None]
    if not days or len(days) < len(reaches):
        return None
    # A day more than rules reach: their days are the organisation's, these are of 24 hours.
    return context.clock.now() - timedelta(days=min(max(days), 700_000) + 2)


@sdk.statement
def _interactions(
    ids: Collection[str], since: datetime | None, *, asked: bool
) -> Select[*tuple[Any, ...]]:
    channel, touchpoint = sdk.rows.Channel, sdk.rows.Touchpoint
    wanted: Select[*tuple[Any, ...]] = select(
        _SAID.customer_id, _SAID.id, _SAID.occurred_at.label("at")
    ).where(_SAID.customer_id.in_(ids), ~exists().where(_CORRECTION.supersedes_id == _SAID.id))
    if asked:
        said = (_SAID.kind, channel.key, touchpoint.key, _SAID.direction, _SAID.actor)
        wanted = (
            wanted.add_columns(*said)
            .join(channel, channel.id == _SAID.channel_id)
            .outerjoin(touchpoint, touchpoint.id == _SAID.touchpoint_id)
        )
    return wanted if since is None else wanted.where(_SAID.occurred_at >= since)


@sdk.statement
def _orders(
    order: type[OrderRow],
    kept: OrderState,
    ids: Collection[str],
    since: datetime | None,
    *,
    asked: bool,
) -> Select[*tuple[Any, ...]]:
    wanted: Select[*tuple[Any, ...]] = select(
        order.customer_id, order.id, order.placed_at.label("at")
    ).where(order.customer_id.in_(ids), order.state == kept)
    if asked:
        wanted = wanted.add_columns(order.currency, order.total_minor, order.source)
    return wanted if since is None else wanted.where(order.placed_at >= since)


async def _happened(
    context: Context, read: Read, kind: EventKind, statement: Any
) -> Mapping[str, Sequence[Happened]]:
    """The events of one kind, by customer; what they are like only if a rule asks for it."""
    zone = ZoneInfo(context.organisation.zone)
    made = _said if kind is EventKind.INTERACTION else _bought
    found: dict[str, list[Happened]] = defaultdict(list)
    for customer_id, id_, at, *rest in await read(statement):
        fields = {"at": at, **made(*rest)} if rest else _NOTHING
        found[customer_id].append(Happened(id_, at.astimezone(zone).date(), fields))
    return found


def _said(
    kind: str, channel: str, touchpoint: str | None, direction: sdk.Direction, actor: str
) -> dict[str, Any]:
    return {
        "kind": kind,
        "channel": channel,
        "touchpoint": touchpoint,
        "direction": direction.value,
        "actor": actor,
    }


def _bought(currency: str, minor: int, source: str | None) -> dict[str, Any]:
    return {
        "currency": currency,
        "total": sdk.Money(minor, currency).amount,
        "source": source,
    }
