"""A provider that sends nothing, for tests and for a try: `python -m acme_sms.fake`."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable

TOKEN = "sesame"  # noqa: S105  nobody's secret


class FakeProvider(ThreadingHTTPServer):
    """Takes messages at a port of this machine; of those with one key it sends one."""

    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.sent: dict[str, dict[str, Any]] = {}
        """What it sent, by the keys."""
        self.asked: list[str] = []
        """The keys of all that it was asked, in their order."""
        self.answers: list[int] = []
        """What it answers next; whatever comes after these it takes."""
        self.meanwhile: Callable[[], None] = lambda: None
        """What happens before it answers."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/messages"

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}).start()
        return self

    def __exit__(self, *error: object) -> None:
        self.shutdown()
        self.server_close()

    def take(self, key: str, message: dict[str, Any]) -> int:
        """Takes a message, or answers what it was told to, and returns the status."""
        self.asked.append(key)
        self.meanwhile()
        status = self.answers.pop(0) if self.answers else 201
        if status == 201:
            self.sent.setdefault(key, message)
        return status


class _Handler(BaseHTTPRequestHandler):
    server: FakeProvider

    def do_POST(self) -> None:
        key = self.headers["Idempotency-Key"]
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        known = self.headers["Authorization"] == f"Bearer {TOKEN}"
        status = self.server.take(key, message) if known else 401
        self._answer(status, {"id": f"fake-{key[-8:]}"} if status == 201 else {"error": status})

    def do_GET(self) -> None:
        there = self.path.rpartition("/")[2] in self.server.sent
        self._answer(200 if there else 404, {"state": "delivered"} if there else {})

    def _answer(self, status: int, said: dict[str, Any]) -> None:
        body = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing: what it is told is about people."""


if __name__ == "__main__":
    provider = FakeProvider(8025)
    print(f"url = {provider.url!r}\ntoken = {TOKEN!r}")
    provider.serve_forever()
