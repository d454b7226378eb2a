from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.plugins.shop import add_customer, buy, refund

if TYPE_CHECKING:
    from crmkit.testing import Trial

pytestmark = pytest.mark.anyio


async def test_a_customer_shows_orders_newest_first(t: Trial) -> None:
    anna = await add_customer(t)
    for day in ("2025-03-01", "2025-01-01", "2025-02-01"):
        await buy(t, anna, placedAt=f"{day}T00:00:00Z")
    found = await t.gql("{ customers { nodes { orders(first: 2) { nodes { placedAt } } } } }")
    [customer] = found["customers"]["nodes"]
    placed = [each["placedAt"][:10] for each in customer["orders"]["nodes"]]
    assert placed == ["2025-03-01", "2025-02-01"]


async def test_a_customer_shows_one_total_for_each_currency(t: Trial) -> None:
    anna = await add_customer(t)
    await add_customer(t, "Berta")
    for amount, currency in (("1.10", "EUR"), ("500", "JPY"), ("2.20", "EUR")):
        await buy(t, anna, amount, currency)
    await refund(t, await buy(t, anna, "100.00", "EUR"))
    found = await t.gql(
        "{ customers(orderBy: [NAME_ASC]) { nodes { orderCount orderTotals { amount currency } } } }"
    )
    euros, yen = ({"amount": "3.30", "currency": "EUR"}, {"amount": "500", "currency": "JPY"})
    assert found["customers"]["nodes"] == [
        {"orderCount": 3, "orderTotals": [euros, yen]},
        {"orderCount": 0, "orderTotals": []},
    ]


async def test_customers_are_found_and_sorted_by_their_orders(t: Trial) -> None:
    for name, orders in (("Anna", 0), ("Berta", 2), ("Clara", 1)):
        customer = await add_customer(t, name)
        for number in range(orders):
            await buy(t, customer, placedAt=f"2025-0{number + 1}-01T00:00:00Z")
    found = await t.gql("""{
      many: customers(where: {orderCount: {gte: 1}}, orderBy: [ORDER_COUNT_DESC]) { nodes { name } }
      late: customers(orderBy: [LAST_ORDER_AT_ASC]) { nodes { name lastOrderAt } }
      dear: customers(where: {orders: {some: {total: {currency: EUR, gt: "40"}}}}) { totalCount }
    }""")
    assert [each["name"] for each in found["many"]["nodes"]] == ["Berta", "Clara"]
    assert [each["name"] for each in found["late"]["nodes"]] == ["Clara", "Berta", "Anna"]
    assert found["late"]["nodes"][2]["lastOrderAt"] is None
    assert found["dear"]["totalCount"] == 2


async def test_orders_of_a_deleted_customer_are_not_listed(t: Trial) -> None:
    anna = await add_customer(t)
    await buy(t, anna)
    await t.gql(
        "mutation ($id: ID!) { deleteCustomer(input: {id: $id}) { deletedCustomerId } }", id=anna
    )
    assert (await t.gql("{ orders { totalCount } }"))["orders"]["totalCount"] == 0
