"""All that is known of somebody, in a form that machines read and people understand."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any

from crmkit.customers.repository import all_tables
from crmkit.customers.types import Customer
from crmkit.engine.fields import JSON
from crmkit.engine.mutations import mutation
from crmkit.engine.nodes import ref
from crmkit.host import hookspecs
from crmkit.host.belongings import belongings
from crmkit.host.context import Context
from crmkit.host.exports import Export
from crmkit.privacy import repository, types

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Table

FORM = "crmkit.export/1"


@mutation(permission="core.customer.export")
async def export_customer(
    context: Context[Any], input: types.ExportCustomer
) -> types.ExportedCustomer:
    """Hands over all that is known of a customer, as far as the actor reaches."""
    data = await export_of(context, input.id)
    return types.ExportedCustomer(ref(Customer, input.id), JSON(data))


async def export_of(context: Context[Any], customer_id: str) -> types.Data:
    """Reads all rows of a customer in every table, and asks plugins for what lies elsewhere."""
    tables = list(all_tables(context))
    own = repository.customer()
    found = [await _rows(context, own, own.c.id == customer_id)]
    theirs = belongings(own, tables)
    found += [await _rows(context, each.table, each.of(customer_id)) for each in theirs]
    export = Export()
    await context.call(hookspecs.export_customer, customer_id, export)
    # It writes nothing, but whoever takes away all that is known of somebody is remembered.
    context.unit.remark(about=customer_id)
    return {
        "form": FORM,
        "customer": customer_id,
        "exportedAt": context.clock.now().isoformat(),
        "organisation": context.organisation.name,
        "tables": [each for each in found if each["rows"]],
        "elsewhere": dict(export.parts),
    }


async def _rows(context: Context[Any], table: Table, where: ColumnElement[bool]) -> types.Data:
    rows = await repository.rows(context, table, where)
    return {
        "table": table.name,
        "meaning": (table.info["model"].__doc__ or "").partition("\n")[0],
        "columns": {each.name: each.doc for each in table.columns if each.doc},
        "rows": [{name: _plain(value) for name, value in row.items()} for row in rows],
    }


def _plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    return value.hex() if isinstance(value, bytes) else value
