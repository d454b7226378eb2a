from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from crmkit import sdk
from crmkit_orders.imports import OrderLine, import_orders

if TYPE_CHECKING:
    from crmkit.testing import Trial

pytestmark = pytest.mark.anyio

CDNOW = sdk.ImportOptions(source="cdnow", currency="USD")
LINES = [
    ("00001", "1997-01-01", "1", "11.77", 1),
    ("00002", "1997-01-12", "1", "12.00", 1),
    ("00002", "1997-01-12", "5", "77.00", 1),
    ("00002", "1997-01-12", "1", "12.00", 2),
    ("00003", "1997-01-02", "2", "0.00", 1),
]


def line(customer: str, date: str, quantity: str, amount: str) -> OrderLine:
    cells = {"customer": customer, "date": date, "quantity": quantity, "amount_usd": amount}
    return OrderLine.model_validate(cells)


async def take_in(t: Trial, options: sdk.ImportOptions = CDNOW, lines: Any = LINES) -> Any:
    rows = [sdk.ImportedRow(n, nth, line(*cells)) for n, (*cells, nth) in enumerate(lines, 2)]

    async def body(context: sdk.Context[Any]) -> sdk.ImportResult:
        return await import_orders(context, rows, options)

    return await t.unit(body, plugin="orders")


async def test_lines_become_orders_of_customers_named_by_their_external_id(t: Trial) -> None:
    assert await take_in(t) == sdk.ImportResult(created=5)
    found = await t.gql("""{ customers(first: 9, orderBy: [NAME_ASC]) { nodes {
        name nameIsPlaceholder externalIds { source externalId } orderTotals { amount currency }
        orders { nodes { placedAt lines { nodes { quantity } } } } } } }""")
    first, second, third = found["customers"]["nodes"]
    assert first == {
        "name": "00001",
        "nameIsPlaceholder": True,
        "externalIds": [{"source": "cdnow", "externalId": "00001"}],
        "orderTotals": [{"amount": "11.77", "currency": "USD"}],
        "orders": {
            "nodes": [
                {"placedAt": "1997-01-01T00:00:00.000000Z", "lines": {"nodes": [{"quantity": 1}]}}
            ]
        },
    }
    assert second["orderTotals"] == [{"amount": "101.00", "currency": "USD"}]
    assert third["orderTotals"] == [{"amount": "0.00", "currency": "USD"}]


async def test_a_second_run_changes_nothing(t: Trial) -> None:
    await take_in(t)
    with t.statements() as sent:
        assert await take_in(t) == sdk.ImportResult(unchanged=5)
    assert len(sent) == 1


async def test_the_same_lines_of_another_source_are_other_orders(t: Trial) -> None:
    await take_in(t)
    shop = sdk.ImportOptions(source="shop", currency="USD")
    assert await take_in(t, shop) == sdk.ImportResult(created=5)
    found = await t.gql("{ orders { totalCount } customers { totalCount } }")
    assert (found["orders"]["totalCount"], found["customers"]["totalCount"]) == (10, 6)


async def test_a_known_customer_keeps_the_name_and_gets_the_order(t: Trial) -> None:
    await t.gql("""mutation { createCustomer(input: {
        name: "Anna", externalIds: [{source: "cdnow", externalId: "00001"}]}) { customer { id } } }""")
    await take_in(t, lines=LINES[:1])
    found = await t.gql("{ customers { nodes { name orderCount } } }")
    assert found["customers"]["nodes"] == [{"name": "Anna", "orderCount": 1}]


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        (("1", "1997-02-30", "1", "1.00"), "no day like 1997-01-31"),
        (("1", "19970131x", "1", "1.00"), "no day like 1997-01-31"),
        (("1", "1997-01-31", "-1", "1.00"), "greater than or equal to 1"),
        (("1", "1997-01-31", "1.5", "1.00"), "valid integer"),
        (("1", "1997-01-31", "1", "-1.00"), "greater than or equal to 0"),
        (("1", "1997-01-31", "1", "NaN"), "finite number"),
        ((" ", "1997-01-31", "1", "1.00"), "at least 1 character"),
    ],
)
def test_a_broken_line_is_no_line(cells: tuple[str, str, str, str], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        line(*cells)
