"""Rights are those of the moment of each event, and nobody hears what he may not see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from crmkit.values.errors import Unauthenticated
from tests.graph.live.conftest import CHANGED, Client, served

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from crmkit.host.actors import Actor
    from tests.graph.live.conftest import Served

pytestmark = pytest.mark.anyio

OWNED = """mutation ($name: String!, $owner: ID) {
  createCustomer(input: {name: $name, ownerId: $owner}) { customer { id } } }"""
USER = 'mutation { createUser(input: {name: "Uma", mail: "uma@example.com"}) { user { id } } }'
RENAME = "mutation ($id: ID!, $name: String!) { updateCustomer(input: {id: $id, name: $name}) { customer { id } } }"
DELETE = "mutation ($id: ID!) { deleteCustomer(input: {id: $id}) { deletedCustomerId } }"


class Keys:
    """Knows each client by the name that it says, as long as it has one."""

    def __init__(self) -> None:
        self.actors: dict[str, Actor] = {}

    async def actor(self, headers: Mapping[bytes, bytes], client: str | None) -> Actor:
        found = self.actors.get(headers.get(b"authorization", b"").decode())
        if found is None:
            raise Unauthenticated("Nobody is signed in.")
        return found

    def charge(self, actor: Actor, points: int) -> None:
        pass


@pytest.fixture
async def keys(engine: str) -> Keys:
    return Keys()


@pytest.fixture
async def s(engine: str, keys: Keys) -> AsyncIterator[Served]:
    async with served(sign_in=keys, engine=engine) as s:
        yield s


def let_in(s: Served, keys: Keys, name: str, *roles: str, **more: Any) -> None:
    """Gives a client of this name these roles, as `Trial.become` does."""
    before = s.t.actor
    s.t.become(*roles, **more)
    keys.actors[name], s.t.actor = s.t.actor, before


async def test_a_scope_holds_for_changes_and_for_what_is_gone(s: Served, keys: Keys) -> None:
    uma = (await s.t.gql(USER))["createUser"]["user"]["id"]
    let_in(s, keys, "uma", "sales", user=uma, scope="own")
    async with s.client(Authorization="uma") as client:
        await client.subscribe(CHANGED)
        own, other = [
            (await s.t.gql(OWNED, name=name, owner=owner))["createCustomer"]["customer"]["id"]
            for name, owner in (("Ada", uma), ("Bob", None))
        ]
        await s.t.gql(DELETE, id=other)
        await s.t.gql(DELETE, id=own)
        told = [(await client.told())["customersChanged"] for _ in "ab"]
        assert [each["nodes"] for each in told] == [[{"id": own, "name": "Ada"}], []]
        assert [each["gone"] for each in told] == [[], [own]]


async def test_who_lacks_the_right_is_refused_at_once_and_who_loses_it_at_the_next_event(
    s: Served, keys: Keys
) -> None:
    let_in(s, keys, "uma", "sales", hidden=["Customer.name"])
    async with s.client(Authorization="uma") as client:
        await client.say(type="subscribe", id="1", payload={"query": CHANGED})
        message = await client.hear()
        assert message["type"] == "error"
        assert message["payload"][0]["extensions"]["code"] == "FORBIDDEN"
        let_in(s, keys, "uma", "sales")
        await client.subscribe(CHANGED, id="2")
        await s.add("Ada")
        assert await client.told()
        let_in(s, keys, "uma", "sales", hidden=["Customer.name"])
        await s.add("Bob")
        message = await client.hear()
        assert (message["type"], message["id"]) == ("error", "2")
        assert "Bob" not in str(message)


async def test_whose_key_is_revoked_hears_nothing_more(s: Served, keys: Keys) -> None:
    let_in(s, keys, "uma", "sales")
    async with s.client(headers={"authorization": "uma"}) as client:
        await client.subscribe(CHANGED)
        del keys.actors["uma"]
        await s.add("Ada")
        assert await client.closed() == (4403, "Forbidden")
    async with s.open() as opened:
        await Client(opened).say(type="connection_init", payload={"Authorization": "uma"})
        assert (await Client(opened).closed())[0] == 4403


async def test_one_event_is_read_once_for_all_who_hear_the_same(s: Served, keys: Keys) -> None:
    let_in(s, keys, "uma", "sales")
    let_in(s, keys, "ben", "sales")
    let_in(s, keys, "own", "sales", scope="own")
    async with (
        s.client(Authorization="uma") as uma,
        s.client(Authorization="ben") as ben,
        s.client(Authorization="own") as own,
    ):
        for client in (uma, ben, own):
            for key in "123":
                await client.subscribe(CHANGED, id=key)
        with s.t.statements() as sent:
            await s.add("Ada")
            for client in (uma, ben):
                assert {(await client.hear())["id"] for _ in "123"} == {*"123"}
        assert len([each for each in sent if "parents" in each]) == 2
