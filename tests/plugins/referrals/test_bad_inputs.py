from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.plugins.referrals.circle import circle, code_of, referrals
from tests.plugins.shop import add_customer, row_counts

if TYPE_CHECKING:
    from crmkit.testing import Trial

pytestmark = pytest.mark.anyio

NOBODY = "customer_01h455vb4pex5vsknk084sn02q"
NOTHING = "referrals_referral_01h455vb4pex5vsknk084sn02q"
LONG = "x" * 2_001

BAD: list[tuple[str, dict[str, Any], str, str]] = [
    ("issueReferralCode", {"customerId": NOBODY}, "NOT_FOUND", "customerId"),
    ("issueReferralCode", {"customerId": NOTHING}, "INVALID", "customerId"),
    ("inviteReferral", {"code": "ACDEFGHJ"}, "NOT_FOUND", "code"),
    ("inviteReferral", {"code": " "}, "INVALID", "code"),
    ("inviteReferral", {"email": "nobody"}, "INVALID", "email"),
    ("registerReferral", {"customerId": NOBODY}, "NOT_FOUND", "customerId"),
    ("registerReferral", {"code": "ACDEFGHJ"}, "NOT_FOUND", "code"),
    ("registerReferral", {"code": "x" * 201}, "INVALID", "code"),
    ("qualifyReferral", {"referralId": NOTHING}, "NOT_FOUND", "referralId"),
    ("qualifyReferral", {"referralId": NOBODY}, "INVALID", "referralId"),
    ("qualifyReferral", {"causeId": NOBODY}, "NOT_FOUND", "causeId"),
    ("rewardReferral", {}, "REFUSED", "referralId"),
    ("rejectReferral", {"referralId": NOTHING}, "NOT_FOUND", "referralId"),
    ("rejectReferral", {"note": " "}, "INVALID", "note"),
    ("rejectReferral", {"note": LONG}, "INVALID", "note"),
    ("reverseReferral", {"note": ""}, "INVALID", "note"),
    ("reverseReferral", {"note": LONG}, "INVALID", "note"),
    ("reverseReferral", {}, "REFUSED", "referralId"),
]


async def test_bad_inputs_are_named_and_change_nothing(t: Trial) -> None:
    ada, _ = await circle(t)
    [made] = await referrals(t)
    good: dict[str, dict[str, Any]] = {
        "issueReferralCode": {"customerId": ada},
        "inviteReferral": {"code": await code_of(t, ada), "email": "cleo@x.org"},
        "registerReferral": {
            "customerId": await add_customer(t, "Cleo"),
            "code": await code_of(t, ada),
        },
        "qualifyReferral": {"referralId": made["id"]},
        "rewardReferral": {"referralId": made["id"]},
        "rejectReferral": {"referralId": made["id"], "note": "So"},
        "reverseReferral": {"referralId": made["id"], "note": "So"},
    }
    for operation, bad, code, field in BAD:
        before = await row_counts(t)
        extensions = await _refusal(t, operation, {**good[operation], **bad})
        assert extensions["code"] == code, (operation, bad)
        assert extensions["problems"][0]["field"] == ["input", field], (operation, bad)
        assert await row_counts(t) == before


async def _refusal(t: Trial, operation: str, given: dict[str, Any]) -> dict[str, Any]:
    kind = f"{operation[0].upper()}{operation[1:]}Input"
    document = f"mutation ($input: {kind}!) {{ {operation}(input: $input) {{ __typename }} }}"
    [error] = await t.errors(document, input=given)
    return dict(error["extensions"])
