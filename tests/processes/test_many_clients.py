"""Sixty-four clients at once, each a process, against real servers."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

CLIENTS = Path(__file__).with_name("clients.py")
CRMKIT = str(Path(sys.executable).with_name("crmkit"))
DEADLINE = 30


@pytest.fixture
def servers(engine: str, database_url: str, tmp_path: Path) -> Iterator[list[str]]:
    """One server on SQLite, two on PostgreSQL, on one migrated database."""
    environment = {**os.environ, "CRMKIT_DATABASE__URL": database_url}
    environment["CRMKIT_PLUGINS__ENABLED"] = '["orders", "loyalty"]'
    _run(["db", "upgrade"], environment, tmp_path)
    with ExitStack() as stack:
        yield [
            stack.enter_context(_served(environment, tmp_path))
            for _ in range(1 if engine == "sqlite" else 2)
        ]


@contextmanager
def _served(environment: dict[str, str], folder: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [CRMKIT, "serve", "--port", str(port)]
    with (folder / f"{port}.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log)
    try:
        _wait_until_ready(f"http://127.0.0.1:{port}/health/ready", process, folder / f"{port}.log")
        yield f"http://127.0.0.1:{port}/graphql"
    finally:
        process.terminate()
        process.wait(DEADLINE)


def _wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + DEADLINE
    while time.monotonic() < until and process.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=1).close()
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            continue
        return
    pytest.fail(f"The server did not become ready: {log.read_text()}")


def _run(arguments: list[str], environment: dict[str, str], folder: Path) -> str:
    done = subprocess.run(
        [CRMKIT, *arguments],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _ask(url: str, document: str, **variables: Any) -> dict[str, Any]:
    body = json.dumps({"query": document, "variables": variables}).encode()
    request = urllib.request.Request(url, body, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=DEADLINE) as answer:
        read: dict[str, Any] = json.load(answer)
    assert "errors" not in read, read
    return read["data"]


def _at_once(
    folder: Path, urls: list[str], document: str, **variables: Any
) -> list[dict[str, Any]]:
    body = folder / "body.json"
    body.write_text(json.dumps({"query": document, "variables": variables}))
    command = [sys.executable, str(CLIENTS), "64", str(body), *urls]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == 64
    return answers


def _customer_with(url: str, points: int) -> str:
    made = _ask(
        url, 'mutation { createCustomer(input: {kind: PERSON, name: "Ada"}) { customer { id } } }'
    )
    id_: str = made["createCustomer"]["customer"]["id"]
    _ask(
        url,
        "mutation ($id: ID!, $n: BigInt!) { adjustPoints("
        'input: {customerId: $id, points: $n, reason: "start"}) { entry { id } } }',
        id=id_,
        n=str(points),
    )
    return id_


REDEEM = """mutation ($id: ID!, $key: String) {
  redeemPoints(input: {customerId: $id, points: "10", idempotencyKey: $key}) { entry { id } } }"""
BALANCE = "query ($id: ID!) { node(id: $id) { ... on Customer { loyaltyPoints loyaltyEntries { totalCount } } } }"


def test_a_balance_of_100_serves_exactly_ten_of_64_redemptions_of_10(
    servers: list[str], tmp_path: Path
) -> None:
    ada = _customer_with(servers[0], 100)
    answers = _at_once(tmp_path, servers, REDEEM, id=ada, key=None)
    outcomes = Counter(
        each["errors"][0]["extensions"]["reason"] if "errors" in each else "redeemed"
        for each in answers
    )
    assert outcomes == {"redeemed": 10, "loyalty.insufficient_points": 54}
    node = _ask(servers[0], BALANCE, id=ada)["node"]
    assert node == {"loyaltyPoints": "0", "loyaltyEntries": {"totalCount": 11}}


def test_one_idempotency_key_sent_64_times_has_one_effect_and_one_answer(
    servers: list[str], tmp_path: Path
) -> None:
    ada = _customer_with(servers[0], 100)
    answers = _at_once(tmp_path, servers, REDEEM, id=ada, key="once")
    entries = {each["data"]["redeemPoints"]["entry"]["id"] for each in answers}
    assert len(entries) == 1
    node = _ask(servers[0], BALANCE, id=ada)["node"]
    assert node == {"loyaltyPoints": "90", "loyaltyEntries": {"totalCount": 2}}
