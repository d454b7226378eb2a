"""What does not depend on one another is read at the same time."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import pytest

from crmkit.engine.calls import together
from crmkit.testing import Trial, add_customers, crm
from crmkit.values.errors import Unavailable
from tests.engine.zoo import Zoo

pytestmark = pytest.mark.anyio

ROOTS = "{ customers { totalCount nodes { name } } zooAnimals { nodes { name } } }"
BELOW = """{ customers { nodes { emails { address } phones { number } interactions { nodes { id } }
  zooAnimals { nodes { id } } zooList { id } } } }"""
Watched = Callable[[str, Sequence[Any]], Any]


@pytest.fixture
async def zoo(engine: str) -> AsyncIterator[Trial]:
    """Nine people, and no animals."""
    async with crm(Zoo, engine=engine) as t:
        await add_customers(t, [f"Ada {number}" for number in range(9)])
        yield t


def reading(
    t: Trial, monkeypatch: pytest.MonkeyPatch, wrapped: Callable[[Watched], Watched]
) -> None:
    """Puts something around the reading of a level."""
    monkeypatch.setattr(t.host.database, "rows", wrapped(t.host.database.rows))


async def test_siblings_do_not_wait_for_one_another(
    zoo: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    barrier = asyncio.Barrier(3)

    def met(rows: Watched) -> Watched:
        async def meet(sql: str, arguments: Sequence[Any]) -> Any:
            await barrier.wait()
            return await rows(sql, arguments)

        return meet

    reading(zoo, monkeypatch, met)
    async with asyncio.timeout(60):
        found = await zoo.gql(ROOTS)
    assert (found["customers"]["totalCount"], found["zooAnimals"]["nodes"]) == (9, [])


async def test_many_ask_much_of_few_connections(zoo: Trial) -> None:
    async with asyncio.timeout(60):
        answers = await asyncio.gather(*(zoo.gql(BELOW) for _ in range(24)))
    assert {len(each["customers"]["nodes"]) for each in answers} == {9}


async def test_where_one_fails_the_others_are_stopped_and_nothing_is_left_running(
    zoo: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = set()

    def failing(rows: Watched) -> Watched:
        async def fail(sql: str, arguments: Sequence[Any]) -> Any:
            if "zoo_animal" in sql:
                raise Unavailable("The animals are asleep.")
            running.add(sql)
            try:
                await asyncio.Event().wait()
            finally:
                running.discard(sql)

        return fail

    reading(zoo, monkeypatch, failing)
    async with asyncio.timeout(60):
        with pytest.raises(Unavailable, match="The animals are asleep"):
            await zoo.gql(ROOTS)
    assert running == set()


async def test_what_fails_while_it_is_stopped_is_not_left_unseen() -> None:
    async def failing() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise Unavailable("The animals are asleep.") from None

    task = asyncio.create_task(together([failing(), failing()]))
    for _ in range(2):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    del task
    gc.collect()  # Of what nobody has seen, asyncio tells as it goes.
