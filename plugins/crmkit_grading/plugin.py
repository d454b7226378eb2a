"""The plugin grading: what it brings, and what it hears of customers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmkit import sdk
from crmkit_grading import service, types
from crmkit_grading.config import Context, GradingConfig
from crmkit_grading.demo import GradingDemo
from crmkit_grading.models import GradingReason

if TYPE_CHECKING:
    from crmkit_orders.api import OrdersRecorded, OrdersRefunded


class Grading(sdk.Plugin):
    """How good a customer fits and how lively the contact is."""

    name = "grading"
    version = "1.0"
    words = ("grade", "score")
    requires_sdk = ">=1,<2"
    works_with = ("orders>=1",)
    Config = GradingConfig
    Demo = GradingDemo

    def register_schema(self, schema: sdk.SchemaBuilder) -> None:
        schema.add(types.Grade, types.GradeChange, types.CustomerGrading)
        schema.add(service.create_grades, service.update_grades, service.regrade_customers)

    def register_permissions(self, permissions: sdk.PermissionBuilder) -> None:
        permissions.add("grading.grade.read", "See what grades there are.")
        permissions.add("grading.grade.create", "Add grades.")
        permissions.add("grading.grade.update", "Change grades and the points they want.")
        permissions.add("grading.change.read", "See how scores and grades changed.")
        permissions.add("grading.customer.regrade", "Have customers graded again.")

    def register_events(self, events: sdk.EventBuilder) -> None:
        events.add(types.CustomersGraded, types.RegradingWanted)
        events.on("core.CustomersCreated")(grade_new)
        events.on("core.CustomersUpdated")(grade_updated)
        events.on("core.CustomersRestored")(grade_restored)
        events.on("core.CustomersMoved")(grade_moved)
        events.on("core.InteractionsRecorded")(grade_on_contact)
        events.on("orders.OrdersRecorded")(grade_on_order)
        events.on("orders.OrdersRefunded")(grade_on_refund)
        events.on("grading.RegradingWanted")(regrade_next)

    async def startup(self, app: sdk.Host) -> None:
        await app.run_unit("grading", service.ensure_presets, operation="grading presets")


async def grade_new(context: Context, event: sdk.CustomersCreated) -> None:
    """Grades new customers by what is known of them."""
    await service.follow(context, event.ids, GradingReason.CUSTOMER)


async def grade_updated(context: Context, event: sdk.CustomersUpdated) -> None:
    """Grades customers of whom something else is known now."""
    await service.follow(context, event.ids, GradingReason.CUSTOMER)


async def grade_restored(context: Context, event: sdk.CustomersRestored) -> None:
    """Grades customers who are back, by what has changed while they were away."""
    await service.follow(context, event.ids, GradingReason.CUSTOMER)


async def grade_moved(context: Context, event: sdk.CustomersMoved) -> None:
    """Grades customers who stand on another stage."""
    await service.follow(context, event.ids, GradingReason.CUSTOMER)


async def grade_on_contact(context: Context, event: sdk.InteractionsRecorded) -> None:
    """Grades customers with whom something was said or done."""
    causes = dict(zip(event.customer_ids, event.ids, strict=True))
    await service.follow(context, event.customer_ids, GradingReason.EVENT, causes)


async def grade_on_order(context: Context, event: OrdersRecorded) -> None:
    """Grades customers who have bought."""
    await service.follow_orders(context, event.ids)


async def grade_on_refund(context: Context, event: OrdersRefunded) -> None:
    """Grades customers who got a price back."""
    await service.follow_orders(context, event.ids)


async def regrade_next(context: Context, event: types.RegradingWanted) -> None:
    """Grades some customers again, and has the others graded after them."""
    done = await service.regrade_page(context, event.after, only_due=event.only_due)
    if done.last is not None:
        context.emit(types.RegradingWanted("grading", after=done.last, only_due=event.only_due))
