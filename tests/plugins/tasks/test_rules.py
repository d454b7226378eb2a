from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from crmkit.testing import crm
from crmkit_loyalty.plugin import Loyalty
from crmkit_orders.plugin import Orders
from crmkit_tasks.plugin import Tasks
from tests.plugins.tasks.desk import (
    add_user,
    arrive,
    at,
    contact,
    create,
    do,
    dues,
    move,
    mutation,
    open_tasks,
    plan,
    settle,
    stage,
    tasks,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from crmkit.testing import Trial

pytestmark = pytest.mark.anyio

RULES = {
    "warm_up": {"subject": "Say hello", "stages": ["potential", "intent"], "every_days": 7},
    "advise": {"subject": "Advise", "stages": ["intent"], "every_days": 3, "at": "14:30"},
    "monthly": {"subject": "Look after", "stages": ["customer", "loyal"], "every_months": 1},
}
BERLIN = {"zone": "Europe/Berlin"}


@pytest.fixture
async def t(engine: str) -> AsyncIterator[Trial]:
    # It is winter, and one o'clock in Berlin.
    config = {"tasks": {"rules": RULES}}
    async with crm(Tasks, config=config, organisation=BERLIN, engine=engine) as t:
        yield t


async def test_a_new_customer_has_one_task_of_each_rule_of_the_stage(t: Trial) -> None:
    anna = await arrive(t)
    [task] = (await open_tasks(t, anna)).values()
    assert (task["subject"], task["dueAt"]) == ("Say hello", at("2026-01-08T08:00:00Z"))
    assert task["cause"]["id"].startswith("customer_stay_")


async def test_tasks_go_to_the_owner_as_long_as_there_is_one(t: Trial) -> None:
    vera, willi = await add_user(t, "Vera"), await add_user(t, "Willi", active=False)
    for owner in (vera, willi):
        document = mutation("createCustomer", "customer { id }")
        await t.gql(document, input={"name": owner, "ownerId": owner})
    await t.drain()
    by_owner = {each["customer"]["id"]: each["assignee"] for each in await tasks(t)}
    assert list(by_owner.values()) == [{"name": "Vera"}, None]


async def test_a_contact_that_comes_first_moves_the_task(t: Trial) -> None:
    anna = await arrive(t)
    before = await open_tasks(t, anna)
    t.clock.move(days=5)
    await contact(t, anna)
    after = await open_tasks(t, anna)
    assert after["warm_up"] == {**before["warm_up"], "dueAt": at("2026-01-13T08:00:00Z")}


async def test_notes_and_plans_are_no_contact_but_letters_of_the_customer_are(t: Trial) -> None:
    anna = await arrive(t)
    t.clock.move(days=2)
    await contact(t, anna, direction="INTERNAL", kind="note")
    await contact(t, anna, occurredAt="2026-02-01T09:00:00Z")
    assert await dues(t, anna) == {"warm_up": at("2026-01-08T08:00:00Z")}
    await contact(t, anna, direction="INBOUND", occurredAt="2026-01-02T09:00:00Z")
    assert await dues(t, anna) == {"warm_up": at("2026-01-09T08:00:00Z")}


async def test_a_contact_that_is_corrected_away_counts_no_more(t: Trial) -> None:
    anna = await arrive(t)
    t.clock.move(days=3)
    said = await contact(t, anna)
    assert await dues(t, anna) == {"warm_up": at("2026-01-11T08:00:00Z")}
    await contact(t, anna, supersedesId=said, direction="INTERNAL", kind="note")
    assert await dues(t, anna) == {"warm_up": at("2026-01-08T08:00:00Z")}


async def test_what_was_put_off_stays_there_until_there_is_a_new_contact(t: Trial) -> None:
    anna = await arrive(t)
    task = (await open_tasks(t, anna))["warm_up"]
    await do(t, "updateTask", id=task["id"], dueAt="2026-01-20T10:00:00Z")
    await contact(t, anna, occurredAt="2025-11-05T10:00:00Z")
    await plan(t)
    assert await dues(t, anna) == {"warm_up": at("2026-01-20T10:00:00Z")}
    t.clock.move(days=1)
    await contact(t, anna)
    assert await dues(t, anna) == {"warm_up": at("2026-01-09T08:00:00Z")}


async def test_another_stage_has_other_rules(t: Trial) -> None:
    anna = await arrive(t)
    warm_up = (await open_tasks(t, anna))["warm_up"]
    t.clock.move(days=2)
    await move(t, anna, "intent")
    both = await open_tasks(t, anna)
    # The rule of both stages counts on, that of the new one from today, at half past two.
    assert both["warm_up"] == warm_up
    assert both["advise"]["dueAt"] == at("2026-01-06T13:30:00Z")
    await move(t, anna, "customer")
    assert await dues(t, anna) == {"monthly": at("2026-02-03T08:00:00Z")}
    states = {each["rule"]: each["state"] for each in await tasks(t)}
    assert states == {"warm_up": "CANCELLED", "advise": "CANCELLED", "monthly": "OPEN"}


async def test_what_people_gave_themselves_is_not_touched_by_rules(t: Trial) -> None:
    anna = await arrive(t)
    own = await create(t, anna)
    await contact(t, anna)
    await move(t, anna, "customer")
    await plan(t)
    assert own in await tasks(t)


async def test_doing_a_task_with_a_contact_counts_from_it(t: Trial) -> None:
    anna = await arrive(t)
    task = (await open_tasks(t, anna))["warm_up"]
    t.clock.move(days=4)
    await do(t, "completeTask", id=task["id"], interaction={"channel": "phone"})
    follower = (await open_tasks(t, anna))["warm_up"]
    assert (follower["dueAt"], follower["cause"]) == (
        at("2026-01-12T08:00:00Z"),
        {"id": task["id"]},
    )
    await t.drain()
    assert await open_tasks(t, anna) == {"warm_up": follower}


async def test_doing_a_task_that_moves_the_customer_follows_the_new_stage_at_once(
    t: Trial,
) -> None:
    anna = await arrive(t)
    task = (await open_tasks(t, anna))["warm_up"]
    await do(t, "completeTask", id=task["id"], stageId=await stage(t, "customer"))
    planned = await open_tasks(t, anna)
    assert list(planned) == ["monthly"]
    await t.drain()
    assert await open_tasks(t, anna) == planned


async def test_who_gives_up_a_task_skips_one_time_and_the_calendar_goes_on(t: Trial) -> None:
    t.clock.set(datetime(2026, 1, 31, 12, tzinfo=UTC))
    anna = await arrive(t)
    await move(t, anna, "customer")
    seen = []
    for _ in range(4):
        task = (await open_tasks(t, anna))["monthly"]
        seen.append(task["dueAt"])
        await do(t, "cancelTask", id=task["id"])
    # The ends of months, nine o'clock in Berlin: in summer that is an hour earlier.
    assert seen == [
        at("2026-02-28T08:00:00Z"),
        at("2026-03-31T07:00:00Z"),
        at("2026-04-30T07:00:00Z"),
        at("2026-05-31T07:00:00Z"),
    ]


async def test_a_task_that_is_given_up_late_is_not_wanted_again_at_once(t: Trial) -> None:
    anna = await arrive(t)
    task = (await open_tasks(t, anna))["warm_up"]
    t.clock.move(days=30)
    await do(t, "cancelTask", id=task["id"])
    assert await dues(t, anna) == {"warm_up": at("2026-02-05T08:00:00Z")}


async def test_a_day_is_a_day_of_the_calendar_and_of_the_organisation(t: Trial) -> None:
    # Half past eleven in London on the 24th of March is the 25th in Berlin.
    t.clock.set(datetime(2026, 3, 24, 23, 30, tzinfo=UTC))
    anna = await arrive(t)
    # On the 29th the clocks go forward.
    assert await dues(t, anna) == {"warm_up": at("2026-04-01T07:00:00Z")}


async def test_whoever_comes_back_is_looked_after_again(t: Trial) -> None:
    anna = await arrive(t)
    task = (await open_tasks(t, anna))["warm_up"]
    await t.gql(mutation("deleteCustomer", "deletedCustomerId"), input={"id": anna})
    await t.drain()
    await plan(t)
    assert await tasks(t) == []
    await t.gql(mutation("restoreCustomer", "customer { id }"), input={"id": anna})
    await t.drain()
    assert await open_tasks(t, anna) == {"warm_up": task}


async def test_a_handler_that_is_called_again_changes_nothing(t: Trial) -> None:
    anna = await arrive(t)
    await contact(t, anna)
    before = await t.gql("{ tasks { nodes { id version } } }")
    await settle(t, anna)
    await settle(t, anna)
    assert await t.gql("{ tasks { nodes { id version } } }") == before


async def test_rules_hold_beside_other_plugins(engine: str) -> None:
    config: dict[str, Any] = {"tasks": {"rules": RULES}}
    async with crm(Orders, Loyalty, Tasks, config=config, engine=engine) as t:
        anna = await arrive(t)
        assert list(await dues(t, anna)) == ["warm_up"]
