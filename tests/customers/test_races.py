from __future__ import annotations

import asyncio
from typing import Any

import pytest

pytestmark = pytest.mark.anyio

MOVE = "mutation($i: MoveCustomerInput!) { moveCustomer(input: $i) { customer { id } } }"
UPDATE = "mutation($i: UpdateCustomerInput!) { updateCustomer(input: $i) { customer { id } } }"


async def test_of_many_who_move_one_customer_one_succeeds(office: Any) -> None:
    who, intent = await office.create(), await office.stage("intent")
    asked = [{"i": {"id": who, "stageId": intent}} for _ in range(20)]
    answers = await asyncio.gather(*[office.t.answer(MOVE, each) for each in asked])
    failed = [each["errors"][0]["extensions"]["reason"] for each in answers if "errors" in each]
    assert failed == ["core.move_not_allowed"] * 19
    stays = (await office.customer(who, "stays { nodes { leftAt } }"))["stays"]["nodes"]
    assert [each["leftAt"] is None for each in stays] == [True, False]


async def test_of_many_who_saw_one_version_one_wins(office: Any) -> None:
    who = await office.create()
    asked = [{"i": {"id": who, "version": 1, "name": f"N{n}"}} for n in range(20)]
    answers = await asyncio.gather(*[office.t.answer(UPDATE, each) for each in asked])
    failed = [each["errors"][0]["extensions"]["code"] for each in answers if "errors" in each]
    assert failed == ["CONFLICT"] * 19
    assert await office.customer(who, "version") == {"version": 2}


async def test_contacts_written_at_once_still_have_one_to_use(office: Any) -> None:
    who = await office.create(emails=[{"address": "old@example.com"}])
    asked = [
        {
            "i": {
                "id": who,
                "emails": [{"address": f"{n}@example.com"}, {"address": "b@example.com"}],
            }
        }
        for n in range(12)
    ]
    answers = await asyncio.gather(*[office.t.answer(UPDATE, each) for each in asked])
    assert not any("errors" in each for each in answers)
    emails = (await office.customer(who, "emails { isPrimary }"))["emails"]
    assert [each["isPrimary"] for each in emails] == [True, False]


async def test_of_many_who_bring_one_new_customer_all_mean_the_same(office: Any) -> None:
    upsert = "mutation($i: UpsertCustomerInput!) { upsertCustomer(input: $i) { customer { id } } }"
    given = {"name": "Ada", "externalIds": [{"source": "shop", "externalId": "7"}]}
    asked = [{"i": {**given, "source": f"shop {n}"}} for n in range(12)]
    answers = await asyncio.gather(*[office.t.answer(upsert, each) for each in asked])
    assert not any("errors" in each for each in answers)
    assert len({each["data"]["upsertCustomer"]["customer"]["id"] for each in answers}) == 1
