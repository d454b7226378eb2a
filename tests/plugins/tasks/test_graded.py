from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from crmkit.testing import crm
from crmkit.values.errors import Invalid
from crmkit_grading.plugin import Grading
from crmkit_tasks.plugin import Tasks
from tests.plugins.tasks.desk import arrive, contact, open_tasks, plan

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from crmkit.testing import Trial

pytestmark = pytest.mark.anyio

CONTACTS = {"group": "engagement", "events": ["interaction"], "points": 50, "window_days": 30}
GRADED = {"rules": {"talks": CONTACTS}}
RULES = {
    "best": {"subject": "Look after the best", "grades": ["a", "b"], "every_days": 7},
    "others": {"subject": "Win back", "grades": ["c", "d"], "every_days": 30},
}


def config(**rules: Any) -> dict[str, Any]:
    return {"tasks": {"rules": {**RULES, **rules}}, "grading": GRADED}


@pytest.fixture
async def t(engine: str) -> AsyncIterator[Trial]:
    async with crm(Grading, Tasks, config=config(), engine=engine) as t:
        yield t


async def test_a_rule_is_for_customers_of_its_grades(t: Trial) -> None:
    anna = await arrive(t)
    assert [*await open_tasks(t, anna)] == ["others"]


async def test_another_grade_has_other_tasks(t: Trial) -> None:
    anna = await arrive(t)
    await contact(t, anna)
    await contact(t, anna)
    [task] = (await open_tasks(t, anna)).values()
    assert (task["rule"], task["dueAt"]) == ("best", "2026-01-08T09:00:00.000000Z")


async def test_without_grading_nobody_has_a_grade(engine: str) -> None:
    async with crm(Tasks, config={"tasks": {"rules": RULES}}, engine=engine) as t:
        anna = await arrive(t)
        await plan(t)
        assert await open_tasks(t, anna) == {}


async def test_a_rule_for_a_grade_that_there_is_not_stops_the_planning(engine: str) -> None:
    wrong = {"subject": "Call", "grades": ["platinum"], "every_days": 7}
    async with crm(Grading, Tasks, config=config(wrong=wrong), engine=engine) as t:
        with pytest.raises(Invalid, match="wrong is for the grade 'platinum'"):
            await plan(t)
