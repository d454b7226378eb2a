from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.plugins.shop import add_customer, buy

if TYPE_CHECKING:
    from crmkit.testing import Trial

pytestmark = pytest.mark.anyio

RECORD = """
mutation ($input: RecordOrderInput!) {
  recordOrder(input: $input) {
    order {
      total { amount currency } placedAt state source externalId
      lines { nodes { sku quantity amount { amount } } }
      customer { name orderCount }
      cause { id }
    }
  }
}
"""
RECORD_MANY = """
mutation ($items: [RecordOrderItem!]!, $onError: OnError!) {
  recordOrders(input: {items: $items, onError: $onError}) {
    results { index outcome order { total { amount } } error { code problems { field } } }
  }
}
"""


def euros(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "EUR"}


async def record(t: Trial, **given: Any) -> dict[str, Any]:
    done = await t.gql(RECORD, input=given)
    return dict(done["recordOrder"]["order"])


async def test_an_order_costs_what_its_lines_sum_up_to(t: Trial) -> None:
    anna = await add_customer(t)
    lines = [
        {"sku": "cup", "quantity": 3, "amount": euros("0.30")},
        {"description": "Discount", "amount": euros("-0.10")},
    ]
    order = await record(t, customerId=anna, lines=lines)
    assert order["total"] == {"amount": "0.20", "currency": "EUR"}
    assert order["lines"]["nodes"] == [
        {"sku": "cup", "quantity": 3, "amount": {"amount": "0.30"}},
        {"sku": None, "quantity": 1, "amount": {"amount": "-0.10"}},
    ]
    assert order["customer"] == {"name": "Anna", "orderCount": 1}


async def test_an_order_is_placed_now_unless_it_says_when(t: Trial) -> None:
    anna = await add_customer(t)
    t.clock.move(days=3)
    now = await record(t, customerId=anna, total=euros("1"))
    then = await record(t, customerId=anna, total=euros("1"), placedAt="1997-01-01T01:00:00+01:00")
    assert now["placedAt"] == "2026-01-04T00:00:00.000000Z"
    assert then["placedAt"] == "1997-01-01T00:00:00.000000Z"


async def test_an_order_says_what_led_to_it(t: Trial) -> None:
    anna = await add_customer(t)
    first = await buy(t, anna)
    order = await record(t, customerId=anna, total=euros("5"), causeId=first)
    assert order["cause"] == {"id": first}


@pytest.mark.parametrize(
    ("amount", "currency", "exact"),
    [("0", "EUR", "0.00"), ("500", "JPY", "500"), ("1.5", "KWD", "1.500"), ("0.1", "USD", "0.10")],
)
async def test_money_has_the_digits_of_its_currency(
    t: Trial, amount: str, currency: str, exact: str
) -> None:
    anna = await add_customer(t)
    order = await record(t, customerId=anna, total={"amount": amount, "currency": currency})
    assert order["total"] == {"amount": exact, "currency": currency}


async def test_an_order_of_another_system_is_recorded_once(t: Trial) -> None:
    anna = await add_customer(t)
    same = {"customerId": anna, "total": euros("5"), "source": "shop", "externalId": "A-1"}
    await record(t, **same)
    [error] = await t.errors(RECORD, input=same)
    assert error["extensions"]["code"] == "CONFLICT"
    assert error["extensions"]["problems"][0]["field"] == ["input", "externalId"]
    other = await record(t, **{**same, "source": "till"})
    assert other["externalId"] == "A-1"


async def test_in_bulk_the_others_are_recorded_when_one_is_known_already(t: Trial) -> None:
    anna = await add_customer(t)
    items = [
        {"customerId": anna, "total": euros(f"{n}.00"), "source": "shop", "externalId": key}
        for n, key in enumerate(["A", "B", "A", "C"])
    ]
    done = await t.gql(RECORD_MANY, items=items, onError="SKIP")
    results = done["recordOrders"]["results"]
    assert [each["outcome"] for each in results] == ["CREATED", "CREATED", "REJECTED", "CREATED"]
    assert results[2]["error"]["code"] == "CONFLICT"
    assert (await t.gql("{ orders { totalCount } }"))["orders"]["totalCount"] == 3


async def test_statements_of_a_bulk_do_not_grow_with_it(t: Trial) -> None:
    anna = await add_customer(t)
    counts = []
    for size in (2, 50):
        items = [{"customerId": anna, "lines": [{"amount": euros("1")}]}] * size
        with t.statements() as sent:
            await t.gql(RECORD_MANY, items=items, onError="ABORT")
        counts.append(len(sent))
    assert counts[0] == counts[1]
