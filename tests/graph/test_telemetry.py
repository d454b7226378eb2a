from __future__ import annotations

import sys
from collections.abc import AsyncIterator

import httpx2
import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from crmkit.graph.endpoint import GraphQL
from crmkit.graph.traces import Traces
from crmkit.testing import Trial, add_customers, crm
from crmkit.testing.trusting import trusting
from crmkit.values.errors import SetupError
from tests.engine.zoo import Zoo
from tests.graph.conftest import served

pytestmark = pytest.mark.anyio

MOODS = """query Moods {
  customers { nodes { zooAnimals { nodes { name mood } } zooFavourite { name } } }
}"""
TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
async def t() -> AsyncIterator[Trial]:
    async with crm(Zoo) as t:
        await add_customers(t, ["Ada"])
        yield t


async def test_prometheus_is_told_of_requests_and_of_what_each_plugin_took() -> None:
    async with served(Zoo, telemetry={"metrics": True}) as (http, t):
        await add_customers(t, ["Ada"])
        for query in (MOODS, MOODS, "{ nothing }"):
            await http.post("/graphql", json={"query": query})
        said = (await http.get("/metrics")).text.splitlines()
    assert 'crmkit_requests_total{kind="query",status="200"} 2.0' in said
    assert 'crmkit_requests_total{kind="none",status="200"} 1.0' in said
    assert 'crmkit_plans_total{plan="made"} 1.0' in said
    assert 'crmkit_plans_total{plan="hit"} 1.0' in said
    assert 'crmkit_call_seconds_count{plugin="zoo",what="favourites"} 2.0' in said
    assert not any("Moods" in line or "Ada" in line for line in said)


async def test_nobody_is_told_unless_it_is_wanted(t: Trial) -> None:
    async with served() as (http, _):
        assert (await http.get("/metrics")).status_code == 404


async def test_a_trace_goes_on_in_the_request_its_statements_and_its_plugins(t: Trial) -> None:
    kept = InMemorySpanExporter()
    traces = Traces(kept)
    sign_in = trusting(t.crm).sign_in
    endpoint = GraphQL(t.crm.schema, t.host, observers=[traces], sign_in=sign_in)
    transport = httpx2.ASGITransport(endpoint)
    async with httpx2.AsyncClient(transport=transport, base_url="http://crm") as http:
        parent = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
        await http.post("/", json={"query": MOODS}, headers=parent)
    traces.flush()
    spans = kept.get_finished_spans()
    [request] = [each for each in spans if each.name == "query Moods"]
    assert _ids(request) == (int(TRACE, 16), 0xB7AD6B7169203331)
    below = [each for each in spans if each is not request]
    assert {each.name for each in below} == {"crmkit read", "zoo favourites"}
    assert {_ids(each) for each in below} == {(int(TRACE, 16), request.context.span_id)}
    assert "Ada" not in "".join(each.to_json() for each in spans)


def _ids(span: ReadableSpan) -> tuple[int, int]:
    """Of the trace, and of the span above."""
    assert span.parent is not None
    return span.context.trace_id, span.parent.span_id


async def test_what_is_wanted_and_not_installed_stops_the_start_with_the_cure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter", None)
    with pytest.raises(SetupError, match=r"pip install 'crmkit\[telemetry\]'"):
        async with served(telemetry={"traces": True}):
            pass
