from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.plugins.shop import add_customer, row_counts
from tests.plugins.tasks.desk import add_user, create, do, refusal, tasks

if TYPE_CHECKING:
    from crmkit.testing import Trial

pytestmark = pytest.mark.anyio

NOBODY = "customer_01h455vb4pex5vsknk084sn02q"
NOTHING = "tasks_task_01h455vb4pex5vsknk084sn02q"
LEFT = "somebody who has left"
CLOSED = "a task that is closed"
LOYAL = "the stage loyal"
CALL = {"channel": "phone"}

BAD: list[tuple[str, dict[str, Any], str, list[str]]] = [
    ("createTask", {"customerId": NOBODY}, "NOT_FOUND", ["customerId"]),
    ("createTask", {"customerId": NOTHING}, "INVALID", ["customerId"]),
    ("createTask", {"subject": " "}, "INVALID", ["subject"]),
    ("createTask", {"subject": "x" * 201}, "INVALID", ["subject"]),
    ("createTask", {"dueAt": "3000-01-01T00:00:00Z"}, "INVALID", ["dueAt"]),
    ("createTask", {"assigneeId": NOBODY}, "INVALID", ["assigneeId"]),
    ("createTask", {"assigneeId": LEFT}, "REFUSED", ["assigneeId"]),
    ("createTask", {"causeId": NOBODY}, "NOT_FOUND", ["causeId"]),
    ("updateTask", {"id": NOTHING}, "NOT_FOUND", ["id"]),
    ("updateTask", {"id": NOBODY}, "INVALID", ["id"]),
    ("updateTask", {"id": CLOSED, "subject": "Again"}, "REFUSED", ["id"]),
    ("updateTask", {"subject": " "}, "INVALID", ["subject"]),
    ("updateTask", {"subject": None}, "INVALID", ["subject"]),
    ("updateTask", {"dueAt": "3000-01-01T00:00:00Z"}, "INVALID", ["dueAt"]),
    ("updateTask", {"assigneeId": LEFT}, "REFUSED", ["assigneeId"]),
    ("updateTask", {"subject": "Again", "version": 7}, "CONFLICT", ["version"]),
    ("completeTask", {"id": NOTHING}, "NOT_FOUND", ["id"]),
    ("completeTask", {"id": CLOSED}, "REFUSED", ["id"]),
    ("completeTask", {"version": 7}, "CONFLICT", ["version"]),
    ("completeTask", {"outcome": "x" * 2_001}, "INVALID", ["outcome"]),
    ("completeTask", {"stageId": NOBODY}, "INVALID", ["stageId"]),
    ("completeTask", {"stageId": LOYAL}, "REFUSED", ["stageId"]),
    ("completeTask", {"stageId": LOYAL, "interaction": CALL}, "REFUSED", ["stageId"]),
    ("completeTask", {"interaction": {"channel": "drum"}}, "INVALID", ["interaction", "channel"]),
    (
        "completeTask",
        {"interaction": {**CALL, "touchpoint": "moon"}},
        "INVALID",
        ["interaction", "touchpoint"],
    ),
    ("completeTask", {"interaction": {**CALL, "kind": "A B"}}, "INVALID", ["interaction", "kind"]),
    ("cancelTask", {"id": NOTHING}, "NOT_FOUND", ["id"]),
    ("cancelTask", {"id": CLOSED}, "REFUSED", ["id"]),
    ("cancelTask", {"version": 7}, "CONFLICT", ["version"]),
    ("cancelTask", {"reason": "x" * 2_001}, "INVALID", ["reason"]),
]


async def test_bad_inputs_are_named_and_change_nothing(t: Trial) -> None:
    anna = await add_customer(t)
    left = await add_user(t, "Vera", active=False)
    closed, task = [(await create(t, anna))["id"] for _ in range(2)]
    await do(t, "cancelTask", id=closed)
    found = await t.gql('{ stages(where: {key: {eq: "loyal"}}) { nodes { id } } }')
    meant = {LEFT: left, CLOSED: closed, LOYAL: found["stages"]["nodes"][0]["id"]}
    new = {"customerId": anna, "subject": "Call", "dueAt": "2026-02-01T09:00:00Z"}
    counts, before = await row_counts(t), await tasks(t)
    for verb, bad, code, field in BAD:
        named = {name: meant.get(str(value), value) for name, value in bad.items()}
        good = new if verb == "createTask" else {"id": task}
        extensions = await refusal(t, verb, **{**good, **named})
        said = (extensions["code"], extensions["problems"][0]["field"])
        assert said == (code, ["input", *field]), (verb, bad)
        assert (await row_counts(t), await tasks(t)) == (counts, before), (verb, bad)


async def test_each_of_many_is_refused_by_itself(t: Trial) -> None:
    anna = await add_customer(t)
    first, second, third = [(await create(t, anna))["id"] for _ in range(3)]
    call = {"interaction": {"channel": "phone"}}
    items = [
        {"id": first, **call},
        {"id": second, "interaction": {"channel": "drum"}},
        {"id": first},
        {"id": third, **call},
    ]
    done = await t.gql(
        """mutation ($items: [CompleteTaskItem!]!) {
          completeTasks(input: {items: $items, onError: SKIP}) {
            results { outcome error { code reason problems { field } } } } }""",
        items=items,
    )
    results = done["completeTasks"]["results"]
    outcomes = [each["outcome"] for each in results]
    assert outcomes == ["UPDATED", "REJECTED", "REJECTED", "UPDATED"]
    assert results[1]["error"]["problems"][0]["field"] == [
        "input",
        "items",
        "1",
        "interaction",
        "channel",
    ]
    assert results[2]["error"]["reason"] == "tasks.not_open"
    assert {each["id"]: each["state"] for each in await tasks(t)} == {
        first: "DONE",
        second: "OPEN",
        third: "DONE",
    }
