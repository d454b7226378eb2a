"""GraphiQL in a real browser: `make browser` brings what drives a Chromium of this machine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.request import Request, urlopen

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="needs Playwright: make browser")

playwright.expect.set_options(timeout=20_000)

if TYPE_CHECKING:
    from playwright.sync_api import Page

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)  # fmt: skip
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs a Chromium on this machine")

# What Chromium itself would ask its makers for.
QUIET = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
]
RESULT = ".result-window .CodeMirror"
CREATE = 'mutation { createCustomer(input: {name: "Ada Lovelace"}) { customer { id } } }'
TYPED = (
    'query Typed { customers(where: {name: {startsWith: "ada"}}) { nodes { name loyaltyPoints } } }'
)


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where `crmkit serve` serves one customer and all bundled plugins."""
    folder = tmp_path_factory.mktemp("served")
    crmkit = [sys.executable, "-m", "crmkit"]
    environment = {**os.environ, "CRMKIT_DATABASE__URL": f"sqlite:///{folder}/crm.db"}
    subprocess.run([*crmkit, "db", "upgrade"], cwd=folder, env=environment, check=True)
    serve = [*crmkit, "serve", "--port", "0"]
    with subprocess.Popen(
        serve, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stdout is not None
            said = server.stdout.readline()
            address = said.partition("/graphql,")[0].removeprefix("Serving at ")
            assert f"{address}/graphiql" in said
            body = json.dumps({"query": CREATE}).encode()
            asked = Request(f"{address}/graphql", body, {"content-type": "application/json"})
            with urlopen(asked) as answered:
                assert "errors" not in json.load(answered)
            yield address
        finally:
            server.terminate()


@contextmanager
def opened(origin: str, scheme: str = "light") -> Iterator[Page]:
    """The page, which must not complain and must not ask any other host for anything."""
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        page = browser.new_page(color_scheme=scheme)
        asked: list[str] = []
        complaints: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("websocket", lambda socket: asked.append(socket.url))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda line: complaints.append(line.text) if line.type == "error" else None,
        )
        page.goto(f"{origin}/graphiql")
        playwright.expect(page.locator(".graphiql-query-editor")).to_contain_text("loyaltyPoints")
        yield page
        browser.close()
    assert complaints == []
    assert f"{origin}/graphql" in asked
    assert [url for url in asked if not url.startswith((f"{origin}/", "data:"))] == []


def answer(page: Page, expected: str) -> str:
    """What stands in the result once this does."""
    playwright.expect(page.locator(RESULT)).to_contain_text(expected)
    return str(page.locator(RESULT).evaluate("shown => shown.CodeMirror.getValue()"))


def run(page: Page, name: str, operation: str) -> None:
    """Replaces what stands in the editor, and runs it once the page has taken notice."""
    page.locator(".graphiql-query-editor .CodeMirror").click()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(operation)
    playwright.expect(page.get_by_role("tab", name=name)).to_be_visible()
    page.keyboard.press("Control+Enter")


def test_the_query_it_opens_with_runs(origin: str) -> None:
    with opened(origin) as page:
        page.get_by_label("Execute query").click()
        assert '"name": "Ada Lovelace"' in answer(page, '"loyaltyPoints": "0"')


def test_a_query_that_is_typed_runs_and_so_does_a_wrong_one(origin: str) -> None:
    with opened(origin) as page:
        run(page, "Typed", TYPED)
        customer = {"name": "Ada Lovelace", "loyaltyPoints": "0"}
        assert json.loads(answer(page, "loyaltyPoints")) == {
            "data": {"customers": {"nodes": [customer]}}
        }
        run(page, "Wrong", "query Wrong { customers(first: -1) { nodes { id } } }")
        [error] = json.loads(answer(page, "INVALID"))["errors"]
        assert error["path"] == ["customers"]


def test_everything_on_the_page_can_be_opened(origin: str) -> None:
    with opened(origin, "dark") as page:
        assert page.evaluate("document.body.className") in {"", "graphiql-dark"}
        page.get_by_label("Show Documentation Explorer").click()
        documentation = page.locator(".graphiql-doc-explorer")
        page.locator(".graphiql-doc-explorer-search").click()
        page.keyboard.type("loyaltyP")
        playwright.expect(page.get_by_role("option").first).to_contain_text("loyaltyPoints")
        page.keyboard.press("Escape")
        documentation.get_by_role("link", name="Query", exact=True).click()
        documentation.get_by_role("link", name="customers", exact=True).click()
        playwright.expect(documentation).to_contain_text("CustomerConnection")
        page.get_by_label("Show History").click()
        for dialog in ("Open short keys dialog", "Open settings dialog"):
            page.get_by_label(dialog).click()
            playwright.expect(page.get_by_role("dialog")).to_be_visible()
            page.keyboard.press("Escape")
