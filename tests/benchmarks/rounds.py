"""Measures servers in turn, round by round, so that what disturbs one disturbs the others."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from tests.benchmarks.load import Order
from tests.benchmarks.questions import Question, plain
from tests.benchmarks.rivals import SERVER_CORE, Server, cpu_of

CONNECTIONS = 16
_COMPARED = 16  # answers that have to be equal before anything is measured
_WARM = 2.0  # seconds that nobody counts: some servers compile what they do often


@dataclass(frozen=True)
class Sample:
    """One turn of one server: milliseconds of work a request, and how fast it went."""

    server: float
    database: float
    p50: float
    rate: float

    @property
    def work(self) -> float:
        """What server and database have to do together."""
        return self.server + self.database


@dataclass(frozen=True)
class Row:
    """What the rounds of one server come to, and its ratios to the limit within each round."""

    name: str
    server: float
    database: float
    p50: float
    rate: float
    speed: float
    cpu: float
    work: float

    @classmethod
    def of(cls, name: str, own: Sequence[Sample], limit: Sequence[Sample]) -> Row:
        pairs = list(zip(own, limit, strict=True))
        middle = statistics.median
        return cls(
            name,
            middle(each.server for each in own),
            middle(each.database for each in own),
            middle(each.p50 for each in own),
            middle(each.rate for each in own),
            middle(mine.rate / best.rate for mine, best in pairs),
            middle(best.server / mine.server for mine, best in pairs),
            middle(best.work / mine.work for mine, best in pairs),
        )


class Unanswered(Exception):
    """A server broke under the load, or said that something is wrong."""


class Load:
    """The process that sends; it stays on the other core."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self._process = process
        self._folder = folder

    def run(
        self,
        port: int,
        path: str,
        bodies: Path,
        seconds: float,
        *,
        connections: int = CONNECTIONS,
        first: int = 0,
    ) -> Mapping[str, float]:
        """Sends for so long, beginning with the body of this number; says how that went."""
        order = Order(port, path, str(bodies), seconds, connections, first)
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(orjson.dumps(asdict(order)).decode() + "\n")
        self._process.stdin.flush()
        if not (line := self._process.stdout.readline()):
            raise Unanswered(port)
        found: Mapping[str, float] = orjson.loads(line)
        return found

    def written(self, name: str, bodies: Sequence[Mapping[str, Any]]) -> Path:
        """The file in which the load finds what to send."""
        file = self._folder / f"{name}.json"
        file.write_bytes(orjson.dumps([orjson.dumps(each).decode() for each in bodies]))
        return file


def other_cores() -> set[int]:
    """Where all runs that is no server; the servers' core, where there is but one."""
    return os.sched_getaffinity(0) - {SERVER_CORE} or {SERVER_CORE}


@contextmanager
def load(folder: Path) -> Iterator[Load]:
    """Starts the process that sends, and ends it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.load"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    os.sched_setaffinity(process.pid, other_cores())
    try:
        yield Load(process, folder)
    finally:
        process.terminate()
        process.wait()


class Rounds:
    """Asks some servers the same question."""

    def __init__(self, servers: Mapping[Server, Backends], sending: Load) -> None:
        self._servers = [*servers]
        self._backends = servers
        self._load = sending

    def run(
        self,
        question: Question,
        given: Sequence[Mapping[str, Any]],
        count: int,
        seconds: float,
    ) -> list[Row]:
        """Measures so many rounds; the first server is the one that others are compared with."""
        able = [each for each in self._servers if each.rival.answers(question)]
        bodies = {each: self._bodies(each, question, given) for each in able}
        _compare(question, bodies)
        samples: dict[Server, list[Sample]] = {each: [] for each in able}
        for number in range(-1, count):
            for server in able:
                sample = self._turn(
                    server, question, bodies[server], seconds if number >= 0 else _WARM, number
                )
                if number >= 0:
                    samples[server].append(sample)
        limit = samples[self._servers[0]]
        return [Row.of(each.rival.title, own, limit) for each, own in samples.items()]

    def _bodies(
        self, server: Server, question: Question, given: Sequence[Mapping[str, Any]]
    ) -> list[Mapping[str, Any]]:
        arguments = server.rival.arguments(server, question, given)
        return [server.rival.body(question, each) for each in arguments]

    def _turn(
        self,
        server: Server,
        question: Question,
        bodies: Sequence[Mapping[str, Any]],
        seconds: float,
        number: int,
    ) -> Sample:
        file = self._load.written(server.rival.name, bodies)
        with ExitStack() as resting:
            for other in self._servers:
                if other is not server:
                    resting.enter_context(other.resting())
            before = cpu_of(server.pid), self._backends[server].cpu()
            try:
                path = server.rival.path(question)
                result = self._load.run(server.port, path, file, seconds, first=7 * (number + 1))
            except Unanswered as error:
                raise SystemExit(
                    f"{question.name}: {server.rival.title} did not stand it."
                ) from error
            after = cpu_of(server.pid), self._backends[server].cpu()
        own, database = (
            (there - here) / result["requests"] * 1000
            for here, there in zip(before, after, strict=True)
        )
        return Sample(own, database, result["p50"], result["requests"] / result["seconds"])


def _compare(question: Question, bodies: Mapping[Server, Sequence[Mapping[str, Any]]]) -> None:
    """Makes sure that all say the same."""
    limit, *others = bodies
    for number in range(_COMPARED):
        right = _said(limit, question, bodies[limit][number])
        for other in others:
            answer = _said(other, question, bodies[other][number])
            if answer != right:
                raise SystemExit(
                    f"{question.name}: {other.rival.title} does not say what it should:\n"
                    f"{str(answer)[:1000]}\n{str(right)[:1000]}"
                )


def _said(server: Server, question: Question, body: Mapping[str, Any]) -> Any:
    answer = server.ask(server.rival.path(question), body)
    return plain(question, server.rival.plain(question, answer))


class Backends:
    """The processes of PostgreSQL that answer on one database; none for SQLite."""

    def __init__(self, postmaster: int | None, database: str) -> None:
        self._postmaster = postmaster
        self._database = database

    def cpu(self) -> float:
        """Seconds of work that they have done so far."""
        if self._postmaster is None:
            return 0.0
        children = Path(f"/proc/{self._postmaster}/task/{self._postmaster}/children")
        return sum(cpu_of(int(pid)) for pid in children.read_text().split() if self._is_one(pid))

    def _is_one(self, pid: str) -> bool:
        try:
            title = Path(f"/proc/{pid}/cmdline").read_text()
        except FileNotFoundError:  # It has ended.
            return False
        return f" {self._database} " in title
