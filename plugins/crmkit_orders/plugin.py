"""The plugin orders: what it brings, and what it asks of the house."""

from __future__ import annotations

from crmkit import sdk
from crmkit_orders import models, service, types
from crmkit_orders.demo import OrdersDemo
from crmkit_orders.imports import OrderLine, import_orders


class Orders(sdk.Plugin):
    """What customers buy."""

    name = "orders"
    version = "1.0"
    words = ("order",)
    requires_sdk = ">=1,<2"
    Demo = OrdersDemo

    def register_schema(self, schema: sdk.SchemaBuilder) -> None:
        schema.add(types.Order, types.OrderLine, types.CustomerOrders)
        schema.add(service.record_orders, service.refund_orders)
        schema.live("ordersChanged", types.Order, on=(types.OrdersRecorded, types.OrdersRefunded))
        schema.timeline(types.Order, at=models.Order.placed_at, summary=types.summary)

    def register_permissions(self, permissions: sdk.PermissionBuilder) -> None:
        permissions.add("orders.order.read", "See orders and their lines.")
        permissions.add("orders.order.record", "Record orders.", roles=("manager", "sales"))
        permissions.add("orders.order.refund", "Give back the price of orders.")

    def register_events(self, events: sdk.EventBuilder) -> None:
        events.add(types.OrdersRecorded, types.OrdersRefunded)

    def register_imports(self, imports: sdk.ImportBuilder) -> None:
        imports.add("orders", OrderLine, import_orders)
