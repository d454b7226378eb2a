"""`make bench-growth`: what a question costs when the company is ten times as large.

    python -m tests.benchmarks.growth [options]

The middle time of an answer on one connection, in turns; and what PostgreSQL says that it reads:
rows, pages, and the indexes through which it finds them.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from crmkit.app import open_crm
from crmkit.graph.endpoint import GraphQL
from crmkit.settings import Settings
from crmkit.store.drivers import Database
from tests.benchmarks.company import Size
from tests.benchmarks.databases import Databases, databases
from tests.benchmarks.questions import Question, arguments, chosen
from tests.benchmarks.rivals import SECRET, Crmkit, Server, serving
from tests.benchmarks.rounds import Load, load

_EXPLAINED = 12  # requests whose plans are looked at


@dataclass
class Reading:
    """What some requests read on the average."""

    rows: float = 0.0
    pages: float = 0.0
    indexes: Counter[str] = field(default_factory=Counter)


def main() -> None:
    """Compares companies of different sizes, question by question."""
    options = _options()
    sizes = [
        Size(each, each * options.interactions, each * options.entries, each)
        for each in options.customers
    ]
    folder = Path(options.folder).resolve()
    with ExitStack() as opened:
        known = opened.enter_context(databases("postgresql", folder))
        names = {size: known.filled(size) for size in sizes}
        scratch = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        sending = opened.enter_context(load(scratch))
        servers = {
            size: opened.enter_context(serving(Crmkit(), known.address(name)))
            for size, name in names.items()
        }
        for question in chosen(options.only):
            given = {size: arguments(question, known, names[size], size) for size in sizes}
            times = _times(question, servers, given, sending, options)
            reads = {
                size: asyncio.run(_read(question, known, names[size], servers[size], given[size]))
                for size in sizes
            }
            _say(question, times, reads)


def _times(
    question: Question,
    servers: Mapping[Size, Server],
    given: Mapping[Size, Sequence[Mapping[str, Any]]],
    sending: Load,
    options: argparse.Namespace,
) -> dict[Size, list[float]]:
    """The middle times of all turns; the first turn warms up."""
    found: dict[Size, list[float]] = {each: [] for each in servers}
    files = {
        size: sending.written(f"{size.customers}", _bodies(server, question, given[size]))
        for size, server in servers.items()
    }
    for number in range(options.rounds + 1):
        for size, server in servers.items():
            result = sending.run(
                server.port, "/graphql", files[size], options.seconds, connections=1, first=number
            )
            if number:
                found[size].append(result["p50"])
    return found


def _bodies(
    server: Server, question: Question, given: Sequence[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    rival = server.rival
    return [rival.body(question, each) for each in rival.arguments(server, question, given)]


async def _read(
    question: Question,
    known: Databases,
    name: str,
    server: Server,
    given: Sequence[Mapping[str, Any]],
) -> Reading:
    asked = server.rival.arguments(server, question, given[:_EXPLAINED])
    # Cursors are sealed with the secret.
    said = {"database": {"url": known.address(name)}, "secret": SECRET}
    settings = Settings.model_validate(said)
    crm = await open_crm(settings)
    try:
        return await reading(GraphQL(crm.schema, crm.host), crm.host.database, question, asked)
    finally:
        await crm.close()


async def reading(
    endpoint: GraphQL, database: Database, question: Question, asked: Sequence[Mapping[str, Any]]
) -> Reading:
    """Has PostgreSQL explain what it is asked for these requests."""
    found = Reading()
    for sql, values in await _statements(endpoint, database, question, asked):
        explain = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}"
        [[text]] = await database.rows(explain, values)
        top = orjson.loads(text)[0]["Plan"]
        found.pages += (top["Shared Hit Blocks"] + top["Shared Read Blocks"]) / len(asked)
        for scan in _scans(top):
            found.rows += _rows(scan) / len(asked)
            found.indexes[_way(scan)] += 1
    return found


async def _statements(
    endpoint: GraphQL, database: Database, question: Question, asked: Sequence[Mapping[str, Any]]
) -> list[tuple[str, Sequence[Any]]]:
    """The statements of these requests, with their values."""
    found: list[tuple[str, Sequence[Any]]] = []
    ask = database.rows

    async def watched(sql: str, values: Sequence[Any]) -> Any:
        found.append((sql, values))
        return await ask(sql, values)

    database.rows = watched  # type: ignore[method-assign]
    try:
        for each in asked:
            answer = await endpoint.execute(question.document, None, each)
            assert "errors" not in answer, answer
    finally:
        database.rows = ask  # type: ignore[method-assign]
    return found


def _scans(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The places of a plan where rows come from a table."""
    if "Relation Name" in plan:
        yield plan
    for each in plan.get("Plans", ()):
        yield from _scans(each)


def _way(scan: Mapping[str, Any]) -> str:
    """The index through which rows were found; below a bitmap it stands one deeper."""
    for each in (scan, *scan.get("Plans", ())):
        if "Index Name" in each:
            return str(each["Index Name"])
    return f"{scan['Relation Name']}, all of it"


def _rows(scan: Mapping[str, Any]) -> float:
    """What it looked at, also what it did not want."""
    removed = sum(value for name, value in scan.items() if name.startswith("Rows Removed"))
    return float((scan["Actual Rows"] + removed) * scan["Actual Loops"])


def _say(
    question: Question, times: Mapping[Size, Sequence[float]], reads: Mapping[Size, Reading]
) -> None:
    print(f"\n{question.name}  {question.title}")
    heads = ("p50 ms", "×", "rows", "×", "pages", "×")
    print(f"{'customers':>12}" + "".join(f"{each:>10}" for each in heads))
    smallest = next(iter(times))
    for size, own in times.items():
        ratio = statistics.median(a / b for a, b in zip(own, times[smallest], strict=True))
        here, there = reads[size], reads[smallest]
        print(
            f"{size.customers:12,}{statistics.median(own):10.2f}{ratio:10.2f}"
            f"{here.rows:10,.0f}{here.rows / there.rows:10.2f}"
            f"{here.pages:10,.0f}{here.pages / there.pages:10.2f}"
        )
    for size, reading in reads.items():
        print(f"{size.customers:12,}  {', '.join(sorted(reading.indexes))}", flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench-growth", description=__doc__)
    numbers = lambda text: [int(each) for each in text.split(",")]  # noqa: E731
    words = lambda text: text.split(",")  # noqa: E731
    parser.add_argument("--customers", type=numbers, default=[100_000, 1_000_000])
    parser.add_argument("--interactions", type=int, default=6, help="for each customer")
    parser.add_argument("--entries", type=int, default=2, help="for each customer")
    parser.add_argument("--only", type=words, default=["Q1", "Q2", "Q5", "Q5e"])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each turn")
    parser.add_argument("--folder", default=".bench", help="where databases are kept")
    return parser.parse_args(sys.argv[1:])


if __name__ == "__main__":
    main()
