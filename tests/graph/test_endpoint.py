from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import httpx2

    from crmkit.testing import Trial

pytestmark = pytest.mark.anyio

COUNT = "{ customers { totalCount } }"
JSON = {"content-type": "application/json"}


async def test_a_query_is_answered(http: httpx2.AsyncClient) -> None:
    answer = await http.post("/graphql", json={"query": COUNT})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.json() == {"data": {"customers": {"totalCount": 0}}}


async def test_variables_and_the_name_of_the_operation_reach_the_schema(
    http: httpx2.AsyncClient,
) -> None:
    document = "query A($n: Int) { customers(first: $n) { nodes { id } } } query B { __typename }"
    asked = {"query": document, "operationName": "A", "variables": {"n": 3}, "extensions": {}}
    answer = await http.post("/graphql", json=asked)
    assert answer.json() == {"data": {"customers": {"nodes": []}}}


@pytest.mark.parametrize(
    ("accept", "kind", "status"),
    [
        ("application/graphql-response+json", "application/graphql-response+json", 400),
        ("text/html, application/graphql-response+json;q=0.9", "application/graphql-response+json", 400),
        ("application/json", "application/json", 200),
        ("*/*", "application/json", 200),
        ("", "application/json", 200),
    ],
)  # fmt: skip
async def test_a_request_that_ran_nothing_fails_in_the_media_type_that_can_say_so(
    http: httpx2.AsyncClient, accept: str, kind: str, status: int
) -> None:
    answer = await http.post("/graphql", json={"query": "{ nothing }"}, headers={"accept": accept})
    assert (answer.status_code, answer.headers["content-type"]) == (
        status,
        f"{kind}; charset=utf-8",
    )
    assert "data" not in answer.json()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"7",
        b'"query"',
        b"[]",
        b'[{"query": "{ __typename }"}]',
        b"{}",
        b'{"query": null}',
        b'{"query": 7}',
        b'{"query": ["{ __typename }"]}',
        b'{"query": "{ __typename }", "variables": []}',
        b'{"query": "{ __typename }", "variables": "{}"}',
        b'{"query": "{ __typename }", "operationName": 7}',
        b'{"query": "{ __typename }", "extensions": 7}',
        b'{"query": "\xff"}',
        b'{"query": "\\ud800"}',
        b'\xef\xbb\xbf{"query": "{ __typename }"}',
        '{"query": "{ __typename }"}'.encode("utf-16"),
        b'{"query": "{ __typename }", "variables": {"n": NaN}}',
        b'{"query": "{ __typename }", "variables": {"n": ' + b"9" * 5000 + b"}}",
        b'{"query": "{ __typename }", "variables": ' + b'{"a":' * 50_000 + b"1" + b"}" * 50_001,
        b'{"query": "{ __typename }",}',
        b"{'query': '{ __typename }'}",
    ],
)
async def test_a_body_that_is_no_request_is_refused_with_a_sentence(
    http: httpx2.AsyncClient, body: bytes
) -> None:
    answer = await http.post("/graphql", content=body, headers=JSON)
    [error] = answer.json()["errors"]
    assert answer.status_code == 400
    assert error["extensions"] == {"code": "INVALID", "reason": "http.body"}
    assert error["message"].endswith(".")


@pytest.mark.parametrize(
    ("method", "headers", "status", "reason"),
    [
        ("GET", {}, 400, "http.cross_site"),
        ("GET", {"content-type": "text/plain"}, 400, "http.cross_site"),
        ("PUT", JSON, 405, "http.method"),
        ("POST", {}, 415, "http.content_type"),
        ("POST", {"content-type": "text/plain"}, 415, "http.content_type"),
        ("POST", {"content-type": "application/x-www-form-urlencoded"}, 415, "http.content_type"),
        ("POST", {"content-type": "application/json; charset=latin1"}, 415, "http.charset"),
    ],
)
async def test_what_a_form_of_another_site_could_send_is_refused(
    http: httpx2.AsyncClient, method: str, headers: dict[str, str], status: int, reason: str
) -> None:
    body = b'{"query": "{ __typename }"}'
    answer = await http.request(method, "/graphql", content=body, headers=headers)
    assert answer.status_code == status
    assert answer.json()["errors"][0]["extensions"]["reason"] == reason


async def test_a_charset_of_utf_8_may_be_said(http: httpx2.AsyncClient) -> None:
    headers = {"content-type": 'Application/JSON; charset="UTF-8"'}
    answer = await http.post("/graphql", content=b'{"query": "{ __typename }"}', headers=headers)
    assert answer.json() == {"data": {"__typename": "Query"}}


async def test_a_body_of_more_than_a_mebibyte_is_not_read_to_its_end(
    http: httpx2.AsyncClient,
) -> None:
    answer = await http.post("/graphql", content=b" " * (1024 * 1024 + 1), headers=JSON)
    assert answer.status_code == 413
    assert answer.json()["errors"][0]["extensions"]["reason"] == "http.body_too_large"


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ("{", "graphql.syntax"),
        ("", "graphql.syntax"),
        ("{ nothing }", "graphql.validation"),
        ("query ($n: Int!) { customers(first: $n) { totalCount } }", "graphql.validation"),
        ("query A { __typename } query B { __typename }", "graphql.validation"),
    ],
)
async def test_a_document_that_cannot_run_says_why_and_where(
    t: Trial, document: str, reason: str
) -> None:
    errors = await t.errors(document)
    assert errors[0]["extensions"] == {"code": "INVALID", "reason": reason}
    assert "path" not in errors[0]


async def test_a_failure_tells_its_code_its_path_and_every_problem(t: Trial) -> None:
    [error] = await t.errors(
        'mutation { made: createCustomer(input: {name: " ", emails: [{address: "x"}]}) { customer { id } } }'
    )
    extensions: dict[str, Any] = error["extensions"]
    assert (error["path"], extensions["code"]) == (["made"], "INVALID")
    assert {tuple(each["field"]) for each in extensions["problems"]} >= {
        ("input", "emails", 0, "address")
    }
