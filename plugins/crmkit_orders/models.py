"""Tables: orders and their lines."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, Text
from sqlalchemy.orm import Mapped

from crmkit import sdk


@sdk.enum
class OrderState(Enum):
    """What became of an order."""

    PLACED = "placed"
    """The customer bought, and kept it."""
    REFUNDED = "refunded"
    """The customer got the whole price back."""


class Order(sdk.Versioned):
    """What a customer bought at one time."""

    __tablename__ = "orders_order"
    __table_args__ = (
        # Orders that were placed here have neither, and any number of them may.
        Index("uq_orders_order_source", "source", "external_id", unique=True),
        # The first few of each customer, newest first, without sorting the others.
        Index("ix_orders_order_customer_id", "customer_id", "placed_at", "id"),
    )

    customer_id: Mapped[str] = sdk.column(ForeignKey("customer.id"), doc="Who bought.")
    placed_at: Mapped[datetime] = sdk.column(
        sdk.UtcDateTime, filterable=True, doc="When it was placed."
    )
    total_minor: Mapped[int] = sdk.column(
        BigInteger, filterable=True, doc="What was paid, in minor units of the currency."
    )
    currency: Mapped[str] = sdk.column(sdk.Code, personal=False, doc="An ISO 4217 code.")
    source: Mapped[str | None] = sdk.column(
        sdk.Code,
        personal=False,
        groupable=True,
        default=None,
        doc="The system it comes from, by its key.",
    )
    external_id: Mapped[str | None] = sdk.column(
        sdk.Code,
        personal=False,
        filterable=True,
        default=None,
        doc="What that system calls it; unique within the source.",
    )
    cause_id: Mapped[str | None] = sdk.column(
        sdk.Code,
        personal=False,
        filterable=True,
        default=None,
        doc="What led to it, a record of any kind.",
    )
    state: Mapped[OrderState] = sdk.column(
        sdk.Choice(OrderState),
        filterable=True,
        default=OrderState.PLACED,
        doc="Whether it still stands.",
    )
    refunded_at: Mapped[datetime | None] = sdk.column(
        sdk.UtcDateTime, filterable=True, default=None, doc="When the price was given back."
    )


class Line(sdk.Record):
    """One thing of an order."""

    __tablename__ = "orders_line"

    order_id: Mapped[str] = sdk.column(ForeignKey("orders_order.id"), doc="The order it is of.")
    quantity: Mapped[int] = sdk.column(Integer, doc="How many of it.")
    amount_minor: Mapped[int] = sdk.column(
        BigInteger, doc="What they cost together, in minor units of the currency."
    )
    # Said again of each line, because money is read from one row.
    currency: Mapped[str] = sdk.column(
        sdk.Code, personal=False, doc="An ISO 4217 code, that of the order."
    )
    sku: Mapped[str | None] = sdk.column(
        sdk.Code,
        personal=False,
        filterable=True,
        default=None,
        doc="The article, by the key that the shop gives it.",
    )
    description: Mapped[str | None] = sdk.column(
        Text, personal=False, default=None, doc="What it is, in words."
    )
