from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.anyio

KEY = {"source": "shop", "externalId": "7"}


async def test_a_deleted_customer_is_in_no_list_and_comes_back_whole(office: Any) -> None:
    who = await office.create(externalIds=[KEY], emails=[{"address": "a@example.com"}])
    done = await office.do("deleteCustomer", "deletedCustomerId", id=who)
    assert done == {"deletedCustomerId": who}
    assert await office.customer(who, "id") is None
    assert (await office.t.gql("{ customers { totalCount } }"))["customers"]["totalCount"] == 0
    assert (await office.fail("updateCustomer", id=who, name="B"))["code"] == "NOT_FOUND"
    back = await office.do(
        "restoreCustomer", "customer { id emails { address } externalIds { externalId } }", id=who
    )
    assert back["customer"] == {
        "id": who,
        "emails": [{"address": "a@example.com"}],
        "externalIds": [{"externalId": "7"}],
    }


async def test_deleting_sets_a_key_free_and_restoring_takes_it_back(office: Any) -> None:
    first = await office.create(externalIds=[KEY])
    await office.do("deleteCustomer", id=first)
    second = await office.create(externalIds=[KEY])
    error = await office.fail("restoreCustomer", id=first)
    assert (error["code"], error["reason"]) == ("CONFLICT", "core.external_id_taken")
    await office.do("deleteCustomer", id=second)
    await office.do("restoreCustomer", id=first)
    error = await office.fail("createCustomer", name="C", externalIds=[KEY])
    assert error["reason"] == "core.external_id_taken"


async def test_only_who_is_deleted_can_come_back(office: Any) -> None:
    who = await office.create()
    assert (await office.fail("restoreCustomer", id=who))["code"] == "NOT_FOUND"
    stage = await office.stage("loyal")
    error = await office.fail("restoreCustomer", id=stage)
    assert (error["code"], error["problems"][0]["field"]) == ("INVALID", ["input", "id"])


async def test_a_stale_version_deletes_nobody(office: Any) -> None:
    who = await office.create()
    await office.do("updateCustomer", id=who, name="B")
    assert (await office.fail("deleteCustomer", id=who, version=1))["code"] == "CONFLICT"
    assert await office.customer(who, "name") == {"name": "B"}


async def test_many_are_deleted_and_restored_at_once(office: Any) -> None:
    ids = [await office.create(name) for name in "ABC"]
    items = [{"id": who} for who in ids]
    done = await office.do("deleteCustomers", "results { outcome deletedCustomerId }", items=items)
    assert [each["deletedCustomerId"] for each in done["results"]] == ids
    done = await office.do("restoreCustomers", "results { outcome customer { name } }", items=items)
    assert [each["customer"]["name"] for each in done["results"]] == ["A", "B", "C"]


async def test_a_customer_climbs_the_ladder_and_history_remembers_why(office: Any) -> None:
    who = await office.create()
    office.t.clock.move(days=1)
    moved = await office.do(
        "moveCustomer",
        "customer { stage { key } version } stay { stage { key } reason enteredAt }",
        id=who,
        stageId=await office.stage("intent"),
        reason="asked for an offer",
    )
    assert moved == {
        "customer": {"stage": {"key": "intent"}, "version": 2},
        "stay": {
            "stage": {"key": "intent"},
            "reason": "asked for an offer",
            "enteredAt": "2026-01-02T00:00:00.000000Z",
        },
    }
    history = await office.customer(who, "stays { nodes { stage { key } leftAt } }")
    assert history["stays"]["nodes"] == [
        {"stage": {"key": "intent"}, "leftAt": None},
        {"stage": {"key": "potential"}, "leftAt": "2026-01-02T00:00:00.000000Z"},
    ]


async def test_the_ladder_refuses_a_step_it_does_not_have(office: Any) -> None:
    who = await office.create()
    error = await office.fail("moveCustomer", id=who, stageId=await office.stage("loyal"))
    assert (error["code"], error["reason"]) == ("REFUSED", "core.move_not_allowed")
    assert error["problems"][0]["field"] == ["input", "stageId"]
    assert error["problems"][0]["params"] == {
        "from": "potential",
        "to": "loyal",
        "allowed": ["customer", "intent"],
    }
    assert (await office.customer(who, "stays { totalCount }"))["stays"]["totalCount"] == 1


async def test_steps_of_one_customer_are_taken_one_after_the_other(office: Any) -> None:
    ada, bob = await office.create("Ada"), await office.create("Bob")
    intent, customer = await office.stage("intent"), await office.stage("customer")
    done = await office.do(
        "moveCustomers",
        "results { outcome error { reason } }",
        onError="SKIP",
        items=[
            {"id": ada, "stageId": intent},
            {"id": ada, "stageId": customer},
            {"id": ada, "stageId": intent},
            {"id": bob, "stageId": intent},
        ],
    )
    assert [each["outcome"] for each in done["results"]] == [
        "UPDATED",
        "UPDATED",
        "REJECTED",
        "UPDATED",
    ]
    assert done["results"][2]["error"] == {"reason": "core.move_not_allowed"}
    found = await office.customer(ada, "stage { key } stays { totalCount }")
    assert found == {"stage": {"key": "customer"}, "stays": {"totalCount": 3}}
