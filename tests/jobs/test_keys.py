"""Idempotency keys are good for seven days, each for one actor and one operation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from crmkit.jobs import service
from crmkit.store.idempotency import Idempotency
from crmkit.testing import Trial, crm

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from typing import Any

pytestmark = pytest.mark.anyio

CREATE = """mutation { createCustomer(input: {name: "Ada", idempotencyKey: "k"}) {
  customer { id } } }"""
TEAM = 'mutation { createTeam(input: {name: "North", idempotencyKey: "k"}) { team { id } } }'


@pytest.fixture
async def t(engine: str) -> AsyncIterator[Trial]:
    async with crm(engine=engine) as t:
        yield t


async def customer(t: Trial) -> str:
    return str((await t.gql(CREATE))["createCustomer"]["customer"]["id"])


async def ask_for_cleaning(context: Any) -> None:
    context.enqueue(service.forget_keys)


async def test_a_key_is_another_one_in_another_operation_or_of_another_actor(t: Trial) -> None:
    first = await customer(t)
    assert (await t.gql(TEAM))["createTeam"]["team"]["id"]
    assert await customer(t) == first
    t.become("admin", user="app_user_1")
    assert await customer(t) != first


async def test_a_key_is_kept_for_seven_days_and_then_forgotten(
    t: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "_SOME", 1)
    first = await customer(t)
    await t.gql(TEAM)
    t.clock.move(days=7)
    await t.unit(ask_for_cleaning)
    await t.drain()
    assert await customer(t) == first
    t.clock.move(seconds=1)
    await t.unit(ask_for_cleaning)
    await t.drain()
    assert await t.host.database.fetch(select(Idempotency.key)) == []
    assert await customer(t) != first
