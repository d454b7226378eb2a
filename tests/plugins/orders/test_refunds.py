from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.plugins.shop import add_customer, buy

if TYPE_CHECKING:
    from crmkit.testing import Trial

pytestmark = pytest.mark.anyio

REFUND = """
mutation ($id: ID!) { refundOrder(input: {orderId: $id}) {
  order { state refundedAt version customer { orderCount orderTotals { amount } } } } }
"""
REFUND_MANY = """
mutation ($items: [RefundOrderItem!]!, $onError: OnError!) {
  refundOrders(input: {items: $items, onError: $onError}) {
    results { outcome order { state } error { code reason } } } }
"""


async def test_a_refund_gives_the_whole_price_back(t: Trial) -> None:
    anna = await add_customer(t)
    order = await buy(t, anna, "42.00")
    await buy(t, anna, "8.00")
    t.clock.move(days=1)
    assert (await t.gql(REFUND, id=order))["refundOrder"]["order"] == {
        "state": "REFUNDED",
        "refundedAt": "2026-01-02T00:00:00.000000Z",
        "version": 2,
        "customer": {"orderCount": 1, "orderTotals": [{"amount": "8.00"}]},
    }


async def test_nobody_gets_a_price_back_twice(t: Trial) -> None:
    order = await buy(t, await add_customer(t))
    await t.gql(REFUND, id=order)
    [error] = await t.errors(REFUND, id=order)
    assert error["extensions"]["code"] == "REFUSED"
    assert error["extensions"]["reason"] == "orders.already_refunded"
    assert error["extensions"]["plugin"] == "orders"


async def test_in_bulk_each_is_refunded_once(t: Trial) -> None:
    anna = await add_customer(t)
    orders = [await buy(t, anna) for _ in range(3)]
    await t.gql(REFUND, id=orders[0])
    items = [{"orderId": each} for each in (orders[0], orders[1], orders[1], orders[2])]
    done = await t.gql(REFUND_MANY, items=items, onError="SKIP")
    outcomes = [each["outcome"] for each in done["refundOrders"]["results"]]
    assert outcomes == ["REJECTED", "UPDATED", "REJECTED", "UPDATED"]
    states = await t.gql("{ orders { nodes { state version } } }")
    assert states["orders"]["nodes"] == [{"state": "REFUNDED", "version": 2}] * 3


async def test_all_or_nothing_refunds_nothing_when_one_is_refunded(t: Trial) -> None:
    anna = await add_customer(t)
    orders = [await buy(t, anna) for _ in range(2)]
    await t.gql(REFUND, id=orders[0])
    items = [{"orderId": each} for each in orders]
    [error] = await t.errors(REFUND_MANY, items=items, onError="ABORT")
    assert error["extensions"]["problems"][0]["field"] == ["input", "items", 0, "orderId"]
    left = await t.gql("{ orders(where: {state: {eq: PLACED}}) { nodes { id } } }")
    assert left["orders"]["nodes"] == [{"id": orders[1]}]
