"""What a client sees of orders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import add
from typing import ClassVar

from crmkit import sdk
from crmkit_orders import models, repository

LONGEST_TEXT = 2_000


@sdk.node(
    models.Order,
    list="orders",
    read="orders.order.read",
    order_by=models.Order.placed_at.desc(),
)
class Order:
    """What a customer bought at one time."""

    customer: sdk.Customer = sdk.to_one()
    """Who bought."""
    placed_at: datetime
    total: sdk.Money = sdk.money(models.Order.total_minor, models.Order.currency)
    """What was paid."""
    lines: sdk.Connection[OrderLine] = sdk.to_many(models.Line.order_id)
    """What was bought; empty where only the total is known."""
    state: models.OrderState
    refunded_at: datetime | None
    source: str | None
    external_id: str | None
    cause: sdk.Node | None = sdk.cause(models.Order.cause_id)
    """What led to it: an interaction, a campaign, whatever has an id."""


@sdk.node(models.Line, read="orders.order.read")
class OrderLine:
    """One thing of an order."""

    order: Order = sdk.to_one()
    """The order it is of."""
    quantity: int
    amount: sdk.Money = sdk.money(models.Line.amount_minor, models.Line.currency)
    """What they cost together."""
    sku: str | None
    description: str | None


def _bought(
    minor: int,
    currency: str,
    state: models.OrderState,
    *,
    locale: str | None = None,
    organisation: sdk.Organisation,
) -> str:
    """What was paid, and whether it was given back."""
    words = {
        models.OrderState.PLACED: {"en": "Order: {}", "de": "Bestellung: {}", "zh": "订单：{}"},
        models.OrderState.REFUNDED: {
            "en": "Order: {} (refunded)",
            "de": "Bestellung: {} (erstattet)",
            "zh": "订单：{}（已退款）",
        },
    }
    locales = (locale, organisation.locale)
    return sdk.phrase(words[state], *locales).format(sdk.Money(minor, currency).formatted(*locales))


summary = sdk.computed(_bought, models.Order.total_minor, models.Order.currency, models.Order.state)
"""An order in a line."""


@sdk.extend(sdk.Customer)
class CustomerOrders:
    """What orders add to a customer."""

    orders: sdk.Connection[Order] = sdk.to_many(
        models.Order.customer_id, order_by=models.Order.placed_at.desc()
    )
    """What the customer bought, the newest first."""
    order_count: int = sdk.expression(repository.order_count, filterable=True)
    last_order_at: datetime | None = sdk.expression(repository.last_order_at, filterable=True)
    order_totals: list[sdk.MoneyType] | None = sdk.batch(repository.order_totals)


@dataclass(frozen=True)
class RecordOrderLine:
    """One thing that was bought."""

    amount: sdk.Money
    """What they cost together; a discount is below zero."""
    quantity: int = 1
    """How many of it."""
    sku: str | None = None
    """The article, by the key that the shop gives it."""
    description: str | None = None
    """What it is, in words."""

    def __post_init__(self) -> None:
        sdk.checks.check(
            _faults_of_quantity(self.quantity),
            sdk.checks.of_length("sku", self.sku),
            sdk.checks.of_length("description", self.description, LONGEST_TEXT),
        )


@dataclass(frozen=True)
class RecordOrder:
    """An order that a customer placed, here or elsewhere."""

    customer_id: sdk.Ref[sdk.Customer]
    """Who bought."""
    total: sdk.Money | None = None
    """What was paid; the sum of the lines unless said."""
    lines: Sequence[RecordOrderLine] = ()
    """What was bought; may be left out where only the total is known."""
    placed_at: datetime | None = None
    """When it was placed; now unless said."""
    source: str | None = None
    """The system it comes from; stands together with the external id."""
    external_id: str | None = None
    """What that system calls it; one order of it is recorded only once."""
    cause_id: sdk.Ref[sdk.Node] | None = None
    """What led to it, a record of any kind."""

    def __post_init__(self) -> None:
        sdk.checks.check(
            self._faults_of_identity(),
            self._faults_of_total(),
        )

    @property
    def paid(self) -> sdk.Money:
        """The total, said or summed up."""
        return self.total or self._sum()

    def _faults_of_identity(self) -> Sequence[sdk.Problem]:
        if self.source is None and self.external_id is None:
            return ()
        return [
            *sdk.checks.word("source", self.source),
            *sdk.checks.word("externalId", self.external_id),
        ]

    def _faults_of_total(self) -> Sequence[sdk.Problem]:
        if self.total is None and not self.lines:
            return [sdk.checks.fault("total", "An order has a total, or lines that sum up to it.")]
        # Amounts of two currencies have no sum, so this comes first.
        currency = (self.total or self.lines[0].amount).currency
        for index, line in enumerate(self.lines):
            if line.amount.currency != currency:
                message = f"This order is paid in {currency}; an order has one currency."
                return [sdk.checks.fault(("lines", index, "amount", "currency"), message)]
        if self.paid.minor < 0:
            return [sdk.checks.fault("total", "An order cannot be worth less than nothing.")]
        if self.total and self.lines and self.total != self._sum():
            return [sdk.checks.fault("total", "The total is not what the lines sum up to.")]
        return ()

    def _sum(self) -> sdk.Money:
        first, *others = self.lines
        return reduce(add, [line.amount for line in others], first.amount)


@dataclass(frozen=True)
class RecordedOrder:
    """The order, recorded."""

    order: Order
    """It, as it stands now."""


@dataclass(frozen=True)
class RefundOrder:
    """An order whose whole price is given back."""

    order_id: sdk.Ref[Order]
    """Which order."""


@dataclass(frozen=True)
class RefundedOrder:
    """The order, refunded."""

    order: Order
    """It, as it stands now."""


@dataclass(frozen=True)
class Refund:
    """What is given back, and to whom."""

    order_id: str
    customer_id: str
    amount: sdk.Money


@dataclass(frozen=True)
class OrdersRecorded(sdk.Event):
    """Orders are new."""

    about: ClassVar[type | None] = Order

    ids: tuple[str, ...]


@dataclass(frozen=True)
class OrdersRefunded(sdk.Event):
    """The price of orders was given back."""

    about: ClassVar[type | None] = Order

    ids: tuple[str, ...]


def _faults_of_quantity(quantity: int) -> Sequence[sdk.Problem]:
    if quantity < 1:
        return [sdk.checks.fault("quantity", "A line is of one thing or more.")]
    return ()
