"""What a server in production writes into its log."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
import structlog
from starlette.applications import Starlette

from crmkit.app import routes
from crmkit.cli.logs import log_json
from crmkit.testing import crm
from crmkit.testing.trusting import trusting
from tests.graph.test_errors import Breaking

pytestmark = pytest.mark.anyio

CANARY = "canary-7261"
SECRET = f"secret-{CANARY}-{'s' * 32}"
BREAK = "mutation Break($name: String!) { breakThings(input: {name: $name}) { name } }"
MAKE = """mutation Make($name: String!, $mail: String!) {
  createCustomer(input: {name: $name, emails: [{address: $mail}]}) { customer { id name } }
}"""


class Served:
    """A client, and the lines that its requests have left in the log."""

    def __init__(self, http: httpx2.AsyncClient, text: io.StringIO) -> None:
        self._http = http
        self._text = text

    async def lines(self) -> list[dict[str, Any]]:
        """What was written since somebody last looked, by the end of this turn."""
        await asyncio.sleep(0)
        return self.written()

    def written(self) -> list[dict[str, Any]]:
        """What was written since somebody last looked."""
        lines = self._text.getvalue().splitlines()
        self._text.seek(0)
        self._text.truncate()
        return [json.loads(line) for line in lines]

    async def ask(
        self, query: str, **variables: Any
    ) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        await self.lines()
        headers = {"authorization": f"Bearer {CANARY}"}
        said = {"query": query, "variables": variables}
        answer = await self._http.post("/graphql", json=said, headers=headers)
        return answer.json(), await self.lines()


@pytest.fixture
async def door() -> AsyncIterator[Served]:
    handlers, written = list(logging.root.handlers), io.StringIO()
    log_json(written)
    async with crm(Breaking, profile="production", secret=SECRET) as t:
        transport = httpx2.ASGITransport(Starlette(routes=routes(trusting(t.crm))))
        async with httpx2.AsyncClient(transport=transport, base_url="http://crm") as http:
            yield Served(http, written)
    logging.root.handlers[:] = handlers


async def test_a_request_is_one_line_of_names_and_numbers(door: Served) -> None:
    for plan in ("made", "hit"):
        _, [line] = await door.ask("query Count { customers { totalCount } }")
        assert re.fullmatch("request_[a-z0-9]{26}", line.pop("request_id"))
        assert isinstance(line.pop("ms"), float)
        assert re.fullmatch(r"[0-9-]+T[0-9:.]+Z", line.pop("timestamp"))
        assert line == {
            "event": "request",
            "level": "info",
            "actor": "system",
            "kind": "query",
            "operation": "Count",
            "plan": plan,
            "statements": 2,
            "status": 200,
        }


async def test_a_masked_error_is_found_by_its_id_with_its_places_and_its_plugin(
    door: Served,
) -> None:
    answer, lines = await door.ask(BREAK, name="vase")
    [line] = [each for each in lines if each["event"] == "unexpected error"]
    assert line["correlation_id"] == answer["errors"][0]["extensions"]["correlationId"]
    [told] = line["exception"]
    assert told["type"] == "builtins.RuntimeError"
    assert "break_things" in told["at"][-1]
    assert "plugin breaking" in " ".join(told["notes"])


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        (MAKE, {"name": CANARY, "mail": f"{CANARY}@example.com"}),
        (MAKE, {"name": CANARY, "mail": CANARY}),
        (MAKE, {"name": CANARY, "mail": {"wrong": CANARY}}),
        (BREAK, {"name": CANARY}),
        ("{ customers(where: {name: {eq: $name}}) { nodes { id } } }", {"name": CANARY}),
        ('{ customers(where: {name: {contains: "canary-7261"}}) { nodes { id } } }', {}),
        ('{ node(id: "canary-7261") { id } }', {}),
        ("{ customers(after: $name) { nodes { id } } }", {"name": CANARY}),
        ('{ canary(name: "canary-7261") }', {}),
        ('{ "canary-7261"', {}),
    ],
)
async def test_nobody_and_no_secret_stands_in_any_line(
    door: Served, query: str, variables: dict[str, Any]
) -> None:
    _, lines = await door.ask(query, **variables)
    assert lines
    assert CANARY not in json.dumps(lines)


async def test_what_libraries_log_is_json_too_and_says_no_values(
    door: Served,
) -> None:
    try:
        raise ValueError(CANARY)
    except ValueError:
        logging.getLogger("uvicorn.error").exception("Exception in ASGI application")
    [line] = await door.lines()
    assert (line["event"], line["logger"]) == ("Exception in ASGI application", "uvicorn.error")
    assert line["exception"][0]["type"] == "builtins.ValueError"
    assert CANARY not in json.dumps(line)


async def test_what_is_wrong_is_written_at_once_behind_what_was_said_before_it(
    door: Served,
) -> None:
    log = structlog.get_logger("crmkit.tests")
    log.info("first")
    log.info("second")
    assert door.written() == []
    log.error("third")
    log.info("fourth")
    assert [each["event"] for each in door.written()] == ["first", "second", "third"]
    assert [each["event"] for each in await door.lines()] == ["fourth"]


async def test_a_line_that_is_hard_to_write_loses_neither_itself_nor_others(door: Served) -> None:
    log = structlog.get_logger("crmkit.tests")
    log.info("before")
    log.info("odd", half="\ud800", number=2**70)
    log.info("after")
    before, odd, after = await door.lines()
    assert [before["event"], after["event"]] == ["before", "after"]
    assert (odd["event"], odd["half"], odd["number"]) == ("odd", "\ud800", 2**70)
