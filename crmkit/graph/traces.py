"""Spans of each request, of its statements and of the functions of plugins, for OpenTelemetry."""

from __future__ import annotations

import os
import time
from importlib import import_module
from typing import TYPE_CHECKING, Self

from opentelemetry.propagate import extract
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import SpanKind, StatusCode, set_span_in_context

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.routing import Route

    from crmkit.graph.observers import Note
    from crmkit.settings import Settings

_EXPORTER = "opentelemetry.exporter.otlp.proto.http.trace_exporter"


class Traces:
    """Makes spans of a request when it is over, so that none is made while it runs."""

    def __init__(self, exporter: SpanExporter) -> None:
        name = os.environ.get("OTEL_SERVICE_NAME", "crmkit")
        resource = Resource.create({SERVICE_NAME: name})
        self._provider = TracerProvider(resource=resource)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("crmkit")

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Sends spans where OTEL_EXPORTER_OTLP_ENDPOINT says."""
        return cls(import_module(_EXPORTER).OTLPSpanExporter())

    def answered(self, note: Note, headers: Mapping[bytes, bytes]) -> None:
        parent = {name: headers.get(name.encode(), b"").decode("latin-1") for name in _PARENTS}
        zero = time.time_ns() - time.perf_counter_ns()
        span = self._tracer.start_span(
            f"{note.kind} {note.operation or ''}".strip() if note.kind else "request",
            extract({name: value for name, value in parent.items() if value}),
            SpanKind.SERVER,
            {
                "http.response.status_code": note.status,
                "graphql.operation.name": note.operation or "",
                "graphql.operation.type": note.kind or "",
                "crmkit.request_id": note.request_id,
                "crmkit.plan": note.plan or "",
                "crmkit.statements": note.statements,
            },
            start_time=zero + _nanoseconds(note.began),
        )
        if note.status >= 500:
            span.set_status(StatusCode.ERROR)
        within = set_span_in_context(span)
        for each in note.calls or ():
            child = self._tracer.start_span(
                f"{each.plugin} {each.what}",
                within,
                attributes={"crmkit.plugin": each.plugin},
                start_time=zero + _nanoseconds(each.began),
            )
            child.end(zero + _nanoseconds(each.began + each.seconds))
        span.end(zero + _nanoseconds(note.began + note.seconds))

    def routes(self) -> list[Route]:
        """Spans are sent, not asked for."""
        return []

    def flush(self) -> None:
        """Sends what has not been sent yet."""
        self._provider.force_flush()


_PARENTS = ("traceparent", "tracestate")


def _nanoseconds(seconds: float) -> int:
    return int(seconds * 1_000_000_000)
