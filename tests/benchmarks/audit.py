"""What the audit costs those who write: the same with it and without, in turns.

python -m tests.benchmarks.audit [sqlite] [postgresql]

Once as the schema runs a mutation, and once as the endpoint answers a request for it, all that a
server does but the network: reading it, knowing who asks, one line of log, the answer.
"""

from __future__ import annotations

import asyncio
import gc
import os
import statistics
import sys
import time
from itertools import count
from pathlib import Path
from typing import Any

import orjson
import structlog

from crmkit import testing
from crmkit.app import routes
from crmkit.cli.logs import log_json
from crmkit.host.discovery import discover, imported
from crmkit.store import unit_of_work
from crmkit.store.audit import Auditor
from crmkit.store.trail import Trail
from crmkit.testing import Trial
from crmkit.testing.trusting import trusting
from tests.benchmarks.writes import INTERACTION, graphql, told

ROUNDS, CALLS, AT_ONCE = 25, 160, 16

_SCOPE: dict[str, Any] = {
    "type": "http",
    "http_version": "1.1",
    "method": "POST",
    "scheme": "http",
    "path": "/graphql",
    "query_string": b"",
    "headers": [
        (b"host", b"crm"),
        (b"content-type", b"application/json"),
        (b"accept", b"application/json"),
    ],
    "client": ("127.0.0.1", 50_000),
    "server": ("crm", 80),
}


class Silent(Auditor):
    """Writes nothing down."""

    def parts(self, *_: Any) -> list[Any]:
        return []


class Blind(Trail):
    """Takes nothing down."""

    def note(self, groups: Any) -> None:
        self._is_trodden = bool(groups)


async def round_of(call: Any) -> tuple[float, float]:
    """The mutations a second of sixteen who write at the same time, and Python's CPU for each."""
    left = iter(range(CALLS))

    async def worker() -> None:
        for _ in left:
            await call()

    began, spent = time.perf_counter(), time.process_time()
    await asyncio.gather(*[worker() for _ in range(AT_ONCE)])
    return CALLS / (time.perf_counter() - began), (time.process_time() - spent) * 1000 / CALLS


def posted(t: Trial, ids: tuple[str, str]) -> Any:
    """The same mutation as a request to the endpoint."""
    endpoint: Any = routes(trusting(t.crm))[0].app
    said = {"channel": "email", "direction": "INBOUND", "kind": "note", "subject": "Hello"}
    numbers = count()

    async def call() -> None:
        given = {"customerId": ids[0], "idempotencyKey": f"posted {next(numbers)}", **said}
        body = orjson.dumps({"query": INTERACTION, "variables": {"i": given}})
        waiting = [{"type": "http.request", "body": body, "more_body": False}]
        sent: list[Any] = []

        async def receive() -> Any:
            # Nobody hangs up: who listens for that waits until he has his answer.
            return waiting.pop() if waiting else await asyncio.Event().wait()

        async def send(message: Any) -> None:
            sent.append(message)

        await endpoint(_SCOPE, receive, send)
        assert b'"errors"' not in sent[1]["body"], sent

    return call


async def compare(engine: str, how: str) -> None:
    plugins = [imported(each) for each in discover()]
    async with testing.crm(*plugins, engine=engine) as t:
        ids = await told(t)
        call = posted(t, ids) if how == "posted" else graphql(t, ids, INTERACTION, keyed=True)
        ways = {"on": (t.host.auditor, Trail), "off": (Silent(""), Blind)}
        rates: dict[str, list[float]] = {"on": [], "off": []}
        cpu: dict[str, list[float]] = {"on": [], "off": []}
        gc.collect()
        gc.freeze()  # As the server does before it answers.
        for number in range(ROUNDS + 1):
            for name in sorted(ways, reverse=bool(number % 2)):
                t.host.auditor, unit_of_work.Trail = ways[name]  # type: ignore[misc]
                # With the audit come its seals.
                sealing = asyncio.create_task(t.host.sealer.drain()) if name == "on" else None
                rate, spent = await round_of(call)
                if sealing is not None:
                    await sealing
                if number:  # The first round warms up.
                    rates[name].append(rate)
                    cpu[name].append(spent)
    ratio = statistics.median(a / b for a, b in zip(rates["on"], rates["off"], strict=True))
    on, off = (statistics.median(rates[each]) for each in ("on", "off"))
    with_, without = (statistics.median(cpu[each]) for each in ("on", "off"))
    print(f"{engine}, {how}: {on:,.0f} a second with the audit, {off:,.0f} without: {ratio:.2f}")
    print(f"  Python: {with_:.3f} ms with it, {without:.3f} ms without: {without / with_:.2f}")
    print("  load: " + " ".join(f"{each:.1f}" for each in os.getloadavg()))


async def main(engines: list[str]) -> None:
    for engine in engines or ["sqlite", "postgresql"]:
        for how in ("run", "posted"):
            await compare(engine, how)


if __name__ == "__main__":
    log_json()
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        structlog.configure(logger_factory=structlog.WriteLoggerFactory(nowhere))
        asyncio.run(main(sys.argv[1:]))
