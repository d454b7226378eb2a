"""What plugins keep of customers stays right when two customers become one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from crmkit.testing import crm
from crmkit_feedback.plugin import Feedback
from crmkit_grading.plugin import Grading
from crmkit_loyalty import service as loyalty
from crmkit_loyalty.plugin import Loyalty
from crmkit_orders.plugin import Orders
from crmkit_referrals.plugin import Referrals
from crmkit_tasks.plugin import Tasks
from tests.plugins.loyalty.ledger import balance, redeem
from tests.plugins.referrals.circle import circle, code_of, referrals, sign_up, states
from tests.plugins.shop import add_customer, buy, refund
from tests.plugins.tasks.desk import create, open_tasks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from crmkit.testing import Trial

pytestmark = pytest.mark.anyio

MERGE = """mutation ($w: ID!, $l: [ID!]!) {
  mergeCustomers(input: {winnerId: $w, loserIds: $l}) { customer { id } } }"""
CONFIG: dict[str, Any] = {
    "tasks": {
        "rules": {"warm_up": {"subject": "Say hello", "stages": ["potential"], "every_days": 7}}
    },
    "grading": {"rules": {"orders": {"events": ["order"], "points": 10, "group": "engagement"}}},
}


@pytest.fixture
async def t(engine: str) -> AsyncIterator[Trial]:
    plugins = (Orders, Loyalty, Referrals, Grading, Feedback, Tasks)
    async with crm(*plugins, config=CONFIG, engine=engine) as t:
        yield t


async def merge(t: Trial, winner: str, *losers: str) -> None:
    await t.gql(MERGE, w=winner, l=losers)


async def two(t: Trial) -> tuple[str, str]:
    return await add_customer(t, "Anna"), await add_customer(t, "Anne")


async def wrong_accounts(t: Trial) -> list[Any]:
    async def body(context: Any) -> list[Any]:
        return [str(each) async for page in loyalty.verify(context) for each in page.wrong]

    return list(await t.unit(body, plugin="loyalty"))


async def test_accounts_are_joined_and_still_agree_with_their_entries(t: Trial) -> None:
    winner, loser = await two(t)
    first, _ = await buy(t, winner, "10.00"), await buy(t, loser, "5.00")
    await redeem(t, loser, 2)
    await merge(t, winner, loser)
    assert await balance(t, loser) == 13
    await refund(t, first)
    await redeem(t, loser, 1)
    assert (await balance(t, winner), await wrong_accounts(t)) == (2, [])


async def test_orders_and_tickets_are_the_winners(t: Trial) -> None:
    winner, loser = await two(t)
    await buy(t, loser)
    ticket = {"subject": "Help", "channel": "email", "body": "It broke"}
    await t.gql(
        "mutation ($i: OpenTicketInput!) { openTicket(input: $i) { ticket { id } } }",
        i={"customerId": loser, **ticket},
    )
    await merge(t, winner, loser)
    found = await t.gql(
        """query ($id: ID!) { node(id: $id) { ... on Customer {
          orders { totalCount } feedbackTickets { nodes { subject customer { id } } } } } }""",
        id=winner,
    )
    tickets = [{"subject": "Help", "customer": {"id": winner}}]
    assert found["node"] == {"orders": {"totalCount": 1}, "feedbackTickets": {"nodes": tickets}}


async def test_a_rule_keeps_one_open_task_of_both(t: Trial) -> None:
    winner, loser = await two(t)
    await t.drain()
    await create(t, loser)
    kept = (await open_tasks(t, winner))["warm_up"]["id"]
    await merge(t, winner, loser)
    await t.drain()
    assert (await open_tasks(t, loser))["warm_up"]["id"] == kept
    found = await t.gql("{ tasks { nodes { state } } }")
    assert sorted(each["state"] for each in found["tasks"]["nodes"]) == [
        "CANCELLED",
        "OPEN",
        "OPEN",
    ]


async def test_who_is_merged_is_graded_again(t: Trial) -> None:
    winner, loser = await two(t)
    await buy(t, winner)
    await buy(t, loser)
    await t.drain()
    await merge(t, winner, loser)
    await t.drain()
    found = await t.gql("{ customers { nodes { id score } } }")
    assert found["customers"]["nodes"] == [{"id": winner, "score": 20}]


async def test_advocate_and_friend_who_are_one_have_referred_nobody(t: Trial) -> None:
    ada, ben = await circle(t)
    await buy(t, ben, "10.00")
    await t.drain()
    assert await states(t) == ["REWARDED"]
    await merge(t, ada, ben)
    [referral] = await referrals(t)
    assert (referral["state"], referral["fault"]) == ("REJECTED", "SELF_REFERRAL")
    assert (await balance(t, ada), await wrong_accounts(t)) == (10, [])
    error = await t.errors(
        "mutation ($i: RegisterReferralInput!) { registerReferral(input: $i) { referral { id } } }",
        i={"customerId": ben, "code": await code_of(t, ada)},
    )
    assert error[0]["extensions"]["reason"] == "referrals.self_referral"


async def test_of_two_referrals_of_one_customer_the_winners_stays(t: Trial) -> None:
    ada, ben = await circle(t)
    eve, bob = await circle(t)
    await merge(t, ben, bob)
    kept, ended = await referrals(t)
    assert (kept["state"], kept["advocate"]["id"], kept["friend"]["id"]) == ("REGISTERED", ada, ben)
    assert (ended["state"], ended["fault"]) == ("REJECTED", "ALREADY_REFERRED")
    assert (ended["advocate"]["id"], ended["friend"]["id"]) == (eve, ben)


@pytest.mark.parametrize("is_upwards", [True, False])
async def test_a_chain_of_referrals_never_leads_back_to_itself(t: Trial, is_upwards: bool) -> None:
    ada, ben = await circle(t)
    cem = await sign_up(t, "Cem", await code_of(t, ben))
    await merge(t, *((ada, cem) if is_upwards else (cem, ada)))
    assert await states(t) == ["REGISTERED", "REJECTED"]
    dan = await sign_up(t, "Dan", await code_of(t, ben))
    assert (await referrals(t))[-1]["friend"]["id"] == dan


async def test_events_that_name_the_loser_are_told_of_the_winner(t: Trial) -> None:
    _, ben = await circle(t)
    await buy(t, ben, "10.00")
    other = await add_customer(t, "Other")
    await merge(t, other, ben)
    await t.drain()
    [referral] = await referrals(t)
    assert (referral["state"], referral["friend"]["id"]) == ("REWARDED", other)
    found = await t.gql("query ($id: ID!) { node(id: $id) { ... on Customer { score } } }", id=ben)
    assert found["node"]["score"] == 10
