from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from crmkit.app import load_plugins
from crmkit.host import migrations
from crmkit.settings import Settings
from crmkit.testing.databases import databases
from tests.processes.servers import Server, environment, served


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> str:
    """Servers take seconds to start, so all tests of an engine share them."""
    engine: str = request.param
    return engine


@pytest.fixture(scope="session")
def servers(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Server]]:
    """One server on SQLite, two on PostgreSQL, on one migrated database."""
    folder = tmp_path_factory.mktemp("servers")
    address, plugins = databases().empty(engine), ("orders", "loyalty")
    around = environment(address, *plugins)
    settings = Settings.model_validate({"plugins": {"enabled": plugins}})
    migrations.upgrade(address, load_plugins(settings))
    with ExitStack() as stack:
        count = 1 if engine == "sqlite" else 2
        yield [stack.enter_context(served(around, folder)) for _ in range(count)]


@pytest.fixture
def urls(servers: list[Server]) -> list[str]:
    """The addresses of their endpoints."""
    return [each.url for each in servers]
