"""Whatever happens, and whenever one looks: contributions sum up, and what is kept is true."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from crmkit.testing import Trial, crm
from crmkit_grading.plugin import Grading
from crmkit_orders.plugin import Orders
from tests.plugins.grading.room import arrive, graded, mutation, regrade, talk
from tests.plugins.shop import buy, refund

BASE: dict[str, Any] = {"group": "engagement", "events": ["interaction"]}
RULES = {
    "fair": {"group": "fit", "points": 20, "when": 'customer.source == "fair"'},
    "fades": {**BASE, "points": 7, "half_life_days": 9, "cap": 25, "per_day": 2},
    "steps": {**BASE, "points": -3, "steps": [{"after_days": 4, "percent": 40}]},
    "recent": {**BASE, "points": 5, "window_days": 6},
    "buys": {"group": "engagement", "events": ["order"], "points": 30, "half_life_days": 20},
}
LIMITS = {"engagement": {"max": 60}, "limits": {"min": -5, "max": 70}}
STEPS = st.lists(
    st.tuples(st.sampled_from(["talk", "buy", "refund", "wait", "fair"]), st.integers(-12, 12)),
    max_size=6,
)


def test_a_score_is_the_sum_of_its_contributions_at_any_time(engine: str) -> None:
    @settings(max_examples=6)
    @given(STEPS)
    def always(steps: list[tuple[str, int]]) -> None:
        runner.run(_story(t, steps))

    config = {"grading": {"rules": RULES, **LIMITS}}
    with asyncio.Runner() as runner:
        opened = crm(Orders, Grading, config=config, engine=engine)
        t = runner.run(opened.__aenter__())
        always()
        runner.run(opened.__aexit__(None, None, None))


async def _story(t: Trial, steps: list[tuple[str, int]]) -> None:
    anna = await arrive(t)
    orders: list[str] = []
    for what, number in steps:
        await _step(t, anna, what, number, orders)
        await t.drain()
        await _agrees(t, anna)
    await regrade(t, onlyDue=True)
    found = await _agrees(t, anna)
    changes = found["gradeHistory"]["nodes"]
    assert (changes[0]["newScore"], changes[0]["newGrade"]) == (found["score"], found["grade"])
    for later, earlier in itertools.pairwise(changes):
        assert later["oldScore"] == earlier["newScore"]
        assert later["oldGrade"] == earlier["newGrade"]


async def _step(t: Trial, anna: str, what: str, number: int, orders: list[str]) -> None:
    if what == "talk":
        moment = (t.clock.now()).replace(hour=12)
        day = moment.toordinal() + number
        await talk(t, anna, occurredAt=f"{moment.fromordinal(day):%Y-%m-%dT%H:%M:%SZ}")
    elif what == "buy":
        orders.append(await buy(t, anna))
    elif what == "refund" and orders:
        await refund(t, orders.pop())
    elif what == "wait":
        t.clock.move(days=abs(number), hours=7)
    elif what == "fair":
        source = "fair" if number > 0 else None
        document = mutation("updateCustomer", "customer { id }")
        await t.gql(document, input={"id": anna, "source": source})


async def _agrees(t: Trial, anna: str) -> dict[str, Any]:
    """What is kept is what is counted now, until the moment that was kept with it."""
    found = await graded(t, anna)
    now = f"{t.clock.now():%Y-%m-%dT%H:%M:%S.%fZ}"
    due = found["gradeChangesAt"]
    if due is None or now < due:
        counted = found["grading"]
        assert (found["score"], found["grade"]) == (counted["score"], counted["grade"]["key"])
        assert due == counted["changesAt"]
    return found
