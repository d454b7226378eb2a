from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx2
import pytest
from starlette.applications import Starlette

from crmkit import sdk, testing
from crmkit.app import create_app, routes
from crmkit.graph.endpoint import GraphQL
from crmkit.settings import Settings
from crmkit.testing import Trial, crm
from crmkit.testing.postgres import embedded_postgres
from crmkit.testing.trusting import trusting
from crmkit.values.errors import SetupError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crmkit.host.host import Host

pytestmark = pytest.mark.anyio


class Fragile(sdk.Plugin):
    name = "fragile"
    version = "1.0"

    async def health(self, app: Host) -> None:
        raise RuntimeError("The vase is broken.")


def client(t: Trial) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(Starlette(routes=routes(trusting(t.crm))))
    return httpx2.AsyncClient(transport=transport, base_url="http://crm")


@contextmanager
def closed(address: str) -> Iterator[None]:
    """Has PostgreSQL let nobody into a database for a while."""
    server, name = embedded_postgres(), address.partition("?")[0].rpartition("/")[2]
    server.run(
        f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false',
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()",
    )
    yield
    server.run(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')


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


async def test_whoever_comes_first_finds_an_engine_that_is_warm(engine: str) -> None:
    async with crm(engine=engine) as t:
        graphql = GraphQL(t.crm.schema, t.host)
        await testing.add_customers(t, ["Ada"])
        with t.statements() as sent:
            await graphql.warm()
    assert graphql.plans is not None
    assert (graphql.plans.misses, graphql.plans.hits, graphql.plans.alone) == (1, 1, 0)
    assert len(sent) == 4


async def test_an_app_warms_its_engine_before_it_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    warmed = []

    async def warm(graphql: GraphQL) -> None:
        warmed.append(graphql)

    monkeypatch.setattr(GraphQL, "warm", warm)
    async with crm() as t:
        core = {"database": {"url": t.host.settings.database.url}, "plugins": {"enabled": []}}
        app = create_app(Settings.model_validate(core))
        async with app.router.lifespan_context(app):
            assert len(warmed) == 1


async def test_nobody_is_ready_whose_plugin_is_not() -> None:
    async with crm(Fragile) as t, client(t) as http:
        answer = await http.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json()["problems"] == {"fragile": "The plugin fragile is not healthy."}


async def test_nobody_is_ready_whose_database_is_away() -> None:
    async with crm(engine="postgresql") as t, client(t) as http:
        with closed(t.host.settings.database.url):
            away = await http.get("/health/ready")
            alive = await http.get("/health/live")
        back = await http.get("/health/ready")
    assert (away.status_code, alive.status_code, back.status_code) == (503, 200, 200)
    assert away.json()["problems"] == {"database": "The database does not answer."}


def test_an_app_of_plugins_that_do_not_fit_is_not_made() -> None:
    settings = Settings.model_validate(
        {"profile": "production", "secret": "x" * 32, "plugins": {"enabled": ["nobody"]}}
    )
    with pytest.raises(SetupError, match="nobody"):
        create_app(settings)
