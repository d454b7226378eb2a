"""What plugins can do when orders are recorded and refunded."""

from __future__ import annotations

from collections.abc import Sequence

from crmkit import sdk
from crmkit_orders.models import Order
from crmkit_orders.types import RecordOrder, Refund, RefundOrder


@sdk.hookspec
async def before_orders_record(
    context: sdk.Context, drafts: Sequence[sdk.Draft[RecordOrder, Order]]
) -> None:
    """Change the rows of new orders, or refuse some, before they are added."""


@sdk.hookspec
async def orders_recorded(
    context: sdk.Context, drafts: Sequence[sdk.Draft[RecordOrder, Order]]
) -> None:
    """Add what follows from new orders, in their unit."""


@sdk.hookspec
async def orders_refunded(
    context: sdk.Context, drafts: Sequence[sdk.Draft[RefundOrder, Refund]]
) -> None:
    """Undo what followed from orders whose price was given back, in the same unit."""
