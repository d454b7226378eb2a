"""What tags contribute to the core."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmkit.tags import service, types

if TYPE_CHECKING:
    from crmkit.host.builders import PermissionBuilder, SchemaBuilder


def register_schema(schema: SchemaBuilder) -> None:
    schema.add(
        types.Tag,
        types.CustomerTag,
        types.TagsOfCustomer,
        service.create_tags,
        service.update_tags,
        service.retire_tags,
        service.reinstate_tags,
        service.tag_customers,
        service.untag_customers,
    )


def register_permissions(permissions: PermissionBuilder) -> None:
    permissions.add("core.tag.read", "See the tags, and which customers have them.")
    permissions.add("core.tag.create", "Add tags.", roles=("manager", "marketing"))
    permissions.add(
        "core.tag.update",
        "Change what tags are called and how they look.",
        roles=("manager", "marketing"),
    )
    permissions.add("core.tag.retire", "Retire tags, and bring them back.")
    permissions.add(
        "core.customer.tag",
        "Pin tags to customers, and take them off.",
        roles=("manager", "sales", "support", "marketing"),
    )
