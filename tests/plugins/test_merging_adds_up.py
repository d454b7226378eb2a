"""Whoever is merged with whom, in whatever order: nothing is lost and nothing is there twice."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from crmkit.testing import add_customers, crm
from crmkit_loyalty.plugin import Loyalty
from crmkit_orders.plugin import Orders
from tests.plugins.loyalty.test_ledger import verified
from tests.plugins.shop import buy
from tests.plugins.test_merging import MERGE

if TYPE_CHECKING:
    from crmkit.testing import Trial

WHO = st.integers(0, 4)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("buy"), WHO, st.integers(1, 50)),
        st.tuples(st.just("merge"), WHO, WHO),
    ),
    max_size=12,
)
SEEN = """query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Customer {
  id loyaltyPoints orders { totalCount } } } }"""


def test_points_and_orders_are_those_of_all_who_became_one(engine: str) -> None:
    @settings(max_examples=6)
    @given(STEPS)
    def always(steps: list[tuple[str, int, int]]) -> None:
        runner.run(_story(t, steps))

    with asyncio.Runner() as runner:
        opened = crm(Loyalty, Orders, engine=engine)
        t = runner.run(opened.__aenter__())
        always()
        runner.run(opened.__aexit__(None, None, None))


async def _story(t: Trial, steps: list[tuple[str, int, int]]) -> None:
    ids = await add_customers(t, list("ABCDE"))
    # The model: who each of them is by now, and what those have.
    now = list(range(5))
    points: Counter[int] = Counter()
    orders: Counter[int] = Counter()
    for kind, one, other in steps:
        if kind == "buy":
            await buy(t, ids[one], f"{other}.00")
            points[now[one]] += other
            orders[now[one]] += 1
        else:
            await _merge(t, ids[one], ids[other], is_allowed=now[one] != now[other])
            gone, into = now[other], now[one]
            now = [into if each == gone else each for each in now]
            for counted in (points, orders):
                counted[into] += counted.pop(gone, 0) if gone != into else 0
    found = (await t.gql(SEEN, ids=ids))["nodes"]
    assert [_said(each) for each in found] == [
        (ids[each], points[each], orders[each]) for each in now
    ]
    assert (await verified(t)).wrong == ()


async def _merge(t: Trial, winner: str, loser: str, *, is_allowed: bool) -> None:
    answer = await t.answer(MERGE, {"w": winner, "l": [loser]})
    assert ("errors" not in answer) == is_allowed


def _said(node: dict[str, Any]) -> tuple[str, int, int]:
    return node["id"], int(node["loyaltyPoints"]), node["orders"]["totalCount"]
