"""Records that several requests look up in the same moment are found by one statement."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from crmkit.testing import Trial, add_customers, crm
from crmkit.values.errors import Unavailable

pytestmark = pytest.mark.anyio

NODE = "query ($id: ID!) { node(id: $id) { ... on Customer { name } } }"
USER = 'mutation { createUser(input: {name: "Uma", mail: "%s@example.com"}) { user { id } } }'


@pytest.fixture
async def t(engine: str) -> AsyncIterator[Trial]:
    async with crm(engine=engine) as t:
        yield t


async def names(t: Trial, ids: Sequence[str]) -> list[Any]:
    answers = await asyncio.gather(*[t.gql(NODE, id=each) for each in ids])
    return [each["node"] and each["node"]["name"] for each in answers]


async def test_requests_of_one_moment_share_a_statement(t: Trial) -> None:
    given = [f"Ada {number}" for number in range(12)]
    ids = await add_customers(t, given)
    assert await names(t, ids[:1]) == ["Ada 0"]
    with t.statements() as sent:
        assert await names(t, [*ids, ids[0]]) == [*given, "Ada 0"]
    assert len(sent) == 1
    with t.statements() as sent:
        for each in ids[:3]:
            await names(t, [each])
    assert len(sent) == 3


async def test_nobody_is_told_what_only_another_reaches(t: Trial) -> None:
    users, customers = [], []
    for name in ("ada", "bob"):
        users.append((await t.gql(USER % name))["createUser"]["user"]["id"])
        customers += await add_customers(t, [name], ownerId=users[-1])

    async def told(user: str, customer: str) -> Any:
        t.become("sales", user=user, scope="own")
        return (await t.gql(NODE, id=customer))["node"]

    pairs = [(user, customer) for user in users for customer in customers]
    for _ in range(3):
        found = await asyncio.gather(*[told(*each) for each in pairs])
        assert found == [{"name": "ada"}, None, None, {"name": "bob"}]


async def test_what_makes_one_fail_leaves_the_others_alone(
    t: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = await add_customers(t, ["Ada", "Bob", "Cyd"])
    await names(t, ids)
    rows = t.host.database.rows

    async def failing(sql: str, arguments: Sequence[Any]) -> Any:
        if ids[1] in str(arguments):
            raise Unavailable("Bob is asleep.")
        return await rows(sql, arguments)

    monkeypatch.setattr(t.host.database, "rows", failing)
    asked = [*ids, "customer_a\x1fb", "customer_"]
    answers = await asyncio.gather(
        *[t.answer(NODE, {"id": each}) for each in asked], return_exceptions=True
    )
    assert isinstance(answers.pop(1), Unavailable)
    found = [each["data"]["node"] for each in answers if isinstance(each, dict)]
    assert found == [{"name": "Ada"}, {"name": "Cyd"}, None, None]


async def test_who_leaves_takes_nobody_along(t: Trial) -> None:
    ids = await add_customers(t, ["Ada", "Bob", "Cyd"])
    await names(t, ids)
    tasks = [asyncio.create_task(names(t, [each])) for each in ids]
    for _ in range(2):
        await asyncio.sleep(0)
    tasks[0].cancel()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(found[0], asyncio.CancelledError)
    assert found[1:] == [["Bob"], ["Cyd"]]
