"""What a mutation costs, part by part, beside a hand-written INSERT.

python -m tests.benchmarks.writes [sqlite] [postgresql]
"""

from __future__ import annotations

import asyncio
import sqlite3
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from itertools import count
from typing import Any

import asyncpg
from sqlalchemy import select

from crmkit import testing
from crmkit.host.context import Context
from crmkit.host.discovery import discover, imported
from crmkit.host.dispatch import hook
from crmkit.host.drafts import Draft
from crmkit.host.manifest import Plugin
from crmkit.interactions.models import Direction, Interaction, InteractionContent
from crmkit.interactions.types import RecordInteraction
from crmkit.store.column_types import instant
from crmkit.store.idempotency import IdempotencyKey
from crmkit.store.unit_of_work import Origin, UnitOfWork, run_unit
from crmkit.testing import Trial
from crmkit.values.ids import new_id

ROUNDS, CALLS, AT_ONCE = 5, 48, 16

Call = Callable[[], Awaitable[Any]]

INTERACTION = """mutation ($i: RecordInteractionInput!) {
  recordInteraction(input: $i) { interaction { id } } }"""
ORDER = "mutation ($i: RecordOrderInput!) { recordOrder(input: $i) { order { id } } }"
ROW = """INSERT INTO interaction
  (id, created_at, customer_id, channel_id, direction, kind, occurred_at, actor)
  VALUES ({})"""

_numbers = count()


class Looking(Plugin):
    """Its hook reads in the unit, which has to write first what it holds."""

    name = "looking"
    version = "1.0"

    @staticmethod
    @hook
    async def interactions_recorded(
        context: Context[Any], drafts: Sequence[Draft[RecordInteraction, Interaction]]
    ) -> None:
        ids = [each.row.id for each in drafts]
        await context.rules(select(Interaction.kind).where(Interaction.id.in_(ids)))


class Bench:
    """One engine: what is called, and what that costs."""

    def __init__(self, engine: str, whole: Trial, core: Trial, looking: Trial) -> None:
        self.engine, self.whole, self.core, self.looking = engine, whole, core, looking
        self.calls: dict[str, Call] = {}
        self.wall: dict[str, list[float]] = {}
        self.cpu: dict[str, list[float]] = {}

    async def prepare(self, stack: AsyncExitStack) -> None:
        """Makes the calls; each line of the table adds one thing to the line above it."""
        insert = await bare(self.engine, self.core, stack)
        self.calls["hand-written INSERT"] = insert
        ids = await told(self.core)
        for name, rows, key in (
            ("unit: row, audit", 1, False),
            ("+ content", 2, False),
            ("+ event", 3, False),
            ("+ idempotency", 3, True),
        ):
            self.calls[name] = unit(self.core, ids, rows, key)
        self.calls["recordInteraction, core alone"] = graphql(self.core, ids, INTERACTION, False)
        ids = await told(self.looking)
        self.calls["+ a hook that reads"] = graphql(self.looking, ids, INTERACTION, False)
        ids = await told(self.whole)
        self.calls["with all plugins"] = graphql(self.whole, ids, INTERACTION, False)
        self.calls["+ key"] = graphql(self.whole, ids, INTERACTION, True)
        self.calls["recordOrder"] = graphql(self.whole, ids, ORDER, False)
        self.calls["recordOrder, key"] = graphql(self.whole, ids, ORDER, True)

    async def run(self) -> None:
        """Every call in every round, so that noise falls on all alike."""
        for number in range(ROUNDS + 1):
            for name, call in self.calls.items():
                wall, cpu = await timed(call)
                if number:  # The first round warms up.
                    self.wall.setdefault(name, []).append(wall)
                    self.cpu.setdefault(name, []).append(cpu)

    def say(self) -> None:
        """Prints the table; ratios are medians of the ratios within a round."""
        print(f"\n{self.engine}: {AT_ONCE} at once, {ROUNDS} rounds of {CALLS}")
        print(f"{'':32}{'ms':>8}{'× INSERT':>10}{'Python ms':>11}")
        limit = next(iter(self.wall.values()))
        for name, wall in self.wall.items():
            ratio = statistics.median(a / b for a, b in zip(limit, wall, strict=True))
            cpu = statistics.median(self.cpu[name])
            print(f"{name:32}{statistics.median(wall):8.3f}{ratio:10.2f}{cpu:11.3f}")


async def timed(call: Call) -> tuple[float, float]:
    """Milliseconds of one call, and of Python's CPU in all its threads."""
    left = iter(range(CALLS))

    async def worker() -> None:
        for _ in left:
            await call()

    wall, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*[worker() for _ in range(AT_ONCE)])
    each = 1000 / CALLS
    return (time.perf_counter() - wall) * each, (time.process_time() - cpu) * each


async def told(t: Trial) -> tuple[str, str]:
    """A customer, and a channel by its id."""
    [customer] = await testing.add_customers(t, ["Anna"])
    found = await t.gql('{ channels(where: {key: {eq: "email"}}) { nodes { id } } }')
    return customer, found["channels"]["nodes"][0]["id"]


async def bare(engine: str, t: Trial, stack: AsyncExitStack) -> Call:
    """What somebody would write who wanted nothing but this row."""
    customer, channel = await told(t)
    now: Any = t.clock.now()
    url = t.host.settings.database.url

    def row() -> list[Any]:
        at = now if engine == "postgresql" else instant(now)
        return [new_id("interaction"), at, customer, channel, "inbound", "note", at, "system"]

    if engine == "postgresql":
        pool = await stack.enter_async_context(asyncpg.create_pool(url, min_size=4, max_size=4))
        sql = ROW.format(", ".join(f"${n}" for n in range(1, 9)))
        return lambda: pool.execute(sql, *row())
    threads = stack.enter_context(ThreadPoolExecutor(1))
    loop = asyncio.get_running_loop()
    connection = sqlite3.connect(
        url.removeprefix("sqlite:///"), isolation_level=None, check_same_thread=False
    )
    stack.callback(connection.close)
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")
    sql = ROW.format(", ".join("?" * 8))
    return lambda: loop.run_in_executor(threads, connection.execute, sql, row())


def unit(t: Trial, ids: tuple[str, str], rows: int, keyed: bool) -> Call:
    """A unit of the store alone: no GraphQL, no service, no hook."""
    customer, channel = ids
    origin = Origin("system", "bench", "request_1")

    async def body(unit: UnitOfWork) -> dict[str, str]:
        row = Interaction(
            customer_id=customer,
            channel_id=channel,
            direction=Direction.INBOUND,
            kind="note",
            occurred_at=unit.at,
            actor="system",
        )
        unit.write.add(row)
        if rows > 1:
            unit.write.add(InteractionContent(interaction_id=row.id, subject="Hello"))
        if rows > 2:
            unit.emit("bench", 1, row.id, {"ids": [row.id]}, plugin="core")
        return {"id": row.id}

    def call() -> Awaitable[Any]:
        key = IdempotencyKey("bench", f"{next(_numbers)}", b"same") if keyed else None
        return run_unit(t.host.database, t.clock, origin, body, key=key)

    return call


def graphql(t: Trial, ids: tuple[str, str], document: str, keyed: bool) -> Call:
    """The whole way of a mutation, from its document to its payload."""
    customer, _ = ids
    given: dict[str, Any] = {"customerId": customer}
    if document is INTERACTION:
        given |= {"channel": "email", "direction": "INBOUND", "kind": "note", "subject": "Hello"}
    else:
        amount = {"amount": "12.50", "currency": "EUR"}
        given |= {"lines": [{"quantity": 1, "amount": amount}]}

    async def call() -> None:
        key = {"idempotencyKey": f"{next(_numbers)}"} if keyed else {}
        answer = await t.answer(document, {"i": given | key})
        assert "errors" not in answer, answer

    return call


async def main(engines: list[str]) -> None:
    plugins = [imported(each) for each in discover()]
    for engine in engines or ["sqlite", "postgresql"]:
        async with AsyncExitStack() as stack:
            whole = await stack.enter_async_context(testing.crm(*plugins, engine=engine))
            core = await stack.enter_async_context(testing.crm(engine=engine))
            looking = await stack.enter_async_context(testing.crm(Looking, engine=engine))
            bench = Bench(engine, whole, core, looking)
            await bench.prepare(stack)
            await bench.run()
            bench.say()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
