from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from crmkit.testing import crm

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from crmkit.host.manifest import Plugin
    from crmkit.testing import Trial


class Office:
    """The few sentences that most of these tests begin with."""

    def __init__(self, t: Trial) -> None:
        self.t = t

    async def create(self, name: str = "Ada", **given: Any) -> str:
        """Adds a customer and returns the id."""
        made = await self.t.gql(
            "mutation($i: CreateCustomerInput!) { createCustomer(input: $i) { customer { id } } }",
            i={"name": name, **given},
        )
        return str(made["createCustomer"]["customer"]["id"])

    async def customer(self, id: str, fields: str) -> Any:
        """Reads a customer, who is nobody when he cannot be seen."""
        query = f"query($id: ID!) {{ node(id: $id) {{ ... on Customer {{ {fields} }} }} }}"
        return (await self.t.gql(query, id=id))["node"]

    async def do(self, verb: str, fields: str = "__typename", /, **input: Any) -> Any:
        """Runs a mutation and returns its payload."""
        return (await self.t.gql(_mutation(verb, fields), i=input))[verb]

    async def fail(self, verb: str, /, **input: Any) -> Any:
        """Runs a mutation that fails and returns what its one error says."""
        errors = await self.t.errors(_mutation(verb, "__typename"), i=input)
        assert len(errors) == 1
        return errors[0]["extensions"]

    async def stage(self, key: str) -> str:
        """Finds a stage by its key."""
        found = await self.t.gql(
            "query($k: String!) { stages(where: {key: {eq: $k}}) { nodes { id } } }", k=key
        )
        return str(found["stages"]["nodes"][0]["id"])


def _mutation(verb: str, fields: str) -> str:
    kind = verb[0].upper() + verb[1:]
    return f"mutation($i: {kind}Input!) {{ {verb}(input: $i) {{ {fields} }} }}"


@pytest.fixture
def plugins() -> tuple[type[Plugin], ...]:
    """What is there beside the core, unless a test says otherwise."""
    return ()


@pytest.fixture
async def t(engine: str, plugins: tuple[type[Plugin], ...]) -> AsyncGenerator[Trial]:
    async with crm(*plugins, engine=engine) as trial:
        yield trial


@pytest.fixture
def office(t: Trial) -> Office:
    return Office(t)
