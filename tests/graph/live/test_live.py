"""What subscribers hear, over a real socket and a real stream, on both engines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.graph.live.conftest import CHANGED, served

if TYPE_CHECKING:
    pass

pytestmark = pytest.mark.anyio

MOVE = (
    "mutation ($id: ID!, $to: ID!) { moveCustomer(input: {id: $id, stageId: $to}) { stay { id } } }"
)
DELETE = "mutation ($id: ID!) { deleteCustomer(input: {id: $id}) { deletedCustomerId } }"


async def test_a_change_is_told_with_what_is_selected_of_committed_rows(engine: str) -> None:
    async with served(engine=engine) as s, s.client() as client:
        await client.subscribe(CHANGED)
        ada = await s.add("Ada")
        told = {"event": "core.CustomersCreated", "nodes": [{"id": ada, "name": "Ada"}], "gone": []}
        assert await client.told() == {"customersChanged": told}


async def test_who_is_deleted_is_told_by_id_alone(engine: str) -> None:
    async with served(engine=engine) as s, s.client() as client:
        ada = await s.add("Ada")
        await client.subscribe(CHANGED)
        await s.t.gql(DELETE, id=ada)
        told = {"event": "core.CustomersDeleted", "nodes": [], "gone": [ada]}
        assert await client.told() == {"customersChanged": told}


async def test_a_stream_tells_the_same(engine: str) -> None:
    async with served(engine=engine) as s, s.stream(CHANGED) as told:
        assert await anext(told) == ("alive", None)
        ada = await s.add("Ada")
        name, said = await anext(told)
        assert name == "next"
        assert said["data"]["customersChanged"]["nodes"] == [{"id": ada, "name": "Ada"}]


async def test_where_is_asked_of_the_database(engine: str) -> None:
    document = """subscription ($where: CustomerWhere) {
      customersChanged(where: $where) { nodes { name stage { key } } } }"""
    where = {"name": {"startsWith": "a"}, "emails": {"none": {"address": {"contains": "x"}}}}
    async with served(engine=engine) as s, s.client() as client:
        await client.subscribe(document, where=where)
        for name in ("Bob", "Ada", "Cy", "Abe"):
            await s.add(name)
        heard = [(await client.told())["customersChanged"]["nodes"][0]["name"] for _ in "ab"]
        assert heard == ["Ada", "Abe"]


async def test_of_a_merge_the_one_who_stays_is_told(engine: str) -> None:
    merge = """mutation ($a: ID!, $b: ID!) {
      mergeCustomers(input: {winnerId: $a, loserIds: [$b]}) { customer { id } } }"""
    async with served(engine=engine) as s, s.client() as client:
        ada, other = await s.add("Ada"), await s.add("Ada")
        await client.subscribe(CHANGED)
        await s.t.gql(merge, a=ada, b=other)
        told = {"event": "core.CustomersMerged", "nodes": [{"id": ada, "name": "Ada"}], "gone": []}
        assert await client.told() == {"customersChanged": told}
