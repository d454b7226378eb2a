"""Clients that write without end, and remember what they were told."""

from __future__ import annotations

import http.client
import itertools
import json
import os
import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from tests.processes.servers import DEADLINE, ask

GRANT = """mutation ($id: ID!, $key: String) { adjustPoints(
  input: {customerId: $id, points: "1", reason: "load", idempotencyKey: $key}) { entry { id } } }"""
ENTRIES = """query ($id: ID!, $after: String) { node(id: $id) { ... on Customer {
  loyaltyPoints loyaltyEntries(first: 1000, after: $after) {
    nodes { id } pageInfo { hasNextPage endCursor } } } } }"""

# As fast as they can in the long run; else like people, so that other tests have a processor.
_PAUSE = 0 if os.environ.get("CRMKIT_SOAK") else 0.02


class Load:
    """Each client gives a customer one point after the other.

    A client asks again under the same key, also of the next server, until it is answered; so in
    the end there are exactly as many points as there were answers.
    """

    def __init__(self, urls: Sequence[str], customer: str, clients: int = 4) -> None:
        self.acknowledged: list[str] = []
        self.refused: list[Any] = []
        self._urls = urls
        self._customer = customer
        self._told = threading.Condition()
        self._ended = threading.Event()
        self._clients = [
            threading.Thread(target=self._write, args=(number,)) for number in range(clients)
        ]

    def __enter__(self) -> Self:
        for each in self._clients:
            each.start()
        return self

    def __exit__(self, _: object, error: BaseException | None, __: TracebackType | None) -> None:
        self._ended.set()
        for each in self._clients:
            each.join(DEADLINE)

    def wait_for(self, more: int) -> None:
        """Waits until as many more writes have been acknowledged."""
        with self._told:
            wanted = len(self.acknowledged) + more
            assert self._told.wait_for(lambda: len(self.acknowledged) >= wanted, DEADLINE)

    def check(self, url: str) -> None:
        """Refuses a database in which something acknowledged is lost, or anything doubled."""
        assert self.refused == []
        entries, points = _granted(url, self._customer)
        assert sorted(entries) == sorted(self.acknowledged)
        assert points == len(entries)

    def _write(self, client: int) -> None:
        for number in itertools.count():
            if self._ended.wait(_PAUSE):
                return
            # No two customers' keys are the same, so that every test begins anew.
            entry = self._until_answered(f"{self._customer} {client} {number}", client)
            if entry is None:
                return
            with self._told:
                self.acknowledged.append(entry)
                self._told.notify_all()

    def _until_answered(self, key: str, client: int) -> str | None:
        body = json.dumps({"query": GRANT, "variables": {"id": self._customer, "key": key}})
        until = time.monotonic() + DEADLINE
        for number in itertools.count(client):
            if time.monotonic() > until:
                break
            answer = _sent(self._urls[number % len(self._urls)], body)
            if answer is None:
                self._ended.wait(_PAUSE)  # The server is gone, and is not back at once.
                continue
            if "errors" not in answer:
                entry: str = answer["data"]["adjustPoints"]["entry"]["id"]
                return entry
            if answer["errors"][0]["extensions"]["code"] != "UNAVAILABLE":
                self.refused.append(answer)
                return None
        self.refused.append("Nobody answers any more.")
        return None


def _granted(url: str, customer: str) -> tuple[list[str], int]:
    """The entries of a customer, and the points of the account."""
    entries: list[str] = []
    after = None
    while True:
        node = ask(url, ENTRIES, id=customer, after=after)["node"]
        page = node["loyaltyEntries"]
        entries += [each["id"] for each in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            return entries, int(node["loyaltyPoints"])


def _sent(url: str, body: str) -> dict[str, Any] | None:
    """The answer, or nothing where the connection went away before it came."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=DEADLINE)
    try:
        connection.request("POST", parts.path, body, {"content-type": "application/json"})
        answer: dict[str, Any] = json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    return answer
