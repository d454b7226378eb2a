from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from crmkit.testing import Trial, add_customers, crm
from crmkit_tasks import service
from crmkit_tasks.commands import app
from crmkit_tasks.plugin import Tasks
from tests.plugins.shop import add_customer
from tests.plugins.tasks.desk import at, contact, dues, move, plan, settle, tasks

if TYPE_CHECKING:
    from click.testing import Result

WEEKLY = {"subject": "Say hello", "stages": ["potential"], "every_days": 7}
MONTHLY = {"subject": "Look after", "every_months": 1}


def ruled(*rules: dict[str, Any]) -> dict[str, Any]:
    return {"tasks": {"rules": {f"rule_{number}": rule for number, rule in enumerate(rules)}}}


@pytest.mark.anyio
async def test_planning_reaches_those_who_were_here_before_the_rule(engine: str) -> None:
    async with crm(Tasks, config=ruled(WEEKLY, MONTHLY), engine=engine) as t:
        # The rules have not heard of anybody: no event is delivered before the end.
        anna, berta = [await add_customer(t, name) for name in ("Anna", "Berta")]
        t.clock.move(days=10)
        await contact_unheard(t, berta)
        assert await plan(t) == service.Planned(customers=2, added=4)
        # Whom nobody has contacted in time is overdue at once.
        assert await dues(t, anna) == {
            "rule_0": at("2026-01-08T09:00:00Z"),
            "rule_1": at("2026-02-01T09:00:00Z"),
        }
        assert await dues(t, berta) == {
            "rule_0": at("2026-01-18T09:00:00Z"),
            "rule_1": at("2026-02-11T09:00:00Z"),
        }
        before = await tasks(t)
        assert await plan(t) == service.Planned(customers=2)
        await t.drain()
        assert await tasks(t) == before


@pytest.mark.anyio
async def test_planning_gives_up_what_no_rule_wants_any_more(engine: str) -> None:
    async with crm(Tasks, config=ruled(WEEKLY, MONTHLY), engine=engine) as t:
        anna = await add_customer(t)
        await plan(t)
        t.host.loaded["tasks"].config.rules.pop("rule_1")  # type: ignore[attr-defined]
        assert await plan(t) == service.Planned(customers=1, cancelled=1)
        assert list(await dues(t, anna)) == ["rule_0"]


@pytest.mark.anyio
async def test_a_rule_that_changes_decides_from_the_next_contact_on(engine: str) -> None:
    async with crm(Tasks, config=ruled(WEEKLY), engine=engine) as t:
        anna = await add_customer(t)
        await plan(t)
        rules: Any = t.host.loaded["tasks"].config
        rules.rules["rule_0"] = rules.rules["rule_0"].model_copy(update={"every_days": 2})
        await plan(t)
        assert await dues(t, anna) == {"rule_0": at("2026-01-08T09:00:00Z")}
        t.clock.move(days=1)
        await contact(t, anna)
        assert await dues(t, anna) == {"rule_0": at("2026-01-04T09:00:00Z")}


@pytest.mark.anyio
async def test_planning_takes_as_many_statements_for_many_as_for_few(engine: str) -> None:
    counts = []
    for customers in (5, 50):
        async with crm(Tasks, config=ruled(WEEKLY, MONTHLY), engine=engine) as t:
            await add_customers(t, [f"Customer {number}" for number in range(customers)])
            with t.statements() as sent:
                assert (await plan(t)).added == 2 * customers
            counts.append(len(sent))
    assert counts[0] == counts[1]


@pytest.mark.anyio
async def test_many_who_plan_at_once_make_one_task(engine: str) -> None:
    async with crm(Tasks, config=ruled(WEEKLY), engine=engine) as t:
        anna = await add_customer(t)
        await asyncio.gather(*[settle(t, anna) for _ in range(8)], plan(t), t.drain())
        assert len(await tasks(t)) == 1


@pytest.mark.anyio
async def test_without_rules_nothing_is_planned(engine: str) -> None:
    async with crm(Tasks, engine=engine) as t:
        anna = await add_customer(t)
        await contact(t, anna)
        await move(t, anna, "customer")
        assert await plan(t) == service.Planned(customers=1)
        assert await tasks(t) == []


def test_the_command_says_what_it_has_done(engine: str) -> None:
    ended = called(engine, ruled(WEEKLY))
    assert ended.exit_code == 0
    assert "3 customers: 3 tasks added, 0 moved, 0 cancelled." in ended.output


def test_the_command_names_a_stage_that_the_ladder_does_not_have(engine: str) -> None:
    ended = called(engine, ruled({**WEEKLY, "stages": ["nirvana"]}))
    assert ended.exit_code == 1
    assert "The rule rule_0 is for the stage 'nirvana'" in str(ended.exception)


def called(engine: str, config: dict[str, Any]) -> Result:
    """How `crmkit tasks plan` ends in a company of three customers."""
    with asyncio.Runner() as runner:
        opened = crm(Tasks, config=config, engine=engine)
        t = runner.run(opened.__aenter__())
        runner.run(add_customers(t, ["Anna", "Berta", "Carla"]))
        desk = SimpleNamespace(run=lambda body: runner.run(t.unit(body, plugin="tasks")))
        ended = CliRunner().invoke(app, ["plan"], obj=desk)
        runner.run(opened.__aexit__(None, None, None))
    return ended


async def contact_unheard(t: Trial, customer: str) -> None:
    await t.gql(
        """mutation ($input: RecordInteractionInput!) {
          recordInteraction(input: $input) { interaction { id } } }""",
        input={
            "customerId": customer,
            "channel": "phone",
            "direction": "OUTBOUND",
            "kind": "call",
            "occurredAt": "2026-01-11T00:00:00Z",
        },
    )
