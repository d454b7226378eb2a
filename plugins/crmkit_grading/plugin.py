"""The plugin grading: what it brings, and what it hears of customers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmkit import sdk
from crmkit_grading import service, types
from crmkit_grading.config import Context, GradingConfig
from crmkit_grading.demo import GradingDemo

if TYPE_CHECKING:
    from collections.abc import Sequence


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
        schema.live(
            "customersGraded",
            sdk.Customer,
            on=(types.CustomersGraded,),
            description="Customers have another grade.",
        )

    def register_permissions(self, permissions: sdk.PermissionBuilder) -> None:
        permissions.add("grading.grade.read", "See what grades there are.")
        permissions.add("grading.grade.create", "Add grades.")
        permissions.add("grading.grade.update", "Change grades and the points they want.")
        permissions.add("grading.change.read", "See how scores and grades changed.")
        permissions.add(
            "grading.customer.regrade",
            "Have customers graded again.",
            roles=("manager", "marketing"),
        )

    def register_events(self, events: sdk.EventBuilder) -> None:
        events.add(types.CustomersGraded, types.ScoreFaded, types.RegradingWanted)
        events.on(
            "core.CustomersCreated",
            "core.CustomersUpdated",
            "core.CustomersRestored",
            "core.CustomersMerged",
            "core.CustomersMoved",
            "core.InteractionsRecorded",
            "orders.OrdersRecorded",
            "orders.OrdersRefunded",
        )(grade)
        events.on("grading.ScoreFaded")(fade)
        events.on("grading.RegradingWanted")(regrade_next)

    async def startup(self, app: sdk.Host) -> None:
        await app.run_unit("grading", service.ensure_presets, operation="grading presets")


async def grade(context: Context, events: Sequence[sdk.Event]) -> None:
    """Grades customers of whom there is news: of themselves, or of what happened to them."""
    await service.follow(context, events)


async def fade(context: Context, events: Sequence[types.ScoreFaded]) -> None:
    """Grades customers again whose score has faded."""
    await service.fade(context, [each.record for each in events])


async def regrade_next(context: Context, event: types.RegradingWanted) -> None:
    """Grades some customers again, and has the others graded after them."""
    done = await service.regrade_page(context, event.after, only_due=event.only_due)
    if done.last is not None:
        context.emit(types.RegradingWanted("grading", after=done.last, only_due=event.only_due))
