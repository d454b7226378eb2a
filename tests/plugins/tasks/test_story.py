from __future__ import annotations

import asyncio
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from crmkit.testing import crm
from crmkit_tasks.plugin import Tasks
from tests.plugins.tasks.desk import arrive, contact, do, dues, move, open_tasks, plan, settle

if TYPE_CHECKING:
    from crmkit.testing import Trial

RULES = {
    "first": {"subject": "Say hello", "stages": ["potential", "intent"], "every_days": 7},
    "second": {"subject": "Advise", "stages": ["intent"], "every_days": 3},
}
DAYS = {"first": 7, "second": 3}
STAGES = {"first": {"potential", "intent"}, "second": {"intent"}}
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["contact", "complete", "tell", "cancel", "move", "plan"]),
        st.integers(0, 12),
    ),
    max_size=8,
)


class Model:
    """What the rules say, by days alone: a contact counts anew, a skipped time is passed over."""

    def __init__(self, today: date) -> None:
        self.stage = "potential"
        self.contact = date.min
        self.began: dict[str, date] = {}
        self.due: dict[str, date] = {}
        self.enter(self.stage, today)

    def enter(self, stage: str, today: date) -> None:
        self.stage = stage
        for rule, stages in STAGES.items():
            if stage not in stages:
                self.due.pop(rule, None)
            elif rule not in self.due:
                self.began[rule] = today
                self.due[rule] = self.start(rule) + timedelta(days=DAYS[rule])

    def start(self, rule: str) -> date:
        return max(self.began[rule], self.contact)

    def meet(self, today: date) -> None:
        before = {rule: self.start(rule) for rule in self.due}
        self.contact = today
        for rule, counted_from in before.items():
            # Two contacts at one moment are as good as one.
            if self.start(rule) != counted_from:
                self.due[rule] = self.start(rule) + timedelta(days=DAYS[rule])

    def skip(self, rule: str, today: date) -> None:
        passed = max(self.due[rule], today)
        while self.due[rule] <= passed:
            self.due[rule] += timedelta(days=DAYS[rule])


def test_each_rule_has_the_one_open_task_that_it_wants(engine: str) -> None:
    @settings(max_examples=8)
    @given(STEPS)
    def always(steps: list[tuple[str, int]]) -> None:
        runner.run(_story(t, steps))

    with asyncio.Runner() as runner:
        opened = crm(Tasks, config={"tasks": {"rules": RULES}}, engine=engine)
        t = runner.run(opened.__aenter__())
        always()
        runner.run(opened.__aexit__(None, None, None))


async def _story(t: Trial, steps: list[tuple[str, int]]) -> None:
    # Always past nine, so that what is due today has passed.
    t.clock.set(datetime.combine(t.clock.now().date(), time(12), t.clock.now().tzinfo))
    anna = await arrive(t)
    model = Model(t.clock.now().date())
    for kind, days in steps:
        t.clock.move(days=days)
        await _do(t, model, anna, kind)
        expected = {rule: f"{due}T09:00:00.000000Z" for rule, due in model.due.items()}
        assert await dues(t, anna) == expected, (kind, days)
    await settle(t, anna)
    assert await dues(t, anna) == {
        rule: f"{due}T09:00:00.000000Z" for rule, due in model.due.items()
    }


async def _do(t: Trial, model: Model, anna: str, kind: str) -> None:
    today = t.clock.now().date()
    planned = await open_tasks(t, anna)
    rule = min(planned)
    if kind == "contact":
        await contact(t, anna)
        model.meet(today)
    elif kind == "tell":
        await do(t, "completeTask", id=planned[rule]["id"], interaction={"channel": "visit"})
        await t.drain()
        if model.start(rule) == today:
            model.skip(rule, today)
        model.meet(today)
    elif kind in ("complete", "cancel"):
        await do(t, f"{kind}Task", id=planned[rule]["id"])
        model.skip(rule, today)
    elif kind == "move":
        other = "intent" if model.stage == "potential" else "potential"
        await move(t, anna, other)
        model.enter(other, today)
    else:
        await plan(t)
