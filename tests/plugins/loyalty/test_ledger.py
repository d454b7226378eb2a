from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from crmkit import sdk
from crmkit.testing import Trial, crm
from crmkit_loyalty import service
from crmkit_loyalty.models import Account
from crmkit_loyalty.plugin import Loyalty
from crmkit_orders.plugin import Orders
from tests.plugins.loyalty.ledger import ADJUST, REDEEM, account, adjust
from tests.plugins.shop import add_customer, buy, refund

POINTS = st.integers(1, 60)
STEPS = st.lists(
    st.tuples(st.sampled_from(["buy", "redeem", "give", "take", "refund"]), POINTS), max_size=12
)


class Model:
    """What the rules say, in plain arithmetic."""

    def __init__(self, policy: str) -> None:
        self.policy = policy
        self.balance = 0
        self.kept: list[tuple[str, int]] = []

    def spend(self, points: int) -> bool:
        if points > self.balance:
            return False
        self.balance -= points
        return True

    def undo(self, points: int) -> None:
        forgiven = self.policy == "forgive"
        self.balance -= min(points, max(self.balance, 0)) if forgiven else points


@pytest.mark.parametrize("policy", ["debt", "forgive"])
def test_a_balance_is_always_the_sum_of_its_entries(engine: str, policy: str) -> None:
    config = {"loyalty": {"spent_points": policy}}

    @settings(max_examples=25)
    @given(STEPS)
    def always(steps: list[tuple[str, int]]) -> None:
        runner.run(_story(t, Model(policy), steps))

    with asyncio.Runner() as runner:
        opened = crm(Loyalty, Orders, config=config, engine=engine)
        t = runner.run(opened.__aenter__())
        always()
        runner.run(opened.__aexit__(None, None, None))


async def _story(t: Trial, model: Model, steps: list[tuple[str, int]]) -> None:
    anna = await add_customer(t)
    for kind, points in steps:
        await _do(t, model, anna, kind, points)
    found = await account(t, anna)
    entries = [int(each["points"]) for each in found["loyaltyEntries"]["nodes"]]
    assert int(found["loyaltyPoints"]) == model.balance == sum(entries)
    assert (await verified(t)).wrong == ()


async def _do(t: Trial, model: Model, anna: str, kind: str, points: int) -> None:
    given = {"customerId": anna, "points": str(points)}
    if kind == "buy":
        model.kept.append((await buy(t, anna, f"{points}.99"), points))
        model.balance += points
    elif kind == "give":
        await adjust(t, anna, points)
        model.balance += points
    elif kind == "refund" and model.kept:
        order, earned = model.kept.pop(0)
        await refund(t, order)
        model.undo(earned)
    elif kind in ("redeem", "take"):
        taken = {**given, "points": f"-{points}", "reason": "Correction"}
        document, asked = (REDEEM, given) if kind == "redeem" else (ADJUST, taken)
        answer = await t.answer(document, {"input": asked})
        assert ("errors" not in answer) == model.spend(points)


async def verified(t: Trial) -> service.Verified:
    async def body(context: sdk.Context[Any]) -> service.Verified:
        found = service.Verified()
        async for part in service.verify(context):
            found += part
        return found

    made: service.Verified = await t.unit(body, plugin="loyalty")
    return made


@pytest.mark.anyio
async def test_verifying_finds_the_account_that_somebody_has_touched(engine: str) -> None:
    async with crm(Loyalty, engine=engine) as t:
        anna, berta = [await add_customer(t, name) for name in ("Anna", "Berta")]
        await adjust(t, anna, 10)
        await adjust(t, berta, 20)
        assert await verified(t) == service.Verified(count=2, points=30)
        async with t.host.database.transaction() as transaction:
            await transaction.run(
                update(Account).where(Account.customer_id == berta).values(balance=25)
            )
        found = await verified(t)
    assert [(each.customer_id, each.balance, each.entries) for each in found.wrong] == [
        (berta, 25, 20)
    ]
