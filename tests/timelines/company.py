"""All bundled plugins in one app, and what tests of timelines do with them."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any

from crmkit.testing import Trial, crm
from crmkit_feedback.plugin import Feedback
from crmkit_grading.plugin import Grading
from crmkit_loyalty.plugin import Loyalty
from crmkit_orders.plugin import Orders
from crmkit_referrals.plugin import Referrals
from crmkit_tasks.plugin import Tasks

PLUGINS = (Orders, Loyalty, Referrals, Feedback, Tasks, Grading)
GRADED = {
    "rules": {"buys": {"group": "engagement", "events": ["order", "interaction"], "points": 5}}
}


def company(engine: str) -> AbstractAsyncContextManager[Trial]:
    return crm(*PLUGINS, engine=engine, config={"grading": GRADED})


async def done(t: Trial, mutation: str, made: str, **given: Any) -> str:
    """The id of what a mutation made."""
    kind = mutation[0].upper() + mutation[1:]
    asked = f"mutation ($input: {kind}Input!) {{ {mutation}(input: $input) {{ {made} {{ id }} }} }}"
    answer = await t.gql(asked, input=given)
    return str(answer[mutation][made]["id"])


async def bought(t: Trial, customer: str, **given: Any) -> str:
    total = {"amount": "42.00", "currency": "EUR"}
    return await done(t, "recordOrder", "order", customerId=customer, total=total, **given)


async def said(t: Trial, customer: str, **given: Any) -> str:
    told = {"channel": "email", "direction": "INBOUND", "kind": "note", **given}
    return await done(t, "recordInteraction", "interaction", customerId=customer, **told)
