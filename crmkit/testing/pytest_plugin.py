"""Fixtures: each test that asks for a database runs on both engines."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from crmkit.testing.postgres import embedded_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def pytest_sessionfinish() -> None:
    """Stops the server while pytest waits: a process of xdist is killed that takes long to exit."""
    if embedded_postgres.cache_info().currsize:
        embedded_postgres().stop()


@pytest.fixture
def anyio_backend() -> str:
    """Runs asynchronous tests on asyncio, as the server does."""
    return "asyncio"


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> str:
    """Runs a test once on SQLite and once on PostgreSQL."""
    return cast("str", request.param)


@pytest.fixture
def database_url(engine: str, tmp_path: Path) -> Iterator[str]:
    """The address of a new, empty database."""
    if engine == "sqlite":
        yield f"sqlite:///{tmp_path / 'crmkit.db'}"
        return
    server = embedded_postgres()
    address = server.new_database()
    yield address
    server.drop(address)
