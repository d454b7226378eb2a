from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.plugins.shop import add_customer
from tests.plugins.tasks.desk import TASK, add_user, at, contact, create, do, mutation, stage, tasks

if TYPE_CHECKING:
    from crmkit.testing import Trial

pytestmark = pytest.mark.anyio


async def test_a_task_says_what_is_to_be_done_by_whom_until_when(t: Trial) -> None:
    anna, vera = await add_customer(t), await add_user(t, "Vera")
    asked = await contact(t, anna, direction="INBOUND")
    made = await create(t, anna, subject=" Call back ", assigneeId=vera, causeId=asked)
    assert (made["subject"], made["assignee"], made["state"]) == (
        "Call back",
        {"name": "Vera"},
        "OPEN",
    )
    assert (made["dueAt"], made["cause"]) == (at("2026-01-10T09:00:00Z"), {"id": asked})


async def test_a_task_is_overdue_by_the_clock_alone(t: Trial) -> None:
    anna = await add_customer(t)
    late, done = [await create(t, anna) for _ in range(2)]
    await do(t, "completeTask", id=done["id"])
    t.clock.move(days=9, hours=9)
    assert not any(each["overdue"] for each in await tasks(t))
    t.clock.move(seconds=1)
    overdue = {each["id"]: each["overdue"] for each in await tasks(t)}
    assert overdue == {late["id"]: True, done["id"]: False}
    await do(t, "updateTask", id=late["id"], dueAt="2026-01-11T09:00:00Z")
    assert not any(each["overdue"] for each in await tasks(t))


async def test_an_update_changes_what_it_names_and_nothing_else(t: Trial) -> None:
    anna, vera = await add_customer(t), await add_user(t, "Vera")
    task = await create(t, anna)
    later = await do(t, "updateTask", id=task["id"], dueAt="2026-02-01T09:00:00Z")
    assert later == {**task, "dueAt": at("2026-02-01T09:00:00Z")}
    given = await do(t, "updateTask", id=task["id"], assigneeId=vera)
    assert given == {**later, "assignee": {"name": "Vera"}}
    said = await do(t, "updateTask", id=task["id"], subject="Write", assigneeId=None)
    assert said == {**later, "subject": "Write"}


async def test_an_update_that_changes_nothing_says_so(t: Trial) -> None:
    anna = await add_customer(t)
    task = await create(t, anna)
    items = [{"id": task["id"], "subject": each} for each in ("Write", "Write", "Call back")]
    done = await t.gql(
        """mutation ($items: [UpdateTaskItem!]!) { updateTasks(input: {items: $items}) {
          results { outcome task { subject version } } } }""",
        items=items,
    )
    results = done["updateTasks"]["results"]
    assert [each["outcome"] for each in results] == ["UPDATED", "UNCHANGED", "UPDATED"]
    assert results[0]["task"] == {"subject": "Call back", "version": 3}


async def test_an_outcome_records_an_interaction_and_moves_the_customer(t: Trial) -> None:
    anna = await add_customer(t)
    task = await create(t, anna)
    done = await do(
        t,
        "completeTask",
        id=task["id"],
        outcome="She wants an offer",
        interaction={"channel": "phone"},
        stageId=await stage(t, "intent"),
    )
    assert (done["state"], done["outcome"]) == ("DONE", "She wants an offer")
    assert done["closedAt"] == at("2026-01-01T00:00:00Z")
    interaction = done["interaction"]
    assert (interaction["subject"], interaction["body"]) == ("Call back", "She wants an offer")
    assert (interaction["channel"], interaction["cause"]) == ({"key": "phone"}, {"id": task["id"]})
    found = await t.gql(
        """query ($id: ID!) { node(id: $id) { ... on Customer {
          stage { key } stays { nodes { reason } } } } }""",
        id=anna,
    )
    assert found["node"]["stage"] == {"key": "intent"}
    reasons = [each["reason"] for each in found["node"]["stays"]["nodes"]]
    assert reasons == ["She wants an offer", None]


async def test_a_task_that_need_not_be_done_says_why(t: Trial) -> None:
    task = await create(t, await add_customer(t))
    gone = await do(t, "cancelTask", id=task["id"], reason="She called herself")
    assert (gone["state"], gone["outcome"]) == ("CANCELLED", "She called herself")
    assert gone["interaction"] is None


async def test_of_many_who_close_one_task_one_succeeds(t: Trial) -> None:
    task = await create(t, await add_customer(t))
    documents = [mutation(f"{each}Task", "task { id }") for each in ("complete", "cancel")]
    given = {"input": {"id": task["id"]}}
    answers = await asyncio.gather(*[t.answer(each, given) for each in documents * 5])
    failed = [each["errors"][0]["extensions"]["reason"] for each in answers if "errors" in each]
    assert failed == ["tasks.not_open"] * 9


async def test_customers_and_colleagues_have_their_tasks(t: Trial) -> None:
    anna, berta = await add_customer(t), await add_customer(t, "Berta")
    vera = await add_user(t, "Vera")
    later = await create(t, anna, dueAt="2026-03-01T09:00:00Z", assigneeId=vera)
    sooner = await create(t, anna, dueAt="2026-02-01T09:00:00Z")
    soonest = await create(t, anna, dueAt="2026-01-05T09:00:00Z")
    await do(t, "cancelTask", id=soonest["id"])
    found = await t.gql(
        """{ customers(orderBy: [NEXT_TASK_DUE_AT_ASC]) { nodes {
          name nextTask { id } nextTaskDueAt openTaskCount tasks { nodes { id } } } } }"""
    )
    assert found["customers"]["nodes"] == [
        {
            "name": "Anna",
            "nextTask": {"id": sooner["id"]},
            "nextTaskDueAt": at("2026-02-01T09:00:00Z"),
            "openTaskCount": 2,
            "tasks": {"nodes": [{"id": each["id"]} for each in (soonest, sooner, later)]},
        },
        {
            "name": "Berta",
            "nextTask": None,
            "nextTaskDueAt": None,
            "openTaskCount": 0,
            "tasks": {"nodes": []},
        },
    ]
    idle = await t.gql("{ customers(where: {openTaskCount: {eq: 0}}) { nodes { id } } }")
    assert idle["customers"]["nodes"] == [{"id": berta}]
    hers = await t.gql("{ users { nodes { tasks { nodes { id } } } } }")
    assert hers["users"]["nodes"][0]["tasks"]["nodes"] == [{"id": later["id"]}]


async def test_tasks_are_found_and_sorted_by_due_state_and_assignee(t: Trial) -> None:
    anna = await add_customer(t)
    vera, willi = [await add_user(t, name) for name in ("Vera", "Willi")]
    first = await create(t, anna, assigneeId=willi)
    second = await create(t, anna, assigneeId=vera, dueAt="2026-02-01T09:00:00Z")
    third = await create(t, anna, dueAt="2026-03-01T09:00:00Z")
    await do(t, "completeTask", id=second["id"])
    names = {first["id"]: 1, second["id"]: 2, third["id"]: 3}

    async def asked(arguments: str) -> list[int]:
        found = await t.gql(f"{{ tasks({arguments}) {{ nodes {{ id }} }} }}")
        return [names[each["id"]] for each in found["tasks"]["nodes"]]

    assert await asked('where: {dueAt: {lt: "2026-02-15T00:00:00Z"}}') == [1, 2]
    assert await asked('where: {state: {eq: OPEN}, assignee: {name: {eq: "willi"}}}') == [1]
    assert await asked("where: {assigneeId: {isNull: true}}") == [3]
    assert await asked("orderBy: [DUE_AT_DESC]") == [3, 2, 1]
    assert await asked("orderBy: [STATE_ASC, DUE_AT_DESC]") == [2, 3, 1]
    assert await asked("orderBy: [ASSIGNEE_ID_ASC]") == [2, 1, 3]


async def test_a_list_takes_as_many_statements_for_many_as_for_few(t: Trial) -> None:
    anna = await add_customer(t)
    sent = []
    for _ in range(2):
        for _ in range(5):
            await create(t, anna, causeId=anna)
        with t.statements() as each:
            await t.gql(f"{{ tasks {{ nodes {{ {TASK} }} }} }}")
        sent.append(len(each))
    assert sent[0] == sent[1] <= 2
