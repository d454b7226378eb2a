"""What the audit contributes to the core."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmkit.audit import types

if TYPE_CHECKING:
    from crmkit.host.builders import PermissionBuilder, SchemaBuilder


def register_schema(schema: SchemaBuilder) -> None:
    schema.add(types.AuditEntry, types.HistoryOfCustomer)


def register_permissions(permissions: PermissionBuilder) -> None:
    permissions.add("core.audit.read", "See who did what, and when.", roles=())
