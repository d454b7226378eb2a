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


MERGE = "mutation($i: MergeCustomersInput!) { mergeCustomers(input: $i) { customer { id } } }"
SAY = (
    "mutation($i: RecordInteractionInput!) { recordInteraction(input: $i) { interaction { id } } }"
)


async def test_two_who_are_merged_both_ways_at_once_are_one_in_the_end(office: Any) -> None:
    for _ in range(5):
        one, other = await office.create("A"), await office.create("B")
        asked = [{"i": {"winnerId": one, "loserIds": [other]}}] * 3
        asked += [{"i": {"winnerId": other, "loserIds": [one]}}] * 3
        answers = await asyncio.gather(*[office.t.answer(MERGE, each) for each in asked])
        failed = [each["errors"][0]["extensions"]["reason"] for each in answers if "errors" in each]
        assert failed == ["core.same_customer"] * 5
        found = await office.t.gql("query($i: [ID!]!) { nodes(ids: $i) { id } }", i=[one, other])
        assert found["nodes"][0] == found["nodes"][1]


async def test_what_is_said_while_customers_are_merged_is_the_winners(office: Any) -> None:
    winner, *losers = [await office.create(name) for name in "ABCD"]
    said = {"channel": "email", "direction": "INBOUND", "kind": "note"}
    items = [{"customerId": each, **said} for each in losers]
    bulk = """mutation($i: RecordInteractionsInput!) {
      recordInteractions(input: $i) { results { index } } }"""
    merges = [
        office.t.answer(MERGE, {"i": {"winnerId": winner, "loserIds": [each]}}) for each in losers
    ]
    singles = [office.t.answer(SAY, {"i": each}) for each in items * 5]
    bulks = [office.t.answer(bulk, {"i": {"items": items}}) for _ in range(5)]
    answers = await asyncio.gather(*singles[:7], *bulks[:2], *merges, *bulks[2:], *singles[7:])
    assert [each["errors"] for each in answers if "errors" in each] == []
    found = await office.customer(winner, "interactions { totalCount }")
    assert found["interactions"]["totalCount"] == 5 * 3 + 5 * 3
