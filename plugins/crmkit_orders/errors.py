"""What can go wrong with orders."""

from __future__ import annotations

from crmkit import sdk


class AlreadyRefunded(sdk.Refused):
    """An order is refunded once."""

    reason = "orders.already_refunded"

    def __init__(self) -> None:
        super().__init__("This order has been refunded already.", field="orderId")
