"""What rows cost that come in bulk, beside the bare way into the same tables.

    python -m tests.benchmarks.bulk [sqlite] [postgresql]

The bare way takes the very rows that were written, tables and columns alike, through
`executemany` on SQLite and COPY on PostgreSQL. What is compared is the CPU that both sides take,
Python and the database, because the clock tells as much of who else is at work.
"""

from __future__ import annotations

import asyncio
import sqlite3
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy import Table

from crmkit import testing
from crmkit.cli.files import Lines
from crmkit.cli.importing import Aside, take_in
from crmkit.host.builders import ImportOptions
from crmkit.host.discovery import discover, imported
from crmkit.store.database import Base
from crmkit.testing import Trial
from crmkit.values.collecting import settled
from tests.benchmarks.rivals import cpu_of

ROUNDS, MANY = 5, 1_000
SAMPLE = Path(__file__).parents[2] / "examples" / "data" / "cdnow_orders.csv"
CUSTOMERS = """mutation ($items: [CreateCustomerItem!]!) {
  createCustomers(input: {items: $items}) { results { outcome } } }"""
INTERACTIONS = """mutation ($items: [RecordInteractionItem!]!) {
  recordInteractions(input: {items: $items}) { results { outcome } } }"""

Rows = Mapping[Table, Sequence[tuple[Any, ...]]]

_numbers = count()


async def import_orders(t: Trial) -> int:
    """The whole sample file, from a source of its own each time."""
    kind = t.host.loaded.imports["orders"]
    options = ImportOptions(f"bench{next(_numbers)}", "USD")
    with Aside(Path("bench.rejects.csv")) as aside:
        report = await take_in(t.host, kind, Lines(SAMPLE, kind.row, "utf-8"), options, aside)
    assert not report.rejected
    return report.lines


async def create_customers(t: Trial) -> int:
    await _many(t, CUSTOMERS, [{"name": f"Anna {next(_numbers)}"} for _ in range(MANY)])
    return MANY


async def record_interactions(t: Trial) -> int:
    found = await t.gql("{ customers(first: 50) { nodes { id } } }")
    ids = [each["id"] for each in found["customers"]["nodes"]]
    said = {"channel": "email", "direction": "INBOUND", "kind": "note", "subject": "Hello"}
    items = [{**said, "customerId": ids[n % len(ids)]} for n in range(MANY)]
    await _many(t, INTERACTIONS, items)
    return MANY


async def _many(t: Trial, document: str, items: list[dict[str, Any]]) -> None:
    answer = await t.answer(document, {"items": items})
    assert "errors" not in answer, answer


CALLS: dict[str, Callable[[Trial], Awaitable[int]]] = {
    "createCustomers": create_customers,
    "recordInteractions": record_interactions,
    "import orders": import_orders,
}


@dataclass(frozen=True)
class Round:
    """Records that came in: the seconds that took, those of CPU, and those of the bare way."""

    records: int
    seconds: float
    work: float
    bare: float


async def beside(t: Trial, call: Callable[[Trial], Awaitable[int]]) -> Round:
    """Lets records in, and then writes what came of them once more, the bare way."""
    bare = Bare(t)
    before, backends = await bare.read(), await bare.backends()
    began, spent = time.perf_counter(), _spent(backends)
    records = await call(t)
    seconds, work = time.perf_counter() - began, _spent(backends) - spent
    after = await bare.read()
    new = {table: sorted({*rows} - {*before[table]}, key=str) for table, rows in after.items()}
    written = await bare.written({table: rows for table, rows in new.items() if rows})
    return Round(records, seconds, work, written)


class Bare:
    """The tables of an app, through its driver alone."""

    def __init__(self, t: Trial) -> None:
        self.url = t.host.settings.database.url
        known = {table.name for each in t.host.loaded.plugins for table in each.tables}
        self.tables = [each for each in Base.metadata.sorted_tables if each.name in known]

    async def read(self) -> dict[Table, list[tuple[Any, ...]]]:
        """All rows of all tables."""
        if self.url.startswith("sqlite"):
            with sqlite3.connect(self.url.removeprefix("sqlite:///")) as connection:
                return {each: connection.execute(_select(each)).fetchall() for each in self.tables}
        connection = await asyncpg.connect(self.url)
        try:
            return {
                each: [tuple(row) for row in await connection.fetch(_select(each))]
                for each in self.tables
            }
        finally:
            await connection.close()

    async def backends(self) -> list[int]:
        """The processes of PostgreSQL that serve this app."""
        if self.url.startswith("sqlite"):
            return []
        connection = await asyncpg.connect(self.url)
        try:
            asked = "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
            found = [pid for (pid,) in await connection.fetch(asked)]
            return [pid for pid in found if pid != connection.get_server_pid()]
        finally:
            await connection.close()

    async def written(self, rows: Rows) -> float:
        """Takes rows out, and says how many seconds of CPU it takes to put them in again."""
        if self.url.startswith("sqlite"):
            return await asyncio.to_thread(self._to_sqlite, rows)
        connection = await asyncpg.connect(self.url)
        try:
            return await self._to_postgresql(connection, rows)
        finally:
            await connection.close()

    def _to_sqlite(self, rows: Rows) -> float:
        path = self.url.removeprefix("sqlite:///")
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute("PRAGMA synchronous = NORMAL")
        guards = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        for (name,) in connection.execute(guards).fetchall():  # Some rows are never deleted.
            connection.execute(f"DROP TRIGGER {name}")
        for table, some in reversed(rows.items()):
            connection.execute("BEGIN")
            connection.executemany(_delete(table, "?"), [each[: _width(table)] for each in some])
            connection.execute("COMMIT")
        connection.execute("PRAGMA foreign_keys = ON")
        spent = _spent([])
        connection.execute("BEGIN")
        for table, some in rows.items():
            names = _names(table)
            into = f"INSERT INTO {table.name} ({_listed(names)})"
            connection.executemany(f"{into} VALUES ({', '.join('?' * len(names))})", some)
        connection.execute("COMMIT")
        work = _spent([]) - spent
        connection.close()
        return work

    async def _to_postgresql(self, connection: Any, rows: Rows) -> float:
        for table, some in reversed(rows.items()):
            await connection.execute(f"ALTER TABLE {table.name} DISABLE TRIGGER USER")
            await connection.executemany(
                _delete(table, "$"), [each[: _width(table)] for each in some]
            )
        backends = [connection.get_server_pid()]
        spent = _spent(backends)
        async with connection.transaction():
            for table, some in rows.items():
                await connection.copy_records_to_table(
                    table.name, records=some, columns=_names(table)
                )
        return _spent(backends) - spent


def _spent(backends: Sequence[int]) -> float:
    """Seconds of CPU that this process and those of the database have spent."""
    return time.process_time() + sum(map(cpu_of, backends))


def _names(table: Table) -> list[str]:
    """The columns of a table, those of its key first."""
    key = [each.name for each in table.primary_key.columns]
    return [*key, *[each.name for each in table.columns if each.name not in key]]


def _select(table: Table) -> str:
    return f"SELECT {_listed(_names(table))} FROM {table.name}"


def _listed(names: Sequence[str]) -> str:
    """Names as SQL takes them, of which some are words of its own."""
    return ", ".join(f'"{each}"' for each in names)


def _width(table: Table) -> int:
    return len(table.primary_key.columns)


def _delete(table: Table, place: str) -> str:
    keys = [each.name for each in table.primary_key.columns]
    tests = [f"{key} = {place}{n if place == '$' else ''}" for n, key in enumerate(keys, 1)]
    return f"DELETE FROM {table.name} WHERE {' AND '.join(tests)}"


async def main(engines: list[str]) -> None:
    plugins = [imported(each) for each in discover()]
    for engine in engines or ["sqlite", "postgresql"]:
        print(f"\n{engine}, {ROUNDS} rounds")
        print(f"{'':20}{'records/s':>10}{'µs of CPU':>10}{'× bare':>8}")
        async with testing.crm(*plugins, engine=engine) as t:
            with settled():  # As commands and the server are.
                for name, call in CALLS.items():
                    _say(name, await _rounds(t, call))


async def _rounds(t: Trial, call: Callable[[Trial], Awaitable[int]]) -> list[Round]:
    await call(t)  # What is made once, such as statements and connections.
    return [await beside(t, call) for _ in range(ROUNDS)]


def _say(name: str, rounds: Sequence[Round]) -> None:
    speed = statistics.median(each.records / each.seconds for each in rounds)
    work = statistics.median(each.work / each.records * 1e6 for each in rounds)
    ratio = statistics.median(each.bare / each.work for each in rounds)
    print(f"{name:20}{speed:10,.0f}{work:10,.0f}{ratio:8.2f}")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
