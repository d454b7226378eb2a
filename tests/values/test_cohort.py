from __future__ import annotations

import asyncio

import pytest

from crmkit.values.cohort import Cohort

pytestmark = pytest.mark.anyio


async def check_nobody_is_waited_for(cohort: Cohort) -> None:
    done = list[str]()

    async def other() -> None:
        done.append("other")

    task = asyncio.create_task(other())
    with cohort:
        await cohort.stage()
        done.append("request")
    await task
    assert done == ["request", "other"]


async def test_a_stage_is_done_for_all_before_the_next_one() -> None:
    cohort, all_there, done = Cohort(), asyncio.Event(), list[str]()

    async def request(name: str) -> None:
        with cohort:
            await all_there.wait()
            for stage in "abc":
                await cohort.stage()
                done.append(f"{stage}{name}")

    tasks = [asyncio.create_task(request(each)) for each in "123"]
    await asyncio.sleep(0)
    all_there.set()
    await asyncio.gather(*tasks)
    assert done == ["a1", "a2", "a3", "b1", "b2", "b3", "c1", "c2", "c3"]


async def test_who_is_alone_waits_for_nobody() -> None:
    await check_nobody_is_waited_for(Cohort())


async def test_who_fails_has_left() -> None:
    cohort = Cohort()
    with pytest.raises(ValueError, match="broken"), cohort:
        raise ValueError("broken")
    await check_nobody_is_waited_for(cohort)
