"""What several ask for is done together: in one moment, or in turn."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from crmkit.store.coalescing import Apart, Coalescing

pytestmark = pytest.mark.anyio


class Slow:
    """Doubles numbers, each time when it is let; knows who were done at once."""

    def __init__(self) -> None:
        self.together: list[list[int]] = []
        self._let: list[asyncio.Event] = []
        self._begun = asyncio.Condition()

    async def __call__(self, given: Sequence[int]) -> Sequence[int]:
        let = asyncio.Event()
        async with self._begun:
            self.together.append([*given])
            self._let.append(let)
            self._begun.notify_all()
        await let.wait()
        return [each * 2 for each in given]

    async def let(self, number: int) -> None:
        """Lets these go on, when they have begun."""
        async with asyncio.timeout(60), self._begun:
            await self._begun.wait_for(lambda: len(self._let) > number)
        self._let[number].set()


def asked(together: Coalescing[int], slow: Slow, *numbers: int) -> list[asyncio.Task[int]]:
    return [asyncio.create_task(together.join("key", each, slow)) for each in numbers]


async def test_who_acts_for_others_goes_on_when_his_own_client_has_gone() -> None:
    together: Coalescing[int] = Coalescing()
    released, begun = asyncio.Event(), asyncio.Event()

    async def act(given: Sequence[int]) -> Sequence[int]:
        begun.set()
        await released.wait()
        return [each * 2 for each in given]

    tasks = [asyncio.create_task(together.join("key", n, act)) for n in (1, 2, 3)]
    await begun.wait()
    tasks[0].cancel()
    tasks[2].cancel()
    released.set()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert [isinstance(each, asyncio.CancelledError) for each in found] == [True, False, True]
    assert found[1] == 4


async def test_others_are_told_when_nobody_will_act_for_them() -> None:
    together: Coalescing[int] = Coalescing()

    async def act(given: Sequence[int]) -> Sequence[int]:
        return given

    tasks = [asyncio.create_task(together.join("key", n, act)) for n in (1, 2)]
    await asyncio.sleep(0)
    tasks[0].cancel()
    with pytest.raises(Apart):
        await tasks[1]
    assert await together.join("key", 3, act) == 3
    with pytest.raises(Apart):
        await together.join(["no key"], 4, act)  # type: ignore[arg-type]


async def test_who_comes_later_waits_for_those_before_him_and_is_done_with_others() -> None:
    together, slow = Coalescing[int](in_turn=True), Slow()
    [first] = asked(together, slow, 1)
    await asyncio.sleep(0)
    later = []
    for number in (2, 3, 4):
        later += asked(together, slow, number)
        await asyncio.sleep(0)
    assert slow.together == [[1]]
    await slow.let(0)
    await slow.let(1)
    assert [await first, *[await each for each in later]] == [2, 4, 6, 8]
    assert slow.together == [[1], [2, 3, 4]]


async def test_nobody_waits_longer_than_a_moment_for_those_before_him() -> None:
    together, slow = Coalescing[int](in_turn=True), Slow()
    [stuck] = asked(together, slow, 1)
    await asyncio.sleep(0)
    [second] = asked(together, slow, 2)
    await slow.let(1)
    assert await second == 4
    assert not stuck.done()
    await slow.let(0)
    assert await stuck == 2


async def test_those_who_come_at_once_are_done_by_halves() -> None:
    together, sizes = Coalescing[int](in_turn=True), []

    async def act(given: Sequence[int]) -> Sequence[int]:
        sizes.append(len(given))
        await asyncio.sleep(0)
        return given

    found = await asyncio.gather(*[together.join("key", number, act) for number in range(40)])
    assert found == [*range(40)]
    assert sum(sizes) == 40
    assert 8 <= max(sizes) <= 20


async def test_who_leaves_while_others_are_before_him_takes_nobody_along() -> None:
    together, slow = Coalescing[int](in_turn=True), Slow()
    [first] = asked(together, slow, 1)
    await asyncio.sleep(0)
    gone, kept = asked(together, slow, 2, 3)
    await asyncio.sleep(0)
    gone.cancel()
    await slow.let(0)
    await slow.let(1)
    assert [await first, await kept] == [2, 6]
    assert gone.cancelled()
