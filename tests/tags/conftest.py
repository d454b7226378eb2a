from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from crmkit.testing import add_customers, crm

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from crmkit.testing import Trial


class Pinboard:
    """The few sentences that most of these tests begin with."""

    def __init__(self, t: Trial) -> None:
        self.t = t

    async def customers(self, *names: str) -> list[str]:
        """Adds customers and returns their ids."""
        return await add_customers(self.t, names)

    async def tag(self, key: str, **given: Any) -> str:
        """Adds a tag and returns its id."""
        return str((await self.do("createTag", "tag { id }", key=key, **given))["tag"]["id"])

    async def do(self, verb: str, fields: str = "__typename", **input: Any) -> Any:
        """Runs a mutation and returns its payload."""
        return (await self.t.gql(_mutation(verb, fields), i=input))[verb]

    async def fail(self, verb: str, **input: Any) -> tuple[str, list[str | int], str | None]:
        """Runs a mutation that fails; returns the code, the field and the reason."""
        [error] = await self.t.errors(_mutation(verb, "__typename"), i=input)
        said = error["extensions"]
        return said["code"], said["problems"][0]["field"], said.get("reason")

    async def pin(self, *items: dict[str, Any], verb: str = "tagCustomers") -> list[str]:
        """Pins tags to customers, or takes them off, and says what became of each."""
        done = await self.do(verb, "results { outcome }", items=items)
        return [each["outcome"] for each in done["results"]]

    async def tags_of(self, customer: str) -> list[str]:
        """The keys of what a customer has."""
        query = "query($id: ID!) { node(id: $id) { ... on Customer { tags { tag { key } } } } }"
        found = (await self.t.gql(query, id=customer))["node"]["tags"]
        return [each["tag"]["key"] for each in found]


def _mutation(verb: str, fields: str) -> str:
    kind = verb[0].upper() + verb[1:]
    return f"mutation($i: {kind}Input!) {{ {verb}(input: $i) {{ {fields} }} }}"


@pytest.fixture
async def t(engine: str) -> AsyncGenerator[Trial]:
    async with crm(engine=engine) as trial:
        yield trial


@pytest.fixture
def board(t: Trial) -> Pinboard:
    return Pinboard(t)
