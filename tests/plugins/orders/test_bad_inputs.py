from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from crmkit.testing import crm
from crmkit_orders.plugin import Orders
from tests.plugins.shop import add_customer, buy, refund, row_counts

if TYPE_CHECKING:
    from crmkit.testing import Trial

pytestmark = pytest.mark.anyio

EUR = {"amount": "5.00", "currency": "EUR"}
USD = {"amount": "5.00", "currency": "USD"}
NOBODY = "customer_01h455vb4pex5vsknk084sn02q"
NOTHING = "orders_order_01h455vb4pex5vsknk084sn02q"

BAD: list[tuple[str, dict[str, Any], str, list[str | int]]] = [
    ("recordOrder", {"customerId": NOBODY}, "NOT_FOUND", ["customerId"]),
    ("recordOrder", {"customerId": NOTHING}, "INVALID", ["customerId"]),
    ("recordOrder", {"total": None}, "INVALID", ["total"]),
    ("recordOrder", {"total": {**EUR, "amount": "-0.01"}}, "INVALID", ["total"]),
    ("recordOrder", {"total": {**EUR, "amount": "0.001"}}, "INVALID", ["total", "amount"]),
    ("recordOrder", {"total": {**EUR, "amount": "1" * 18}}, "INVALID", ["total", "amount"]),
    ("recordOrder", {"lines": [{"amount": {**EUR, "amount": "4"}}]}, "INVALID", ["total"]),
    (
        "recordOrder",
        {"lines": [{"amount": EUR}, {"amount": USD}]},
        "INVALID",
        ["lines", 1, "amount", "currency"],
    ),
    (
        "recordOrder",
        {"lines": [{"amount": EUR, "quantity": 0}]},
        "INVALID",
        ["lines", 0, "quantity"],
    ),
    ("recordOrder", {"lines": [{"amount": EUR, "sku": "x" * 201}]}, "INVALID", ["lines", 0, "sku"]),
    ("recordOrder", {"source": "shop"}, "INVALID", ["externalId"]),
    ("recordOrder", {"externalId": "A-1"}, "INVALID", ["source"]),
    ("recordOrder", {"source": "shop", "externalId": " "}, "INVALID", ["externalId"]),
    ("recordOrder", {"source": "shop", "externalId": "x" * 201}, "INVALID", ["externalId"]),
    ("recordOrder", {"causeId": NOTHING}, "NOT_FOUND", ["causeId"]),
    ("recordOrder", {"causeId": "sink_01h455vb4pex5vsknk084sn02q"}, "INVALID", ["causeId"]),
    ("refundOrder", {"orderId": NOTHING}, "NOT_FOUND", ["orderId"]),
    ("refundOrder", {"orderId": NOBODY}, "INVALID", ["orderId"]),
    ("refundOrder", {}, "REFUSED", ["orderId"]),
]


async def test_bad_inputs_are_named_and_change_nothing(engine: str) -> None:
    async with crm(Orders, engine=engine) as t:
        anna = await add_customer(t)
        refunded = await buy(t, anna)
        await refund(t, refunded)
        good: dict[str, dict[str, Any]] = {
            "recordOrder": {"customerId": anna, "total": EUR},
            "refundOrder": {"orderId": refunded},
        }
        for operation, bad, code, field in BAD:
            before = await row_counts(t)
            extensions = await _refusal(t, operation, {**good[operation], **bad})
            assert (extensions["code"], extensions["problems"][0]["field"]) == (
                code,
                ["input", *field],
            ), (operation, bad)
            assert await row_counts(t) == before


async def _refusal(t: Trial, operation: str, given: dict[str, Any]) -> dict[str, Any]:
    kind = f"{operation[0].upper()}{operation[1:]}Input"
    document = f"mutation ($input: {kind}!) {{ {operation}(input: $input) {{ order {{ id }} }} }}"
    [error] = await t.errors(document, input=given)
    return dict(error["extensions"])
