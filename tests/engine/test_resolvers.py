"""Resolver fields: once for each parent, many at a time, and planning goes on below."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any

import pytest

from crmkit import sdk
from crmkit.app import load_plugins, schema_of
from crmkit.engine.calls import ABREAST
from crmkit.graph.explaining import explain
from crmkit.settings import Settings
from crmkit.store.drivers import dialect_of
from crmkit.testing import Trial, add_customers, crm

pytestmark = pytest.mark.anyio


class Behaviour:
    """What the slow system does in this test."""

    ask: Callable[[str], Awaitable[str | None]]
    hear: Callable[[], None] = staticmethod(lambda: None)


async def answer(context: sdk.Context, id: str) -> str | None:
    """What the slow system says."""
    return await Behaviour.ask(id)


async def heard(context: sdk.Context, ids: Sequence[str]) -> Mapping[str, str]:
    """What a quick neighbour says."""
    Behaviour.hear()
    return dict.fromkeys(ids, "yes")


async def twin(context: sdk.Context, id: str) -> sdk.Customer | None:
    """Who is like them."""
    return sdk.ref(sdk.Customer, id)


@sdk.extend(sdk.Customer)
class CustomerSlow:
    """What the slow system says about a customer."""

    slow_answer: str | None = sdk.resolver(answer)
    slow_heard: str | None = sdk.batch(heard)
    slow_twin: sdk.Customer | None = sdk.resolver(twin)


class Slow(sdk.Plugin):
    name = "slow"
    version = "1.0"

    def register_schema(self, schema: sdk.SchemaBuilder) -> None:
        schema.add(CustomerSlow)


@pytest.fixture
async def slow(engine: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Trial]:
    """Five customers, A to E."""
    async with crm(Slow, engine=engine) as t:
        await add_customers(t, list("ABCDE"))
        yield t


ANSWERS = "{ customers(orderBy: NAME_ASC) { nodes { name slowAnswer } } }"


def asking(monkeypatch: pytest.MonkeyPatch, ask: Callable[[str], Awaitable[str | None]]) -> None:
    monkeypatch.setattr(Behaviour, "ask", staticmethod(ask), raising=False)


async def test_a_page_waits_once_for_all_its_rows(
    slow: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    everybody = asyncio.Barrier(5)

    async def ask(id: str) -> str:
        async with asyncio.timeout(60):
            await everybody.wait()
        return "there"

    asking(monkeypatch, ask)
    found = await slow.gql(ANSWERS)
    assert [each["slowAnswer"] for each in found["customers"]["nodes"]] == ["there"] * 5


async def test_so_many_calls_wait_at_a_time_and_no_more(
    slow: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, most = 0, 0

    async def ask(id: str) -> None:
        nonlocal there, most
        there += 1
        most = max(most, there)
        await asyncio.sleep(0)
        there -= 1

    asking(monkeypatch, ask)
    await add_customers(slow, [f"More {number}" for number in range(ABREAST)])
    await slow.gql("{ customers(first: 50) { nodes { slowAnswer } } }")
    assert most == ABREAST


async def test_neighbours_do_not_wait_for_it(slow: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    neighbour = asyncio.Event()

    async def ask(id: str) -> str:
        async with asyncio.timeout(60):
            await neighbour.wait()
        return "at last"

    asking(monkeypatch, ask)
    monkeypatch.setattr(Behaviour, "hear", staticmethod(neighbour.set))
    found = await slow.gql("{ customers(first: 1) { nodes { slowAnswer slowHeard } } }")
    assert found["customers"]["nodes"] == [{"slowAnswer": "at last", "slowHeard": "yes"}]


async def test_it_is_called_once_for_each_parent_and_only_when_asked_for(
    slow: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[str] = []

    async def ask(id: str) -> str:
        called.append(id)
        return id

    asking(monkeypatch, ask)
    await slow.gql("{ customers { nodes { name slowHeard } } }")
    assert called == []
    with slow.statements():
        await slow.gql("{ customers { nodes { slowAnswer slowTwin { slowAnswer } } } }")
    # Each twin is a record of another level.
    assert len(called) == 10
    assert len(set(called)) == 5


async def test_one_that_fails_nulls_its_field_of_its_row_and_names_its_plugin(
    slow: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = await slow.gql("{ customers(orderBy: NAME_ASC) { nodes { id } } }")
    second = found["customers"]["nodes"][1]["id"]

    async def ask(id: str) -> str:
        if id == second:
            raise sdk.Refused("Not this one.", reason="slow.shy")
        return "fine"

    asking(monkeypatch, ask)
    said = await slow.answer(ANSWERS)
    assert [each["slowAnswer"] for each in said["data"]["customers"]["nodes"]] == [
        "fine",
        None,
        "fine",
        "fine",
        "fine",
    ]
    [error] = said["errors"]
    assert error["path"] == ["customers", "nodes", 1, "slowAnswer"]
    assert error["extensions"]["plugin"] == "slow"
    assert error["extensions"]["reason"] == "slow.shy"


async def test_what_it_waited_for_may_be_cancelled_without_harm_to_the_rest(
    slow: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ask(id: str) -> str:
        gone: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        gone.cancel()
        return await gone

    asking(monkeypatch, ask)
    said = await slow.answer("{ customers(first: 2) { nodes { id slowAnswer } } }")
    assert [each["slowAnswer"] for each in said["data"]["customers"]["nodes"]] == [None, None]
    told = [each["extensions"] for each in said["errors"]]
    assert {(each["code"], each["plugin"]) for each in told} == {("INTERNAL", "slow")}


async def test_cancelling_an_operation_cancels_its_calls(
    slow: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    everybody, cancelled = asyncio.Barrier(6), []

    async def ask(id: str) -> None:
        try:
            await everybody.wait()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(id)
            raise

    asking(monkeypatch, ask)
    operation = asyncio.create_task(slow.gql(ANSWERS))
    async with asyncio.timeout(60):
        await everybody.wait()
    operation.cancel()
    with pytest.raises(asyncio.CancelledError):
        await operation
    assert len(cancelled) == 5


@pytest.mark.parametrize("number", [2, 5])
async def test_the_nodes_of_all_rows_are_read_together(slow: Trial, number: int) -> None:
    selected = "nodes { slowTwin { name stage { key } } }"
    document = f"{{ customers(first: {number}) {{ {selected} }} }}"
    with slow.statements() as sent:
        found = await slow.gql(document)
    assert len(sent) == 2
    twins: list[Any] = [each["slowTwin"] for each in found["customers"]["nodes"]]
    assert [each["name"] for each in twins] == list("ABCDE")[:number]


async def test_a_payload_has_resolvers_as_well(
    slow: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ask(id: str) -> str:
        return f"welcome, {id[:8]}"

    asking(monkeypatch, ask)
    made = await slow.gql(
        """mutation { createCustomer(input: {kind: PERSON, name: "F"}) {
          customer { slowAnswer slowTwin { name } } } }"""
    )
    assert made["createCustomer"]["customer"] == {
        "slowAnswer": "welcome, customer",
        "slowTwin": {"name": "F"},
    }


def test_explaining_says_which_fields_are_resolvers() -> None:
    settings = Settings()
    schema = schema_of(load_plugins(settings, [Slow]), settings)
    document = "{ customers { nodes { slowAnswer slowHeard slowTwin { name } } } }"
    said = explain(schema, settings, dialect_of("sqlite:///none.db"), document, {})
    origins = {each.key: each.origin for each in said.fields}
    here = f"Python, {__name__}"
    assert origins["slowAnswer"] == f"{here}.answer once for each record, 32 at a time, of slow"
    assert origins["slowHeard"] == f"{here}.heard once for all rows, of slow"
    assert origins["slowTwin"].endswith("32 at a time, of slow; statement 2")
