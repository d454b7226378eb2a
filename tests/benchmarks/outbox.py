"""Events a second through the outbox, beside plain inserts of the same rows.

python -m tests.benchmarks.outbox [sqlite] [postgresql]
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Mapped

from crmkit import sdk, testing
from crmkit.store.outbox import Delivery, DeliveryState
from crmkit.testing import Trial

ROUNDS, NOTES, AT_ONCE = 7, 800, 16


class Note(sdk.Record):
    """What is inserted."""

    __tablename__ = "jotting_note"
    __audited__ = False
    __scope__ = sdk.unscoped("a benchmark's")

    number: Mapped[int] = sdk.column(doc="Which.")


@dataclass(frozen=True)
class ToOne(sdk.Event):
    """Told to a handler of one event."""


@dataclass(frozen=True)
class ToMany(sdk.Event):
    """Told to a handler of many."""


@dataclass(frozen=True)
class ToNobody(sdk.Event):
    """Told to nobody, because the only one who hears everything does not want it."""


class Jotting(sdk.Plugin):
    """Notes, and three kinds of events of them."""

    name = "jotting"
    version = "1.0"

    def register_events(self, events: sdk.EventBuilder) -> None:
        events.add(ToOne, ToMany, ToNobody)
        events.on("jotting.ToOne")(hear)
        events.on("jotting.ToMany")(hear_all)
        events.every(overhear, wants=nothing)


async def hear(context: sdk.Context[Any], event: ToOne) -> None: ...


async def hear_all(context: sdk.Context[Any], events: Sequence[ToMany]) -> None: ...


async def overhear(context: sdk.Context[Any], happening: sdk.Happening) -> None: ...


async def nothing(context: sdk.Context[Any]) -> tuple[str, ...]:
    await context.rules(select(Note.number).limit(1))  # A look, as webhooks have one.
    return ()


async def written(t: Trial, event: Callable[[str], sdk.Event] | None) -> float:
    """The units a second of sixteen who write, each a note and, if there is one, an event."""
    left = iter(range(NOTES))

    async def worker() -> None:
        for number in left:

            async def body(context: sdk.Context[Any], number: int = number) -> None:
                note = Note(number=number)
                context.write.add(note)
                if event is not None:
                    context.emit(event(note.id))

            await t.unit(body, plugin="jotting")

    return await _rate(lambda: asyncio.gather(*[worker() for _ in range(AT_ONCE)]))


async def told(t: Trial) -> float:
    """The events a second that the relay brings to their handlers."""
    return await _rate(lambda: t.host.relay.drain(due=False))


async def _rate(work: Callable[[], Awaitable[Any]]) -> float:
    began = time.perf_counter()
    await work()
    return NOTES / (time.perf_counter() - began)


async def measure(engine: str) -> None:
    rates: dict[str, list[float]] = {}
    async with testing.crm(Jotting, engine=engine) as t:
        for number in range(ROUNDS + 1):
            found = {"inserts alone": await written(t, None)}
            for event in (ToOne, ToMany, ToNobody):
                found["inserts with an event"] = await written(t, event)
                found[f"events {event.__doc__[:-1].lower()}"] = await told(t)  # type: ignore[index]
            if number:  # The first round warms up.
                for name, rate in found.items():
                    rates.setdefault(name, []).append(rate)
        done = select(func.count()).where(Delivery.state == DeliveryState.DONE)
        [(count,)] = await t.host.database.fetch(done)
        assert count == 2 * NOTES * (ROUNDS + 1)
    for name, each in rates.items():
        print(f"{engine}: {statistics.median(each):7,.0f} a second  {name}")


async def main(engines: list[str]) -> None:
    for engine in engines or ["sqlite", "postgresql"]:
        await measure(engine)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
