"""What tests of orders and of what follows from them say again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

if TYPE_CHECKING:
    from crmkit.testing import Trial


async def add_customer(t: Trial, name: str = "Anna") -> str:
    """A new customer's id."""
    made = await t.gql(
        "mutation ($name: String!) { createCustomer(input: {name: $name}) { customer { id } } }",
        name=name,
    )
    return str(made["createCustomer"]["customer"]["id"])


async def buy(
    t: Trial, customer: str, amount: str = "42.00", currency: str = "EUR", **given: Any
) -> str:
    """The id of a new order of this customer."""
    total = {"amount": amount, "currency": currency}
    made = await t.gql(
        "mutation ($input: RecordOrderInput!) { recordOrder(input: $input) { order { id } } }",
        input={"customerId": customer, "total": total, **given},
    )
    return str(made["recordOrder"]["order"]["id"])


async def refund(t: Trial, order: str) -> None:
    """Gives back the price of an order."""
    await t.gql(
        "mutation ($id: ID!) { refundOrder(input: {orderId: $id}) { order { state } } }", id=order
    )


async def row_counts(t: Trial) -> dict[str, int]:
    """How many rows each table of the app has."""
    tables = [table for each in t.host.loaded.plugins for table in each.tables]
    counts = {}
    for table in tables:
        [(counts[table.name],)] = await t.host.database.fetch(
            select(func.count()).select_from(table)
        )
    return counts
