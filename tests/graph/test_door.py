from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest

from crmkit.graph.endpoint import GraphQL
from crmkit.testing import Trial, add_customers, crm
from crmkit.testing.trusting import trusting
from crmkit.values.errors import SetupError
from tests.graph.conftest import served, stranger
from tests.graph.hanging import HANGS, Hanging

pytestmark = pytest.mark.anyio

COUNT = "{ customers { totalCount } }"
HANG = "{ customers { nodes { hanging } } }"
ASKED = {"apollo-require-preflight": "true"}
PRODUCTION = {"profile": "production", "secret": "s" * 32}
LEAVE = {"type": "http.disconnect"}


def body(document: str) -> dict[str, Any]:
    return {"type": "http.request", "body": orjson.dumps({"query": document})}


async def send_to(t: Trial, *messages: dict[str, Any]) -> Sequence[dict[str, Any]]:
    """Sends these messages as a server would, then waits; returns what it sends back."""
    left, sent = list(messages), list[dict[str, Any]]()

    async def receive() -> dict[str, Any]:
        return left.pop(0) if left else await asyncio.Future()

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "headers": headers, "query_string": b""}
    endpoint = GraphQL(t.crm.schema, t.host, sign_in=trusting(t.crm).sign_in)
    await endpoint(scope, receive, send)
    return sent


# -- addresses that ask -----------------------------------------------------------------


@pytest.mark.parametrize("header", ["apollo-require-preflight", "x-apollo-operation-name"])
async def test_a_query_may_stand_in_the_address(http: httpx2.AsyncClient, header: str) -> None:
    document = "query A($n: Int) { customers(first: $n) { nodes { id } } } query B { __typename }"
    asked = {"query": document, "operationName": "A", "variables": '{"n": 3}', "extensions": "{}"}
    answer = await http.get("/graphql", params=asked, headers={header: "yes"})
    assert (answer.status_code, answer.json()) == (200, {"data": {"customers": {"nodes": []}}})


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 400),
        ({"accept": "application/graphql-response+json"}, 400),
        ({"sec-fetch-mode": "no-cors", "sec-fetch-site": "cross-site"}, 400),
        ({"sec-fetch-mode": "navigate"}, 400),
        ({"sec-fetch-mode": "cors", "origin": "https://evil.example"}, 400),
        ({"sec-fetch-mode": "cors", "origin": "null"}, 400),
        ({"sec-fetch-mode": "cors"}, 200),
        ({"sec-fetch-mode": "cors", "origin": "https://crm.example"}, 200),
    ],
)
async def test_an_address_asks_only_where_no_other_site_can_have_sent_it(
    headers: dict[str, str], status: int
) -> None:
    async with served(server={"origins": ["https://crm.example"]}, **PRODUCTION) as (http, _):
        answer = await http.get("/graphql", params={"query": COUNT}, headers=headers)
    assert answer.status_code == status


@pytest.mark.parametrize(
    "query",
    ["", "query=", "query=%ff", "query=a&query=b", "query={a}&variables=[]", "query={a}&variables={",
     "query={a}&extensions=7", "query={a}&operationName=A&1=&2=&3=&4=&5="],
)  # fmt: skip
async def test_an_address_that_is_no_request_is_refused_with_a_sentence(
    http: httpx2.AsyncClient, query: str
) -> None:
    answer = await http.get(f"/graphql?{query}", headers=ASKED)
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (
        400,
        "INVALID",
    )


async def test_an_address_changes_nothing(http: httpx2.AsyncClient) -> None:
    document = 'mutation { createCustomer(input: {name: "A"}) { customer { id } } }'
    answer = await http.get("/graphql", params={"query": document}, headers=ASKED)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")
    assert answer.json()["errors"][0]["extensions"]["reason"] == "http.method"
    assert (await http.get("/graphql", params={"query": COUNT}, headers=ASKED)).json() == {
        "data": {"customers": {"totalCount": 0}}
    }


# -- what a body may be -----------------------------------------------------------------


@pytest.mark.parametrize("nested", ['{"and": [%s]}', "[%s]", '{"not": %s}'])
async def test_variables_nest_as_deep_as_anybody_means_them_to(
    http: httpx2.AsyncClient, nested: str
) -> None:
    value = "{}"
    for _ in range(200):
        value = nested % value
    document = "query ($w: CustomerWhere) { customers(where: $w) { totalCount } }"
    said = f'{{"query": "{document}", "variables": {{"w": {value}}}}}'
    answer = await http.post("/graphql", content=said, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["extensions"]["code"] == "QUERY_TOO_COMPLEX"


async def test_a_body_that_does_not_arrive_is_not_waited_for() -> None:
    half = {"type": "http.request", "body": b'{"query":', "more_body": True}
    async with served(server={"body_seconds": 0.01}) as (_, t):
        start, said = await send_to(t, half)
    assert (start["status"], (b"connection", b"close") in start["headers"]) == (408, True)
    reason = orjson.loads(said["body"])["errors"][0]["extensions"]["reason"]
    assert reason == "http.body_too_slow"


async def test_nobody_is_answered_who_leaves_before_he_has_asked(t: Trial) -> None:
    half = {"type": "http.request", "body": b'{"query":', "more_body": True}
    assert await send_to(t, half, LEAVE) == []


# -- time -------------------------------------------------------------------------------


async def test_an_operation_that_takes_too_long_is_stopped() -> None:
    async with served(Hanging, graphql={"operation_seconds": 1}) as (http, t):
        # Nobody is there yet, but the plan is made: the time is for the work alone.
        assert (await http.post("/graphql", json={"query": HANG})).status_code == 200
        await add_customers(t, ["Ada"])
        answer = await http.post("/graphql", json={"query": HANG})
        [error] = answer.json()["errors"]
        assert (answer.status_code, error["extensions"]) == (504, {"code": "TIMEOUT"})
        assert "than 1 seconds" in error["message"]
        assert HANGS[-1].stopped.is_set()
        assert (await http.post("/graphql", json={"query": COUNT})).status_code == 200


async def test_a_mutation_that_was_stopped_says_how_to_learn_what_became_of_it() -> None:
    document = 'mutation { hangOn(input: {name: "Ada"}) { name } }'
    async with served(Hanging, graphql={"operation_seconds": 0.05}) as (http, _):
        answer = await http.post("/graphql", json={"query": document})
    assert "idempotencyKey" in answer.json()["errors"][0]["message"]


async def test_work_is_stopped_for_whom_nobody_waits() -> None:
    async with served(Hanging) as (_, t):
        await add_customers(t, ["Ada"])
        assert await send_to(t, body(HANG), LEAVE) == []
        assert HANGS[-1].stopped.is_set()


# -- other origins ----------------------------------------------------------------------


async def ask_from(http: httpx2.AsyncClient, origin: str) -> str | None:
    asked = {"origin": origin, "access-control-request-method": "POST"}
    preflight = await http.options(
        "/graphql", headers={**asked, "access-control-request-headers": "content-type"}
    )
    answer = await http.post("/graphql", json={"query": COUNT}, headers={"origin": origin})
    allowed = [
        each.headers.get("access-control-allow-origin")
        for each in (preflight, answer)
        if each.status_code == 200
    ]
    return allowed[-1] if len(allowed) == 2 else None


async def test_pages_of_the_origins_in_the_settings_may_read_answers() -> None:
    async with served(server={"origins": ["https://crm.example"]}, **PRODUCTION) as (http, _):
        assert await ask_from(http, "https://crm.example") == "https://crm.example"
        assert await ask_from(http, "https://evil.example") is None
        assert await ask_from(http, "http://localhost:3000") is None


async def test_in_development_pages_of_this_machine_may(http: httpx2.AsyncClient) -> None:
    assert await ask_from(http, "http://localhost:3000") == "http://localhost:3000"
    assert await ask_from(http, "http://localhost.evil.example") is None


async def test_what_every_page_may_read_no_page_reads_with_a_sign_in() -> None:
    async with served(server={"origins": ["*"]}, **PRODUCTION) as (http, _):
        answer = await http.post("/graphql", json={"query": COUNT}, headers={"origin": "http://x"})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers


# -- documents that are known -----------------------------------------------------------


@pytest.fixture
def manifest(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A file with this text, or with one document."""
    file = tmp_path / "documents.json"
    file.write_text(getattr(request, "param", f'{{"count": "{COUNT}"}}'))
    return file


async def test_enforced_only_documents_of_the_manifest_run(manifest: Path) -> None:
    async with served(graphql={"documents": "enforce", "manifest": manifest}) as (http, t):
        known = await http.post("/graphql", json={"documentId": "count"})
        assert known.json() == {"data": {"customers": {"totalCount": 0}}}
        with t.statements() as sent:
            for said in (
                {"query": COUNT},
                {"documentId": "other"},
                {"documentId": "count", "query": "{ a }"},
            ):
                headers = {"accept": "application/graphql-response+json"}
                answer = await http.post("/graphql", json=said, headers=headers)
                [error] = answer.json()["errors"]
                assert answer.status_code == 400
                assert error["extensions"]["reason"] == "graphql.unknown_document"
    assert sent == []


APOLLO = f'{{"operations": [{{"id": "a", "body": "{COUNT}", "name": "A"}}]}}'


@pytest.mark.parametrize("manifest", [APOLLO], indirect=True)
async def test_a_manifest_of_apollo_is_read_and_queries_run_beside_it(manifest: Path) -> None:
    async with served(graphql={"manifest": manifest}) as (http, _):
        for said in ({"documentId": "a"}, {"query": COUNT}):
            assert "errors" not in (await http.post("/graphql", json=said)).json()


@pytest.mark.parametrize(
    "manifest", ["", "[]", '{"a": 7}', '{"operations": [{"id": "a"}]}'], indirect=True
)
async def test_a_manifest_that_cannot_be_read_stops_the_start(manifest: Path) -> None:
    with pytest.raises(SetupError, match="manifest"):
        async with served(graphql={"manifest": manifest}):
            pass


# -- profiles ---------------------------------------------------------------------------


async def test_production_suggests_nothing_and_tells_nothing_of_the_schema() -> None:
    async with crm(**PRODUCTION) as t, stranger(t) as http:
        wrong = await http.post("/graphql", json={"query": "{ customer { nodes { id } } }"})
        asked = await http.post("/graphql", json={"query": "{ __schema { queryType { name } } }"})
        document = "query ($w: CustomerWhere) { customers(where: $w) { totalCount } }"
        given = {"query": document, "variables": {"w": {"nam": {"eq": "A"}}}}
        wrong_variable = await http.post("/graphql", json=given)
        typename = await http.post("/graphql", json={"query": "{ __typename }"})
        assert (await http.get("/graphiql")).status_code == 404
    assert "Did you mean" not in wrong.text + wrong_variable.text
    assert "introspection" in asked.json()["errors"][0]["message"]
    assert typename.json() == {"data": {"__typename": "Query"}}


async def test_development_suggests_and_a_setting_may_open_the_schema_in_production(
    http: httpx2.AsyncClient,
) -> None:
    wrong = await http.post("/graphql", json={"query": "{ customer { nodes { id } } }"})
    assert "Did you mean 'customers'?" in wrong.text
    async with served(graphql={"introspection": True}, **PRODUCTION) as (client, _):
        asked = await client.post("/graphql", json={"query": "{ __schema { queryType { name } } }"})
    assert "errors" not in asked.json()
