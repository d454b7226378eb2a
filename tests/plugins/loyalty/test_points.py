from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.plugins.loyalty.ledger import ADJUST, REDEEM, account, adjust, balance, redeem
from tests.plugins.shop import add_customer, buy

if TYPE_CHECKING:
    from crmkit.testing import Trial

pytestmark = pytest.mark.anyio


async def test_an_order_earns_points_that_show_with_the_order(t: Trial) -> None:
    anna = await add_customer(t)
    total = {"amount": "42.50", "currency": "EUR"}
    done = await t.gql(
        """mutation ($input: RecordOrderInput!) { recordOrder(input: $input) { order {
          loyaltyEntries { nodes { points kind cause { id ... on Order { total { amount } } } } }
          customer { loyaltyPoints pointsEarned } } } }""",
        input={"customerId": anna, "total": total},
    )
    order = done["recordOrder"]["order"]
    assert order["customer"] == {"loyaltyPoints": "42", "pointsEarned": "42"}
    [entry] = order["loyaltyEntries"]["nodes"]
    assert (entry["points"], entry["kind"]) == ("42", "EARN")
    assert entry["cause"]["total"] == {"amount": "42.50"}


async def test_an_order_that_earns_nothing_leaves_no_entry(t: Trial) -> None:
    anna = await add_customer(t)
    await buy(t, anna, "0.00")
    await buy(t, anna, "0.99")
    assert (await account(t, anna))["loyaltyEntries"]["nodes"] == []


async def test_earning_reads_nothing(t: Trial) -> None:
    anna = await add_customer(t)
    with t.statements() as sent:
        await buy(t, anna)
    [looked_up, *written] = sent
    assert looked_up.startswith("SELECT")
    assert [each for each in written if "FROM loyalty" in each or each.startswith("SELECT")] == []


async def test_points_are_spent_to_the_last_one_and_no_further(t: Trial) -> None:
    anna = await add_customer(t)
    await buy(t, anna, "42.00")
    spent = await redeem(t, anna, 42)
    assert spent["points"] == "-42"
    assert spent["customer"] == {"loyaltyPoints": "0"}
    [error] = await t.errors(REDEEM, input={"customerId": anna, "points": "1"})
    extensions = error["extensions"]
    assert (extensions["code"], extensions["reason"]) == ("REFUSED", "loyalty.insufficient_points")
    assert extensions["problems"][0]["field"] == ["input", "points"]
    assert extensions["problems"][0]["params"] == {"points": 1}
    assert await balance(t, anna) == 0


async def test_points_are_put_right_with_a_reason_but_never_below_zero(t: Trial) -> None:
    anna = await add_customer(t)
    given = await adjust(t, anna, 10, "The parcel came late")
    assert (given["kind"], given["reason"]) == ("ADJUST", "The parcel came late")
    await adjust(t, anna, -10)
    [error] = await t.errors(
        ADJUST, input={"customerId": anna, "points": "-1", "reason": "Too many"}
    )
    assert error["extensions"]["reason"] == "loyalty.insufficient_points"
    assert await balance(t, anna) == 0


async def test_an_idempotency_key_spends_once(t: Trial) -> None:
    anna = await add_customer(t)
    await adjust(t, anna, 100)
    once = {"customerId": anna, "points": "10", "idempotencyKey": "till-1"}
    for _ in range(3):
        await t.gql(REDEEM, input=once)
    assert await balance(t, anna) == 90


async def test_entries_are_listed_the_newest_first(t: Trial) -> None:
    anna = await add_customer(t)
    for points in (1, 2, 3):
        t.clock.move(days=1)
        await adjust(t, anna, points)
    entries = (await account(t, anna))["loyaltyEntries"]["nodes"]
    assert [each["points"] for each in entries] == ["3", "2", "1"]


async def test_customers_are_found_and_sorted_by_points(t: Trial) -> None:
    for name, points in (("Anna", 5), ("Berta", 0), ("Clara", 9), ("Dora", 5)):
        customer = await add_customer(t, name)
        if points:
            await adjust(t, customer, points)
    found = await t.gql("""{
      rich: customers(where: {loyaltyPoints: {gte: "5"}}, orderBy: [LOYALTY_POINTS_DESC, NAME_ASC])
        { nodes { name } }
      poor: customers(where: {loyaltyPoints: {eq: "0"}}) { nodes { name } }
    }""")
    assert [each["name"] for each in found["rich"]["nodes"]] == ["Clara", "Anna", "Dora"]
    assert found["poor"]["nodes"] == [{"name": "Berta"}]


async def test_a_tier_is_earned_and_spending_loses_it_not(t: Trial) -> None:
    anna = await add_customer(t)
    await adjust(t, anna, 9_999)
    assert (await account(t, anna))["loyaltyTier"] is None
    await buy(t, anna, "1000.00")
    assert (await account(t, anna))["loyaltyTier"] == "silver"
    await buy(t, anna, "4000.00")
    await redeem(t, anna, 5_000)
    assert (await account(t, anna))["loyaltyTier"] == "gold"


async def test_an_order_of_more_points_than_can_be_counted_is_refused(t: Trial) -> None:
    anna = await add_customer(t)
    total = {"amount": "2000000000000000", "currency": "EUR"}
    [error] = await t.errors(
        "mutation ($input: RecordOrderInput!) { recordOrder(input: $input) { order { id } } }",
        input={"customerId": anna, "total": total},
    )
    assert error["extensions"]["reason"] == "loyalty.too_many_points"
    assert error["extensions"]["plugin"] == "loyalty"
