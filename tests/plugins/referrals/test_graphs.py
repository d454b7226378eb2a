from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from crmkit import sdk
from crmkit.testing import Trial, add_customers, crm
from crmkit_loyalty.plugin import Loyalty
from crmkit_orders.api import OrdersRecorded, OrdersRefunded
from crmkit_orders.plugin import Orders
from crmkit_referrals import service
from crmkit_referrals.plugin import Referrals
from tests.plugins.referrals.circle import REGISTER, code_of
from tests.plugins.shop import buy, refund

WHO = st.integers(0, 4)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("register"), WHO, WHO),
        st.tuples(st.sampled_from(["buy", "refund"]), WHO, st.just(0)),
        # Any event so far may come now, and come again.
        st.tuples(st.just("deliver"), st.integers(0, 50), st.just(0)),
    ),
    min_size=4,
    max_size=20,
)
CONFIG = {"loyalty": {"points_per_unit": 0}, "referrals": {"advocate_points": 7}}


class World:
    """Some customers, and what the rules say of them in plain words."""

    def __init__(self, t: Trial, customers: list[str], codes: list[str]) -> None:
        self.t = t
        self.customers = customers
        self.codes = codes
        self.brought_by: dict[int, int] = {}
        self.bought: set[int] = set()
        self.kept: list[tuple[int, str]] = []
        self.events: list[OrdersRecorded | OrdersRefunded] = []

    def may_register(self, advocate: int, friend: int) -> bool:
        above: int | None = advocate
        while above is not None:
            if above == friend:
                return False
            above = self.brought_by.get(above)
        return friend not in self.brought_by and friend not in self.bought

    async def register(self, advocate: int, friend: int) -> None:
        asked = {"customerId": self.customers[friend], "code": self.codes[advocate]}
        answer = await self.t.answer(REGISTER, {"input": asked})
        assert ("errors" not in answer) == self.may_register(advocate, friend)
        if "errors" not in answer:
            self.brought_by[friend] = advocate

    async def buy(self, who: int, _: int) -> None:
        order = await buy(self.t, self.customers[who])
        self.bought.add(who)
        self.kept.append((who, order))
        self.events.append(OrdersRecorded(order, (order,)))

    async def refund(self, which: int, _: int) -> None:
        if self.kept:
            _, order = self.kept.pop(which % len(self.kept))
            await refund(self.t, order)
            self.events.append(OrdersRefunded(order, (order,)))

    async def deliver(self, which: int, _: int) -> None:
        if self.events:
            await self.handle(self.events[which % len(self.events)])

    async def handle(self, event: OrdersRecorded | OrdersRefunded) -> None:
        async def body(context: sdk.Context[Any]) -> None:
            if isinstance(event, OrdersRecorded):
                await service.orders_recorded(context, [event])
            else:
                await service.orders_refunded(context, [event])

        await self.t.unit(body, plugin="referrals")


def test_no_cycle_is_registered_and_a_reward_is_paid_once(engine: str) -> None:
    @settings(max_examples=12)
    @given(STEPS)
    def always(steps: list[tuple[str, int, int]]) -> None:
        runner.run(_story(t, steps))

    with asyncio.Runner() as runner:
        opened = crm(Referrals, Loyalty, Orders, config=CONFIG, engine=engine)
        t = runner.run(opened.__aenter__())
        always()
        runner.run(opened.__aexit__(None, None, None))


async def _story(t: Trial, steps: list[tuple[str, int, int]]) -> None:
    customers = await add_customers(t, [f"Customer {number}" for number in range(5)])
    world = World(t, customers, [await code_of(t, each) for each in customers])
    for kind, first, second in steps:
        await getattr(world, kind)(first, second)
    await t.drain()
    await _check(world, await _seen(t, customers))


async def _seen(t: Trial, customers: list[str]) -> list[dict[str, Any]]:
    found = await t.gql(
        """query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Customer { id referralsQualified
          loyaltyEntries { nodes { kind points cause { id } } }
          referralsMade { nodes { id state friend { id } cause { id } } } } } }""",
        ids=customers,
    )
    return list(found["nodes"])


async def _check(world: World, seen: list[dict[str, Any]]) -> None:
    entries = Counter(
        (each["id"], entry["cause"]["id"], entry["kind"], int(entry["points"]))
        for each in seen
        for entry in each["loyaltyEntries"]["nodes"]
    )
    kept = {order for _, order in world.kept}
    loyal = {world.customers[who] for who, _ in world.kept}
    edges = {}
    expected: Counter[tuple[str, str, str, int]] = Counter()
    for advocate in seen:
        made = advocate["referralsMade"]["nodes"]
        rewarded = [each for each in made if each["state"] == "REWARDED"]
        assert advocate["referralsQualified"] == len(rewarded)
        for each in made:
            friend = each["friend"]["id"]
            edges[friend] = advocate["id"]
            if each["state"] == "REGISTERED":
                assert friend not in loyal
                continue
            assert (each["cause"]["id"] in kept) == (each["state"] == "REWARDED")
            for who, points in ((advocate["id"], 7), (friend, 50)):
                expected[who, each["id"], "EARN", points] += 1
                if each["state"] == "REVERSED":
                    expected[who, each["id"], "REVERSE", -points] += 1
    assert entries == expected
    assert edges == {
        world.customers[friend]: world.customers[advocate]
        for friend, advocate in world.brought_by.items()
    }
