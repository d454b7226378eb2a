from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.plugins.loyalty.ledger import adjust
from tests.plugins.shop import add_customer, row_counts

if TYPE_CHECKING:
    from crmkit.testing import Trial

pytestmark = pytest.mark.anyio

NOBODY = "customer_01h455vb4pex5vsknk084sn02q"
TOO_MANY = "1000000000000001"

BAD = [
    ("redeemPoints", {"customerId": NOBODY}, "NOT_FOUND", "customerId"),
    ("redeemPoints", {"customerId": "anna"}, "INVALID", "customerId"),
    ("redeemPoints", {"points": "0"}, "INVALID", "points"),
    ("redeemPoints", {"points": "-1"}, "INVALID", "points"),
    ("redeemPoints", {"points": TOO_MANY}, "INVALID", "points"),
    ("redeemPoints", {"points": "4"}, "REFUSED", "points"),
    ("redeemPoints", {"causeId": NOBODY}, "NOT_FOUND", "causeId"),
    ("redeemPoints", {"reason": "x" * 2_001}, "INVALID", "reason"),
    ("adjustPoints", {"customerId": NOBODY}, "NOT_FOUND", "customerId"),
    ("adjustPoints", {"points": "0"}, "INVALID", "points"),
    ("adjustPoints", {"points": TOO_MANY}, "INVALID", "points"),
    ("adjustPoints", {"points": f"-{TOO_MANY}"}, "INVALID", "points"),
    ("adjustPoints", {"points": "-4"}, "REFUSED", "points"),
    ("adjustPoints", {"reason": " "}, "INVALID", "reason"),
    ("adjustPoints", {"reason": "x" * 2_001}, "INVALID", "reason"),
]


async def test_bad_inputs_are_named_and_change_nothing(t: Trial) -> None:
    anna = await add_customer(t)
    await adjust(t, anna, 3)
    good = {"customerId": anna, "points": "1", "reason": "Because"}
    for operation, bad, code, field in BAD:
        before = await row_counts(t)
        extensions = await _refusal(t, operation, {**good, **bad})
        assert extensions["code"] == code, (operation, bad)
        assert extensions["problems"][0]["field"] == ["input", field], (operation, bad)
        assert await row_counts(t) == before


async def _refusal(t: Trial, operation: str, given: dict[str, Any]) -> dict[str, Any]:
    kind = f"{operation[0].upper()}{operation[1:]}Input"
    document = f"mutation ($input: {kind}!) {{ {operation}(input: $input) {{ entry {{ id }} }} }}"
    [error] = await t.errors(document, input=given)
    return dict(error["extensions"])
