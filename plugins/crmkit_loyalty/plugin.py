"""The plugin loyalty: what it brings, and what it hears of others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from crmkit import sdk
from crmkit_loyalty import models, service, types
from crmkit_loyalty.config import Context, LoyaltyConfig
from crmkit_loyalty.demo import LoyaltyDemo

if TYPE_CHECKING:
    # Where orders is absent, its hooks are not called and nobody asks for these.
    from crmkit_orders.api import OrderRow, RecordOrder, Refund, RefundOrder  # noqa: TC004


class Loyalty(sdk.Plugin):
    """Points for what customers do."""

    name = "loyalty"
    version = "1.0"
    words = ("points", "tier")
    requires_sdk = ">=1,<2"
    works_with = ("orders>=1",)
    Config = LoyaltyConfig
    Demo = LoyaltyDemo

    def register_schema(self, schema: sdk.SchemaBuilder) -> None:
        schema.add(types.LoyaltyEntry, types.CustomerLoyalty, types.OrderLoyalty)
        schema.add(service.redeem_points, service.adjust_points)
        schema.timeline(types.LoyaltyEntry, at=models.Entry.created_at, summary=types.summary)

    def register_permissions(self, permissions: sdk.PermissionBuilder) -> None:
        permissions.add("loyalty.entry.read", "See how points came and went.")
        permissions.add(
            "loyalty.points.redeem",
            "Spend points of customers.",
            roles=("manager", "sales", "support"),
        )
        permissions.add("loyalty.points.adjust", "Give and take points, and say why.")

    async def verify(self, context: Context) -> sdk.Verified:
        return await service.verified(context)


@sdk.hook
async def customers_created(
    context: Context, drafts: Sequence[sdk.Draft[sdk.CreateCustomer, sdk.rows.Customer]]
) -> None:
    service.welcome(context, [draft.row.id for draft in drafts])


@sdk.hook(of="orders")
async def orders_recorded(
    context: Context, drafts: Sequence[sdk.Draft[RecordOrder, OrderRow]]
) -> None:
    service.earn(context, drafts)


@sdk.hook(of="orders")
async def orders_refunded(
    context: Context, drafts: Sequence[sdk.Draft[RefundOrder, Refund]]
) -> None:
    await service.reverse(context, [draft.input.order_id for draft in drafts])
