"""What customers contribute to the core."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmkit.customers import models, service, types
from crmkit.host.field_tables import FieldTable

if TYPE_CHECKING:
    from crmkit.host.builders import EventBuilder, PermissionBuilder, SchemaBuilder
    from crmkit.settings import FieldSettings


def register_schema(schema: SchemaBuilder) -> None:
    schema.add(
        types.Customer,
        types.CustomerEmail,
        types.CustomerPhone,
        types.CustomerAddress,
        types.CustomerExternalId,
        types.CustomerRelation,
        types.StageStay,
        service.create_customers,
        service.update_customers,
        service.upsert_customers,
        service.delete_customers,
        service.restore_customers,
        service.move_customers,
        service.merge_customers,
        service.relate_customers,
        service.end_relations,
    )
    schema.live(
        "customersChanged",
        types.Customer,
        on=(
            types.CustomersCreated,
            types.CustomersUpdated,
            types.CustomersRestored,
            types.CustomersMoved,
            types.CustomersMerged,
        ),
        gone=(types.CustomersDeleted,),
        description="Customers are new, have changed, were moved, merged or deleted, or are back.",
    )
    schema.live(
        "stagesMoved",
        types.StageStay,
        on=(types.CustomersMoved,),
        description="Customers have moved to another stage.",
    )
    schema.timeline(types.StageStay, at=models.StageStay.entered_at, summary=types.stay_summary)


def register_fields(schema: SchemaBuilder, fields: FieldSettings) -> None:
    """Adds what the organisation has defined for itself."""
    schema.add(*types.field_parts(fields.of_customers))


def field_table(fields: FieldSettings) -> FieldTable:
    """What the organisation's own fields want of the database."""
    return FieldTable(types.field_table(fields.of_customers), fields.of_customers)


def register_permissions(permissions: PermissionBuilder) -> None:
    permissions.add("core.customer.read", "See customers, how to reach them and where they stand.")
    permissions.add(
        "core.customer.create",
        "Add customers.",
        roles=("manager", "sales", "support", "public_form"),
    )
    permissions.add(
        "core.customer.update", "Change customers.", roles=("manager", "sales", "support")
    )
    permissions.add(
        "core.customer.upsert",
        "Add customers, or change those who are known already.",
        roles=("manager", "sales", "support"),
    )
    permissions.add("core.customer.delete", "Delete customers.")
    permissions.add("core.customer.restore", "Bring deleted customers back.")
    permissions.add(
        "core.customer.move", "Move customers to another stage.", roles=("manager", "sales")
    )
    permissions.add("core.customer.merge", "Make one customer of several.")
    permissions.add(
        "core.customer.relate",
        "Say how customers are related.",
        roles=("manager", "sales", "support"),
    )


def register_events(events: EventBuilder) -> None:
    events.add(
        types.CustomersCreated,
        types.CustomersUpdated,
        types.CustomersDeleted,
        types.CustomersRestored,
        types.CustomersMoved,
        types.CustomersMerged,
    )
