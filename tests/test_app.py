from __future__ import annotations

from typing import TYPE_CHECKING

import httpx2
import pytest
from starlette.applications import Starlette

from crmkit import sdk
from crmkit.app import create_app, routes
from crmkit.settings import Settings
from crmkit.testing import Trial, crm
from crmkit.values.errors import SetupError

if TYPE_CHECKING:
    from crmkit.host.host import Host

pytestmark = pytest.mark.anyio


class Fragile(sdk.Plugin):
    name = "fragile"
    version = "1.0"

    async def health(self, app: Host) -> None:
        raise RuntimeError("The vase is broken.")


def client(t: Trial) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(Starlette(routes=routes(t.crm)))
    return httpx2.AsyncClient(transport=transport, base_url="http://crm")


async def test_who_lives_says_so_without_asking_the_database(engine: str) -> None:
    async with crm(engine=engine) as t, client(t) as http:
        with t.statements() as sent:
            answer = await http.get("/health/live")
    assert (answer.status_code, answer.json(), sent) == (200, {"status": "live"}, [])


async def test_who_is_ready_has_asked_the_database(engine: str) -> None:
    async with crm(engine=engine) as t, client(t) as http:
        with t.statements() as sent:
            answer = await http.get("/health/ready")
    assert (answer.status_code, answer.json(), len(sent)) == (200, {"status": "ready"}, 1)


async def test_nobody_is_ready_whose_plugin_is_not() -> None:
    async with crm(Fragile) as t, client(t) as http:
        answer = await http.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json()["problems"] == {"fragile": "The plugin fragile is not healthy."}


def test_an_app_of_plugins_that_do_not_fit_is_not_made() -> None:
    settings = Settings.model_validate(
        {"profile": "production", "secret": "x" * 32, "plugins": {"enabled": ["nobody"]}}
    )
    with pytest.raises(SetupError, match="nobody"):
        create_app(settings)
