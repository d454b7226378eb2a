"""Clerks who ask without end, each one server, until they are told that they may not."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from tests.processes.servers import DEADLINE

QUESTION = json.dumps({"query": "{ customers(first: 1) { nodes { name } } }"})

_PAUSE = 0.05  # so that other tests have a processor


class Clerks:
    """Some for each server; all of them have the same key."""

    def __init__(self, urls: Sequence[str], token: str, each: int = 2) -> None:
        self.answered: list[float] = []
        self.refused: list[str] = []
        self._token = token
        self._bell = threading.Event()  # It never rings; they only wait.
        self._served = threading.Event()
        self._threads = [
            threading.Thread(target=self._ask, args=(url,)) for url in urls for _ in range(each)
        ]

    def __enter__(self) -> Self:
        for each in self._threads:
            each.start()
        # Before somebody has been answered, nobody can be refused what he could have.
        assert self._served.wait(DEADLINE)
        return self

    def __exit__(self, _: object, error: BaseException | None, __: TracebackType | None) -> None:
        for each in self._threads:
            each.join(DEADLINE)

    def _ask(self, url: str) -> None:
        """Notes when each question was asked that was answered, and why the last one was not."""
        until = time.monotonic() + DEADLINE
        while (asked := time.monotonic()) < until:
            code = self._code(url)
            if code is not None:
                self.refused.append(code)
                return
            self.answered.append(asked)
            self._served.set()
            self._bell.wait(_PAUSE)

    def _code(self, url: str) -> str | None:
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=DEADLINE)
        headers = {"content-type": "application/json", "authorization": f"Bearer {self._token}"}
        try:
            connection.request("POST", parts.path, QUESTION, headers)
            answer = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        code: str | None = answer["errors"][0]["extensions"]["code"] if "errors" in answer else None
        return code
