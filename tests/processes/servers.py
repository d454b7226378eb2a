"""Real servers and real commands, each a process of its own."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CRMKIT = str(Path(sys.executable).with_name("crmkit"))
DEADLINE = 120


class Server:
    """A server, its address, and its process."""

    def __init__(self, around: Mapping[str, str], folder: Path) -> None:
        self.around = around
        self._folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/graphql"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [CRMKIT, "serve", "--port", str(self.port)]
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                command, env=self.around, cwd=self._folder, stdout=log, stderr=log
            )

    def wait_until_ready(self) -> None:
        assert self.process is not None
        until = time.monotonic() + DEADLINE
        while time.monotonic() < until and self.process.poll() is None:
            try:
                urllib.request.urlopen(self._health, timeout=1).close()
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.05)  # It may need this processor.
            else:
                return
        pytest.fail(f"The server did not become ready: {self._log.read_text()}")

    def kill(self) -> None:
        """Ends it as the kernel would: it hears nothing of it."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(DEADLINE)

    def stop(self) -> None:
        assert self.process is not None
        self.process.terminate()
        self.process.wait(DEADLINE)

    @property
    def _health(self) -> str:
        return f"http://127.0.0.1:{self.port}/health/ready"

    @property
    def _log(self) -> Path:
        return self._folder / f"{self.port}.log"


def environment(database_url: str, *plugins: str) -> dict[str, str]:
    """What a process of ours finds around it, which is as patient as whoever waits for it."""
    return {
        **os.environ,
        "CRMKIT_DATABASE__URL": database_url,
        "CRMKIT_DATABASE__STATEMENT_SECONDS": str(DEADLINE),
        "CRMKIT_DATABASE__CONNECT_SECONDS": str(DEADLINE),
        "CRMKIT_GRAPHQL__OPERATION_SECONDS": str(DEADLINE),
        "CRMKIT_PLUGINS__ENABLED": json.dumps(plugins),
    }


@contextmanager
def served(around: Mapping[str, str], folder: Path) -> Iterator[Server]:
    """A server that answers."""
    server = Server(around, folder)
    server.start()
    try:
        server.wait_until_ready()
        yield server
    finally:
        server.stop()


def run(arguments: list[str], around: Mapping[str, str], folder: Path) -> str:
    """Runs a command to its end, and says what it printed."""
    done = subprocess.run(
        [CRMKIT, *arguments], env=around, cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def ask(url: str, document: str, **variables: Any) -> dict[str, Any]:
    """Asks a server something that it can answer."""
    body = json.dumps({"query": document, "variables": variables}).encode()
    request = urllib.request.Request(url, body, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=DEADLINE) as answer:
        read: dict[str, Any] = json.load(answer)
    assert "errors" not in read, read
    return read["data"]
