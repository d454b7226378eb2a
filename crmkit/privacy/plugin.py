"""What privacy contributes to the core."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmkit.privacy import service, types

if TYPE_CHECKING:
    from crmkit.host.builders import EventBuilder, PermissionBuilder, SchemaBuilder


def register_schema(schema: SchemaBuilder) -> None:
    schema.add(service.export_customer, service.erase_customer, service.lift_suppressions)


def register_permissions(permissions: PermissionBuilder) -> None:
    permissions.add("core.customer.export", "Hand over all that is known of customers.", roles=())
    permissions.add("core.customer.erase", "Forget customers for ever.", roles=())
    permissions.add(
        "core.suppression.lift", "Let people be entered again who were forgotten.", roles=()
    )


def register_events(events: EventBuilder) -> None:
    events.add(types.CustomersErased, types.ErasureWanted)
    events.on("core.ErasureWanted")(service.erase_next)
