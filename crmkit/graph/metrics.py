"""Numbers of all requests together, for Prometheus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from starlette.responses import Response
from starlette.routing import Route

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from crmkit.graph.observers import Note
    from crmkit.settings import Settings

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """Counts requests by what they were, and times plugins; names of operations are too many."""

    def __init__(self) -> None:
        self._kept = kept = CollectorRegistry()
        self._requests = Counter("crmkit_requests", "Requests.", ["kind", "status"], registry=kept)
        self._seconds = Histogram(
            "crmkit_request_seconds", "Time to answer.", ["kind"], buckets=_SECONDS, registry=kept
        )
        self._statements = Counter("crmkit_statements", "Statements.", ["kind"], registry=kept)
        self._plans = Counter("crmkit_plans", "Plans, hit or made.", ["plan"], registry=kept)
        self._calls = Histogram(
            "crmkit_call_seconds",
            "Time of statements and of functions of plugins.",
            ["plugin", "what"],
            buckets=_SECONDS,
            registry=kept,
        )

    @classmethod
    def of(cls, settings: Settings) -> Self:
        return cls()

    def answered(self, note: Note, headers: Mapping[bytes, bytes]) -> None:
        kind = note.kind or "none"
        self._requests.labels(kind, str(note.status)).inc()
        self._seconds.labels(kind).observe(note.seconds)
        self._statements.labels(kind).inc(note.statements)
        if note.plan:
            self._plans.labels(note.plan).inc()
        for each in note.calls or ():
            self._calls.labels(each.plugin, each.what).observe(each.seconds)

    def routes(self) -> list[Route]:
        """Where Prometheus asks."""
        return [Route("/metrics", self._show)]

    async def _show(self, request: Request) -> Response:
        return Response(generate_latest(self._kept), headers={"content-type": _TYPE})
