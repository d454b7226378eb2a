"""A task falls due once, at its time, unless it was closed or put off before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from crmkit.store.database import table_of
from crmkit.store.outbox import Outbox
from crmkit.testing import Trial, add_customers, crm
from crmkit_tasks.plugin import Tasks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.anyio

event = table_of(Outbox)


@pytest.fixture
async def t(engine: str) -> AsyncIterator[Trial]:
    async with crm(Tasks, engine=engine) as trial:
        yield trial


async def task(t: Trial, due_at: str) -> str:
    [ada] = await add_customers(t, ["Ada"])
    given = {"customerId": ada, "subject": "Call", "dueAt": due_at}
    asked = "mutation ($input: CreateTaskInput!) { createTask(input: $input) { task { id } } }"
    return str((await t.gql(asked, input=given))["createTask"]["task"]["id"])


async def fallen(t: Trial) -> list[str]:
    await t.drain()
    wanted = select(event.c.record).where(event.c.name == "tasks.TaskFellDue")
    return [record for (record,) in await t.host.database.fetch(wanted.order_by(event.c.seq))]


async def test_a_task_falls_due_at_its_time_and_not_again(t: Trial) -> None:
    id_ = await task(t, "2026-01-02T09:00:00Z")
    t.clock.move(hours=32)
    assert await fallen(t) == []
    t.clock.move(hours=1)
    assert await fallen(t) == [id_]
    t.clock.move(days=3)
    assert await fallen(t) == [id_]


async def test_however_late_somebody_looks_it_is_of_its_time(t: Trial) -> None:
    await task(t, "2026-01-02T09:00:00Z")
    t.clock.move(days=300)
    assert len(await fallen(t)) == 1
    [(at,)] = await t.host.database.fetch(
        select(event.c.at).where(event.c.name == "tasks.TaskFellDue")
    )
    assert f"{at:%Y-%m-%d %H:%M}" == "2026-01-02 09:00"


async def test_a_task_that_was_put_off_falls_due_later(t: Trial) -> None:
    id_ = await task(t, "2026-01-02T09:00:00Z")
    put_off = 'mutation ($id: ID!) { updateTask(input: {id: $id, dueAt: "2026-02-01T00:00:00Z"}) { task { id } } }'
    await t.gql(put_off, id=id_)
    t.clock.move(days=20)
    assert await fallen(t) == []
    t.clock.move(days=12)
    assert await fallen(t) == [id_]


@pytest.mark.parametrize("closing", ["completeTask", "cancelTask"])
async def test_a_task_that_was_closed_falls_due_no_more(t: Trial, closing: str) -> None:
    id_ = await task(t, "2026-01-02T09:00:00Z")
    await t.gql(
        f"mutation ($id: ID!) {{ {closing}(input: {{id: $id}}) {{ task {{ id }} }} }}", id=id_
    )
    t.clock.move(days=20)
    assert await fallen(t) == []
