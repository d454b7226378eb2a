from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit.access.repository.points import Rate, drawn, take
from crmkit.testing import crm
from crmkit.values.clock import ManualClock
from tests.access.asking import TEAMS, Asking

COST = 100  # of TEAMS, which counts
FEW = {"points_per_minute": 6 * COST, "public_points_per_minute": 6 * COST}

SPENT = st.tuples(st.integers(0, 90_000), st.integers(0, 400), st.integers(0, 50))


@given(st.lists(SPENT, max_size=40), st.integers(1, 200))
def test_nobody_takes_more_than_a_full_budget_and_what_comes_back(
    steps: Sequence[tuple[int, int, int]], a_minute: int
) -> None:
    clock, rate = ManualClock(), Rate(a_minute)
    start = full_at = clock.now()
    held = 0
    for milliseconds, wanted, back in steps:
        clock.move(seconds=milliseconds / 1000)
        returned = min(back, held)
        taken, full_at = drawn(full_at, wanted, rate, clock.now(), returned)
        held += taken.points - returned
        assert 0 <= taken.points <= wanted
        assert held <= a_minute + rate.points_of(clock.now() - start) + 1e-2
        assert full_at - clock.now() <= timedelta(minutes=1, milliseconds=1)


@pytest.mark.anyio
async def test_servers_that_ask_at_once_share_one_budget(engine: str) -> None:
    async with crm(engine=engine) as t:
        database, now = t.host.database, t.clock.now()
        asked = [take(database, "somebody", 7, Rate(60), now) for _ in range(20)]
        assert sum(each.points for each in await asyncio.gather(*asked)) == 60


@pytest.mark.anyio
async def test_whoever_asks_for_too_much_waits_and_others_do_not(engine: str) -> None:
    async with crm(engine=engine, profile="production", secret="x" * 32, access=FEW) as t:
        ask = Asking(t)
        uma = await ask.user()
        key, other = [(await ask.key(userId=uma))[0] for _ in range(2)]
        for _ in range(6):
            await ask.data(TEAMS, key)
            await t.crm.sign_in.close()
        late = await ask(TEAMS, key)
        assert (late.status_code, late.headers["retry-after"]) == (429, "1")
        assert late.json()["errors"][0]["extensions"]["code"] == "LIMITED"
        await ask.data(TEAMS, other)
        t.clock.move(seconds=60)
        await ask.data(TEAMS, key)


@pytest.mark.anyio
async def test_whoever_shows_what_is_not_valid_uses_up_his_address(engine: str) -> None:
    async with crm(engine=engine, profile="production", secret="x" * 32, access=FEW) as t:
        ask = Asking(t)
        key, _ = await ask.key(userId=await ask.user())
        statuses = []
        for number in range(8):
            statuses.append((await ask(TEAMS, f"crm_{number}")).status_code)
            await t.crm.sign_in.close()
        assert statuses == [401] * 6 + [429] * 2
        assert (await ask(TEAMS, "crm_", client="192.0.2.1")).status_code == 401
        assert (await ask(TEAMS, "crm_", client="198.51.100.7")).status_code == 429
        assert (await ask(TEAMS, key, client="192.0.2.1")).status_code == 200
