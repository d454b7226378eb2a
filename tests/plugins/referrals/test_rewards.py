from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import update

from crmkit.testing import crm
from crmkit_loyalty.plugin import Loyalty
from crmkit_orders.plugin import Orders
from crmkit_referrals.api import ReferralRow, ReferralState
from crmkit_referrals.plugin import Referrals
from tests.plugins.loyalty.ledger import balance
from tests.plugins.referrals.circle import (
    circle,
    code_of,
    document_of,
    referrals,
    refusal,
    sign_up,
    states,
    step,
)
from tests.plugins.shop import buy, refund

if TYPE_CHECKING:
    from crmkit.testing import Trial

pytestmark = pytest.mark.anyio


async def test_the_first_order_rewards_both_after_it_was_recorded(t: Trial) -> None:
    ada, ben = await circle(t)
    with t.statements() as sent:
        order = await buy(t, ben)
    assert not [each for each in sent if "referrals_" in each]
    assert await states(t) == ["REGISTERED"]
    t.clock.move(seconds=5)
    await t.drain()
    [found] = await referrals(t)
    assert (found["state"], found["cause"]) == ("REWARDED", {"id": order})
    assert (found["advocatePoints"], found["friendPoints"]) == ("100", "50")
    assert found["qualifiedAt"] == found["rewardedAt"] == "2026-01-01T00:00:05.000000Z"
    assert [await balance(t, each) for each in (ada, ben)] == [100, 50]


async def test_what_led_to_it_is_carried_to_the_points(t: Trial) -> None:
    ada, ben = await circle(t)
    order = await buy(t, ben)
    await t.drain()
    found = await t.gql(
        """query ($ids: [ID!]!) { nodes(ids: $ids) {
          ... on Customer { referralsQualified loyaltyEntries { nodes { cause {
            ... on Referral { state cause { id } } } } } }
          ... on Order { referrals { nodes { state } } } } }""",
        ids=[ada, ben, order],
    )
    cause = {"state": "REWARDED", "cause": {"id": order}}
    advocate, friend, bought = found["nodes"]
    for each in (advocate, friend):
        assert each["loyaltyEntries"]["nodes"] == [{"cause": cause}]
    assert (advocate["referralsQualified"], friend["referralsQualified"]) == (1, 0)
    assert bought["referrals"]["nodes"] == [{"state": "REWARDED"}]


async def test_only_the_first_order_counts(t: Trial) -> None:
    ada, ben = await circle(t)
    later = await buy(t, ben, placedAt="2026-01-01T12:00:00Z")
    first = await buy(t, ben, placedAt="2026-01-01T11:00:00Z")
    assert later != first
    await t.drain()
    await buy(t, ben)
    await t.drain()
    assert await states(t) == ["REWARDED"]
    assert await balance(t, ada) == 100


async def test_in_bulk_the_earliest_order_is_the_first(t: Trial) -> None:
    _, ben = await circle(t)
    total = {"amount": "5.00", "currency": "EUR"}
    items = [
        {"customerId": ben, "total": total, "placedAt": f"2025-12-0{day}T00:00:00Z"}
        for day in (3, 1, 2)
    ]
    done = await t.gql(
        """mutation ($items: [RecordOrderItem!]!) {
          recordOrders(input: {items: $items}) { results { order { id } } } }""",
        items=items,
    )
    await t.drain()
    [found] = await referrals(t)
    assert found["cause"] == done["recordOrders"]["results"][1]["order"]


async def test_an_order_that_was_refunded_meanwhile_qualifies_nobody(t: Trial) -> None:
    ada, ben = await circle(t)
    await refund(t, await buy(t, ben))
    await t.drain()
    assert await states(t) == ["REGISTERED"]
    await buy(t, ben)
    await t.drain()
    assert await states(t) == ["REWARDED"]
    assert await balance(t, ada) == 100


async def test_a_refund_takes_back_what_both_got(t: Trial) -> None:
    ada, ben = await circle(t)
    order = await buy(t, ben)
    await t.drain()
    await refund(t, order)
    await t.drain()
    [found] = await referrals(t)
    assert found["state"] == "REVERSED"
    assert found["endedAt"] is not None
    assert [await balance(t, each) for each in (ada, ben)] == [0, 0]
    made = await t.gql(
        "query ($id: ID!) { node(id: $id) { ... on Customer { referralsQualified } } }", id=ada
    )
    assert made["node"] == {"referralsQualified": 0}
    await buy(t, ben)
    await t.drain()
    assert await states(t) == ["REVERSED"]


async def test_the_refund_of_another_order_changes_nothing(t: Trial) -> None:
    ada, ben = await circle(t)
    await buy(t, ben)
    await t.drain()
    await refund(t, await buy(t, ben))
    await t.drain()
    assert await states(t) == ["REWARDED"]
    assert await balance(t, ada) == 100


async def test_who_turns_out_to_be_the_advocate_is_rejected(t: Trial) -> None:
    ada, ben = await circle(t, emails=[{"address": "ben@x.org"}])
    await t.gql(
        """mutation ($id: ID!) { updateCustomer(input: {
          id: $id, emails: [{address: "BEN+ada@x.org"}]}) { customer { id } } }""",
        id=ada,
    )
    await buy(t, ben)
    await t.drain()
    [found] = await referrals(t)
    assert (found["state"], found["fault"]) == ("REJECTED", "SELF_REFERRAL")
    assert [await balance(t, each) for each in (ada, ben)] == [0, 0]


async def test_a_promise_is_kept_as_it_was_made_when_points_come_later(t: Trial) -> None:
    ada, ben = await circle(t)
    [made] = await referrals(t)
    # As a programme of other rewards left it, before there was loyalty.
    promised = {"state": ReferralState.QUALIFIED, "advocate_points": 9, "friend_points": 4}
    async with t.host.database.transaction() as transaction:
        await transaction.run(update(ReferralRow).values(**promised))
    assert (await step(t, "rewardReferral", made["id"]))["state"] == "REWARDED"
    assert [await balance(t, each) for each in (ada, ben)] == [9, 4]


async def test_a_cap_holds_against_parallel_qualifications(engine: str) -> None:
    config = {"referrals": {"cap": 3}, "loyalty": {"points_per_unit": 0}}
    async with crm(Referrals, Loyalty, Orders, config=config, engine=engine) as t:
        ada = await sign_up(t, "Ada")
        code = await code_of(t, ada)
        friends = [await sign_up(t, f"Friend {n}", code) for n in range(8)]
        ids = [each["id"] for each in await referrals(t)]
        qualify = document_of("qualifyReferral")
        work: list[Any] = [t.answer(qualify, {"input": {"referralId": i}}) for i in ids[:4]]
        for each in friends[4:]:
            await buy(t, each)
        await asyncio.gather(*work, t.drain())
        assert sorted(await states(t)) == ["REJECTED"] * 5 + ["REWARDED"] * 3
        faults = {each["fault"] for each in await referrals(t) if each["state"] == "REJECTED"}
        assert faults == {"CAP_REACHED"}
        assert await balance(t, ada) == 300


async def test_a_reversal_makes_room_below_the_cap(engine: str) -> None:
    async with crm(Referrals, config={"referrals": {"cap": 1}}, engine=engine) as t:
        code = await code_of(t, await sign_up(t, "Ada"))
        for name in ("Ben", "Cleo"):
            await sign_up(t, name, code)
        first, second = [each["id"] for each in await referrals(t)]
        await step(t, "qualifyReferral", first)
        await step(t, "reverseReferral", first, note="Sent back")
        assert (await step(t, "qualifyReferral", second))["state"] == "QUALIFIED"


async def test_without_orders_somebody_says_who_qualifies(engine: str) -> None:
    async with crm(Referrals, Loyalty, engine=engine) as t:
        ada, ben = await circle(t)
        [made] = await referrals(t)
        await step(t, "qualifyReferral", made["id"], causeId=ben)
        [found] = await referrals(t)
        assert (found["state"], found["cause"]) == ("REWARDED", {"id": ben})
        assert [await balance(t, each) for each in (ada, ben)] == [100, 50]
        done = await step(t, "reverseReferral", made["id"], note="Sent back")
        assert (done["state"], done["note"]) == ("REVERSED", "Sent back")
        assert [await balance(t, each) for each in (ada, ben)] == [0, 0]


async def test_without_loyalty_rewards_are_recorded_and_given_by_hand(engine: str) -> None:
    async with crm(Referrals, Orders, engine=engine) as t:
        _, ben = await circle(t)
        await buy(t, ben)
        await t.drain()
        [found] = await referrals(t)
        assert (found["state"], found["rewardedAt"]) == ("QUALIFIED", None)
        assert (found["advocatePoints"], found["friendPoints"]) == ("100", "50")
        assert (await step(t, "rewardReferral", found["id"]))["state"] == "REWARDED"


async def test_alone_it_goes_all_the_way_by_hand(engine: str) -> None:
    async with crm(Referrals, engine=engine) as t:
        await circle(t)
        [made] = await referrals(t)
        steps = ("qualifyReferral", "rewardReferral")
        assert [(await step(t, each, made["id"]))["state"] for each in steps] == [
            "QUALIFIED",
            "REWARDED",
        ]


STEPS: list[tuple[list[str], set[str]]] = [
    ([], {"qualifyReferral", "rejectReferral"}),
    (["qualifyReferral"], {"rewardReferral", "reverseReferral"}),
    (["qualifyReferral", "rewardReferral"], {"reverseReferral"}),
    (["qualifyReferral", "reverseReferral"], set()),
    (["rejectReferral"], set()),
]


@pytest.mark.parametrize(("taken", "open_"), STEPS)
async def test_a_referral_takes_no_step_that_is_not_open(
    engine: str, taken: list[str], open_: set[str]
) -> None:
    noted = {"rejectReferral", "reverseReferral"}
    async with crm(Referrals, engine=engine) as t:
        await circle(t)
        [made] = await referrals(t)
        for each in taken:
            await step(t, each, made["id"], **({"note": "So"} if each in noted else {}))
        every = {"qualifyReferral", "rewardReferral", *noted}
        for each in sorted(every - open_):
            given = {"referralId": made["id"], **({"note": "So"} if each in noted else {})}
            [error] = await t.errors(document_of(each), input=given)
            assert refusal(error) == ("REFUSED", "referrals.wrong_state", ["input", "referralId"])
