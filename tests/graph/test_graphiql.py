from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING

import httpx2
import pytest
from starlette.applications import Starlette

from crmkit.app import routes
from crmkit.graph.graphiql import pages
from crmkit.testing import Trial, add_customers, crm
from crmkit.testing.trusting import trusting
from crmkit_loyalty.plugin import Loyalty
from crmkit_orders.plugin import Orders

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio

FILES = {
    "graphiql.css": "text/css",
    "graphiql.min.js": "text/javascript",
    "icon.svg": "image/svg+xml",
    "page.css": "text/css",
    "page.js": "text/javascript",
    "react-dom.production.min.js": "text/javascript",
    "react.production.min.js": "text/javascript",
}
ADDRESSES = {"": "text/html", **{f"/{name}": kind for name, kind in FILES.items()}}


def directives(answer: httpx2.Response) -> dict[str, list[str]]:
    said = answer.headers["content-security-policy"].split("; ")
    return {name: sources for name, *sources in map(str.split, said)}


@pytest.mark.parametrize(("address", "kind"), ADDRESSES.items())
async def test_what_the_page_needs_is_served_and_may_load_nothing_from_elsewhere(
    http: httpx2.AsyncClient, address: str, kind: str
) -> None:
    answer = await http.get(f"/graphiql{address}")
    assert (answer.status_code, answer.content != b"") == (200, True)
    assert answer.headers["content-type"] == f"{kind}; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    policy = directives(answer)
    assert policy.pop("default-src") == ["'self'"]
    assert {policy.pop(each)[0] for each in ("base-uri", "form-action", "frame-ancestors")} == {
        "'none'"
    }
    # Neither another host nor code that stands in the page.
    assert set(policy) == {"font-src", "img-src", "style-src"}
    for source in (source for sources in policy.values() for source in sources):
        assert re.fullmatch(r"'self'|data:|'sha256-[\w+/]{43}='", source)


async def test_the_page_names_the_files_that_are_served_and_runs_no_code_of_its_own(
    http: httpx2.AsyncClient,
) -> None:
    page = (await http.get("/graphiql")).text
    named = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert set(named) == {f"graphiql/{name}" for name in FILES}
    assert re.search(r"<script(?![^>]* src=)|<style| style=| on\w+=|//", page) is None


@pytest.mark.parametrize("address", ADDRESSES)
async def test_a_browser_that_has_a_file_is_not_sent_it_again(
    http: httpx2.AsyncClient, address: str
) -> None:
    first = await http.get(f"/graphiql{address}")
    etag = first.headers["etag"]
    assert first.headers["cache-control"] == "no-cache"
    for known in (etag, f"W/{etag}", f'"other", {etag}'):
        again = await http.get(f"/graphiql{address}", headers={"if-none-match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    changed = await http.get(f"/graphiql{address}", headers={"if-none-match": '"other"'})
    assert (changed.status_code, changed.content) == (200, first.content)


@pytest.mark.parametrize("address", ADDRESSES)
async def test_head_tells_what_get_would_answer(http: httpx2.AsyncClient, address: str) -> None:
    whole = await http.get(f"/graphiql{address}")
    head = await http.head(f"/graphiql{address}")
    assert (head.status_code, head.content, head.headers) == (200, b"", whole.headers)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("address", ["", "/page.js"])
async def test_nothing_can_be_sent_there(
    http: httpx2.AsyncClient, method: str, address: str
) -> None:
    answer = await http.request(method, f"/graphiql{address}")
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}


@pytest.mark.parametrize(
    "name",
    [
        "pages.py",
        "page.html",
        ".stamp",
        "LICENSE.react",
        "fetched",
        "fetched/graphiql.css",
        "npm/package.json",
        "../graphiql/pages.py",
        "..%2fpages.py",
        "%2e%2e/endpoint.py",
        "..%2fgraphiql.css",
        "..\\pages.py",
        "page.js%00",
        "PAGE.JS",
        "//page.js",
    ],
)
async def test_no_other_file_is_served(http: httpx2.AsyncClient, name: str) -> None:
    answer = await http.get(f"/graphiql/{name}")
    assert answer.status_code == 404


@pytest.mark.parametrize("address", ADDRESSES)
async def test_production_has_no_such_page(address: str) -> None:
    async with crm(profile="production", secret="x" * 32) as t:
        transport = httpx2.ASGITransport(Starlette(routes=routes(trusting(t.crm))))
        async with httpx2.AsyncClient(transport=transport, base_url="http://crm") as http:
            assert (await http.get(f"/graphiql{address}")).status_code == 404


@pytest.mark.parametrize("address", ["", "/react.production.min.js"])
async def test_files_that_were_not_fetched_are_said_until_they_are(
    http: httpx2.AsyncClient, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched = pages.FETCHED
    monkeypatch.setattr(pages, "FETCHED", tmp_path)
    answer = await http.get(f"/graphiql{address}")
    assert (answer.status_code, answer.headers["content-type"]) == (
        503,
        "text/plain; charset=utf-8",
    )
    assert "make graphiql" in answer.text
    for path in fetched.iterdir():
        (tmp_path / path.name).symlink_to(path)
    assert (await http.get(f"/graphiql{address}")).status_code == 200


async def shown(t: Trial) -> str:
    """The operation that the page opens with."""
    transport = httpx2.ASGITransport(Starlette(routes=routes(trusting(t.crm))))
    async with httpx2.AsyncClient(transport=transport, base_url="http://crm") as http:
        page = (await http.get("/graphiql")).text
    [written] = re.findall(r'<template id="example">(.*)</template>', page, re.DOTALL)
    return unescape(written)


async def test_it_opens_with_a_query_that_selects_a_field_of_each_plugin(engine: str) -> None:
    async with crm(Orders, Loyalty, engine=engine) as t:
        await add_customers(t, [f"Ada {n}" for n in range(6)])
        found = (await t.gql(await shown(t)))["customers"]
        assert (found["totalCount"], len(found["nodes"])) == (6, 5)
        assert found["nodes"][0].keys() == {"name", "stage", "orderCount", "loyaltyPoints"}


async def test_the_query_names_fields_as_the_operator_does() -> None:
    config = {"loyalty": {"rename": {"Customer.loyaltyPoints": "stars"}}}
    async with crm(Loyalty, config=config) as t:
        await add_customers(t, ["Ada"])
        [customer] = (await t.gql(await shown(t)))["customers"]["nodes"]
        assert customer["stars"] == "0"


async def test_without_plugins_it_asks_for_what_there_is() -> None:
    async with crm() as t:
        await add_customers(t, ["Ada"])
        [customer] = (await t.gql(await shown(t)))["customers"]["nodes"]
        assert customer.keys() == {"name", "stage"}
