"""`make bench`: one table of crmkit and of what else answers the same questions.

python -m tests.benchmarks [options]
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from tests.benchmarks.company import Size
from tests.benchmarks.databases import Databases, PostgresDatabases, databases
from tests.benchmarks.postgraphile import PostGraphile
from tests.benchmarks.questions import Question, arguments, chosen
from tests.benchmarks.rivals import Crmkit, Limit, Rival, Taught, Undelivered, serving
from tests.benchmarks.rounds import Backends, Rounds, Row, load, other_cores

ORDER = ("limit", "crmkit", "undelivered", "postgraphile", "taught")
"""The first is the one that all are compared with."""


def main() -> None:
    """Measures what is asked for, engine by engine."""
    options = _options()
    folder = Path(options.folder).resolve()
    size = Size(
        options.customers,
        options.customers * options.interactions,
        options.customers * options.entries,
        options.customers,
    )
    known: dict[str, Rival] = {
        each.name: each
        for each in (Limit(), Crmkit(), Undelivered(), Taught(), PostGraphile(folder))
    }
    rivals = [known[each] for each in ORDER if each in {*ORDER[:3], *options.against}]
    now = datetime.now(UTC)
    load_average = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    print(f"{size}, {options.rounds} rounds of {options.seconds} s, {now:%Y-%m-%d %H:%M} UTC,")
    print(f"load {load_average}; ms of work a request; ratios to hand-written, more is better")
    for engine in options.engine:
        with databases(engine, folder) as known:
            _measure(known, size, rivals, chosen(options.only), options)


def _measure(
    known: Databases,
    size: Size,
    rivals: Sequence[Rival],
    questions: Sequence[Question],
    options: argparse.Namespace,
) -> None:
    print(f"\n{known.engine}")
    name = known.filled(size)
    able = [each for each in rivals if each.available(known.engine)]
    reading = [each for each in questions if not each.writes]
    writing = [each for each in questions if each.writes]
    if reading:
        readers = [each for each in able if any(map(each.answers, reading))]
        _ask(known, size, dict.fromkeys(readers, name), reading, options)
    if writing:
        # What is kept for the next time stays as it is, and nobody waits for another's lock.
        copies = {each: f"{name}_{each.name}_{os.getpid()}" for each in able}
        try:
            for copy in copies.values():
                known.copy(name, copy)
            _ask(known, size, copies, writing, options)
        finally:
            for copy in copies.values():
                known.drop(copy)


def _ask(
    known: Databases,
    size: Size,
    names: Mapping[Rival, str],
    questions: Sequence[Question],
    options: argparse.Namespace,
) -> None:
    postmaster = known.pid if isinstance(known, PostgresDatabases) else None
    if postmaster is not None and options.database == "apart":
        os.sched_setaffinity(postmaster, other_cores())  # Its backends will inherit that.
    with ExitStack() as running:
        servers = {
            running.enter_context(serving(each, known.address(name))): Backends(postmaster, name)
            for each, name in names.items()
        }
        scratch = running.enter_context(tempfile.TemporaryDirectory())
        sending = running.enter_context(load(Path(scratch)))
        rounds = Rounds(servers, sending)
        for question in questions:
            given = arguments(question, known, next(iter(names.values())), size)
            _say(question, rounds.run(question, given, options.rounds, options.seconds))
        print()
        for each in servers:
            print(
                f"{each.rival.title}: served {each.start:.1f} s after its start and "
                f"{each.start_work:.1f} s of work, {each.megabytes:.0f} MB in the end"
            )


def _say(question: Question, rows: Sequence[Row]) -> None:
    print(f"\n{question.name}  {question.title}")
    heads = ("server", "database", "p50", "a second", "× speed", "× server", "× both")
    print(f"{'':24}" + "".join(f"{each:>10}" for each in heads))
    for row in rows:
        print(
            f"  {row.name:22}{row.server:10.3f}{row.database:10.3f}{row.p50:10.2f}{row.rate:10,.0f}"
            f"{row.speed:10.2f}{row.cpu:10.2f}{row.work:10.2f}",
            flush=True,
        )


def _options() -> argparse.Namespace:
    def words(text: str) -> list[str]:
        return [each for each in text.replace(",", " ").split() if each]

    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--interactions", type=int, default=10, help="for each customer")
    parser.add_argument("--entries", type=int, default=5, help="for each customer")
    parser.add_argument("--engine", type=words, default=["sqlite", "postgresql"])
    parser.add_argument("--only", type=words, default=[], help="such as Q1,Q5")
    parser.add_argument("--against", type=words, default=[*ORDER])
    parser.add_argument(
        "--database",
        choices=["anywhere", "apart"],
        default="anywhere",
        help="whether PostgreSQL may use the servers' core, or runs beside what sends, as if it "
        "were a machine of its own",
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each turn")
    parser.add_argument("--folder", default=".bench", help="where databases are kept")
    return parser.parse_args(sys.argv[1:])


if __name__ == "__main__":
    main()
