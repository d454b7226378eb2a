"""Of what is told again, the effect is had once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from crmkit.host.context import Context
from crmkit.testing import crm

pytestmark = pytest.mark.anyio


async def test_what_is_told_again_has_its_effect_once_however_many_tell_it_at_a_time(
    engine: str,
) -> None:
    done: list[str] = []

    async def body(context: Context[Any]) -> str | None:
        return "done" if await context.once("message 7") else None

    async with crm(engine=engine) as t:
        done = await asyncio.gather(*[t.unit(body) for _ in range(8)])
        again = await t.unit(body)
    assert sorted(map(str, done)) == ["None"] * 7 + ["done"]
    assert again is None


async def test_what_was_rolled_back_was_not_done(engine: str) -> None:
    async def fail(context: Context[Any]) -> None:
        assert await context.once("message 7")
        raise RuntimeError("too late")

    async def body(context: Context[Any]) -> bool:
        return await context.once("message 7")

    async with crm(engine=engine) as t:
        with pytest.raises(RuntimeError):
            await t.unit(fail)
        assert await t.unit(body)
