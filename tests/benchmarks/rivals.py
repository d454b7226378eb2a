"""Who answers: crmkit and those it is compared with, each a server process of its own."""

from __future__ import annotations

import http.client
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from tests.benchmarks.key import SECRET, admit
from tests.benchmarks.load import PLACE, TOKEN
from tests.benchmarks.questions import Question

SERVER_CORE = 0
_PATIENCE = 120  # seconds for a server to start
_PORT = re.compile(r"http://(?:127\.0\.0\.1|localhost):(\d+)")


class Rival:
    """One way to answer the questions."""

    name: str
    title: str

    def command(self, address: str) -> Sequence[str]:
        """How its server is started on a database; it prints where it listens."""
        raise NotImplementedError

    def environment(self, address: str) -> Mapping[str, str]:
        """What its server finds beside the variables of this process."""
        return {}

    def prepare(self, address: str) -> None:
        """Does to a database what its server wants of it."""

    def available(self, engine: str) -> bool:
        """Whether it is there, and knows this engine; says so if not."""
        return True

    def answers(self, question: Question) -> bool:
        """Whether it can do what this question asks."""
        return True

    def path(self, question: Question) -> str:
        """Where to send it."""
        return "/graphql"

    def body(self, question: Question, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """What to send."""
        return {"query": question.document, "variables": given}

    def arguments(
        self, server: Server, question: Question, given: Sequence[Mapping[str, Any]]
    ) -> list[Mapping[str, Any]]:
        """The same arguments with this rival's own cursors."""
        if question.after is None:
            return list(given)
        return [{"after": self.cursor(server, question, each["after"])} for each in given]

    def cursor(self, server: Server, question: Question, id: str) -> str:
        """Its cursor of a customer in the list that is asked for."""
        document = f"""query ($id: ID!) {{
          customers(first: 1, where: {{id: {{eq: $id}}}} {question.after}) {{ edges {{ cursor }} }}
        }}"""
        answer = server.ask(self.path(question), {"query": document, "variables": {"id": id}})
        [edge] = answer["data"]["customers"]["edges"]
        return str(edge["cursor"])

    def plain(self, question: Question, answer: Any) -> Any:
        """Its answer as crmkit would put it."""
        return answer


class Crmkit(Rival):
    """This repository, with all its plugins."""

    name, title = "crmkit", "crmkit"

    def command(self, address: str) -> Sequence[str]:
        return [sys.executable, "-m", "crmkit", "serve", "--port", "0"]

    def prepare(self, address: str) -> None:
        admit(address)

    def environment(self, address: str) -> Mapping[str, str]:
        return {
            "CRMKIT_ACCESS__POINTS_PER_MINUTE": str(10**12),
            "CRMKIT_CONFIG": os.devnull,  # The settings of whoever runs this are none of its.
            "CRMKIT_DATABASE__URL": address,
            "CRMKIT_PROFILE": "production",
            "CRMKIT_SECRET": SECRET,
            "CRMKIT_SERVER__DRAIN_SECONDS": "0",
        }


class Undelivered(Crmkit):
    """The same, but its events wait, so that a mutation alone is measured."""

    name, title = "undelivered", "crmkit, events wait"

    def command(self, address: str) -> Sequence[str]:
        return [sys.executable, "-m", "tests.benchmarks.undelivered"]

    def answers(self, question: Question) -> bool:
        return question.writes


class Limit(Rival):
    """Hand-written SQL behind a bare ASGI application."""

    name, title = "limit", "hand-written"

    def command(self, address: str) -> Sequence[str]:
        return [sys.executable, "-m", "tests.benchmarks.limit", address]

    def path(self, question: Question) -> str:
        return f"/{question.name}"

    def body(self, question: Question, given: Mapping[str, Any]) -> Mapping[str, Any]:
        return given

    def cursor(self, server: Server, question: Question, id: str) -> str:
        return id


class Taught(Rival):
    """Strawberry, SQLAlchemy's ORM and data loaders, as their documentation teaches it."""

    name, title = "taught", "Strawberry as taught"

    def command(self, address: str) -> Sequence[str]:
        return [sys.executable, "-m", "tests.benchmarks.taught", address]

    def answers(self, question: Question) -> bool:
        # It remembers no idempotency keys.
        return question.name != "Q4k"


class Server:
    """A rival that runs, on the core that servers share."""

    def __init__(self, rival: Rival, process: subprocess.Popen[str], port: int) -> None:
        self.rival = rival
        self.pid = process.pid
        self.port = port
        self.start = self.start_work = 0.0
        self._process = process

    def ask(self, path: str, body: Mapping[str, Any]) -> Any:
        """Sends one request and returns its answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_PATIENCE)
        text = orjson.dumps(body).replace(PLACE, str(time.time_ns())[-len(PLACE) :].encode())
        headers = {"content-type": "application/json", "accept": "application/json"}
        headers["authorization"] = f"Bearer {TOKEN}"
        connection.request("POST", path, text, headers)
        answer = orjson.loads(connection.getresponse().read())
        connection.close()
        assert "errors" not in answer, answer
        return answer

    @contextmanager
    def resting(self) -> Iterator[None]:
        """Lets it do nothing at all while others are measured."""
        os.kill(self.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)

    @property
    def megabytes(self) -> float:
        """What it holds of the memory now."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+)", status)
        assert found
        return int(found[1]) / 1024


@contextmanager
def serving(rival: Rival, address: str) -> Iterator[Server]:
    """Starts a rival's server and ends it."""
    rival.prepare(address)
    began = time.perf_counter()
    # A log belongs to what a request costs; nobody reads it here unless something is wrong.
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            rival.command(address),
            env={**os.environ, "PYTHONUNBUFFERED": "1", **rival.environment(address)},
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        os.sched_setaffinity(process.pid, {SERVER_CORE})
        try:
            server = Server(rival, process, _port_of(process))
            server.start, server.start_work = time.perf_counter() - began, cpu_of(process.pid)
            yield server
        except BaseException:
            log.seek(0)
            said = [line for line in log if '"level":"info"' not in line][-30:]
            if said:
                print(f"{rival.title} said last:\n{''.join(said)}", file=sys.stderr)
            raise
        finally:
            process.terminate()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()


def cpu_of(pid: int) -> float:
    """Seconds that all threads of a process have worked."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((each / "schedstat").read_text().split()[0]) for each in tasks) / 1e9


def _port_of(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    for line in process.stdout:
        if found := _PORT.search(line):
            return int(found[1])
    raise SystemExit(f"{process.args!r} ended before it served.")
