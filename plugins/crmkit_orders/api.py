"""What other plugins may know of orders."""

from __future__ import annotations

from crmkit_orders.models import Order as OrderRow
from crmkit_orders.models import OrderState
from crmkit_orders.service import record_orders, refund_orders
from crmkit_orders.types import (
    Order,
    OrdersRecorded,
    OrdersRefunded,
    RecordOrder,
    RecordOrderLine,
    Refund,
    RefundOrder,
)

__all__ = [
    "Order",
    "OrderRow",
    "OrderState",
    "OrdersRecorded",
    "OrdersRefunded",
    "RecordOrder",
    "RecordOrderLine",
    "Refund",
    "RefundOrder",
    "record_orders",
    "refund_orders",
]
