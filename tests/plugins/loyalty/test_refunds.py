from __future__ import annotations

import pytest

from crmkit.testing import crm
from crmkit_loyalty.plugin import Loyalty
from crmkit_orders.plugin import Orders
from tests.plugins.loyalty.ledger import account, adjust, balance, redeem
from tests.plugins.shop import add_customer, buy, refund

pytestmark = pytest.mark.anyio


async def test_a_refund_takes_back_what_the_order_earned(engine: str) -> None:
    async with crm(Loyalty, Orders, engine=engine) as t:
        anna = await add_customer(t)
        order = await buy(t, anna, "42.99")
        await buy(t, anna, "8.00")
        t.clock.move(days=1)
        await refund(t, order)
        found = await account(t, anna)
    assert (found["loyaltyPoints"], found["pointsEarned"]) == ("8", "8")
    assert found["loyaltyEntries"]["nodes"][0] == {
        "kind": "REVERSE",
        "points": "-42",
        "reverses": {"points": "42"},
    }


async def test_points_that_were_spent_are_owed(engine: str) -> None:
    async with crm(Loyalty, Orders, engine=engine) as t:
        anna = await add_customer(t)
        order = await buy(t, anna, "42.00")
        await redeem(t, anna, 30)
        await refund(t, order)
        assert await balance(t, anna) == -30
        await adjust(t, anna, 10)
        assert await balance(t, anna) == -20


async def test_points_that_were_spent_are_forgiven_where_the_company_says_so(engine: str) -> None:
    forgiving = {"loyalty": {"spent_points": "forgive"}}
    async with crm(Loyalty, Orders, config=forgiving, engine=engine) as t:
        anna = await add_customer(t)
        orders = [await buy(t, anna, "42.00"), await buy(t, anna, "20.00")]
        await redeem(t, anna, 30)
        for order in orders:
            await refund(t, order)
        found = await account(t, anna)
    assert found["loyaltyPoints"] == "0"
    taken = {each["points"] for each in found["loyaltyEntries"]["nodes"] if each["reverses"]}
    assert taken == {"-32", "0"}


async def test_in_bulk_each_order_loses_its_own_points(engine: str) -> None:
    async with crm(Loyalty, Orders, engine=engine) as t:
        customers = [await add_customer(t, name) for name in ("Anna", "Berta")]
        orders = [await buy(t, each, "10.00") for each in customers for _ in range(2)]
        items = [{"orderId": each} for each in orders[:3]]
        await t.gql(
            """mutation ($items: [RefundOrderItem!]!) {
              refundOrders(input: {items: $items}) { results { outcome } } }""",
            items=items,
        )
        assert [await balance(t, each) for each in customers] == [0, 10]
