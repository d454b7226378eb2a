"""Fixtures: an app of chosen plugins on the test's database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy.sql.ddl import sort_tables

from crmkit.host.host import Host
from crmkit.host.loading import load
from crmkit.settings import DatabaseSettings
from crmkit.store.drivers import open_database
from crmkit.testing.databases import PATIENT, create_tables
from crmkit.values.clock import ManualClock
from tests.host.tiny import Core, settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from crmkit.host.manifest import Plugin


@pytest.fixture
async def open_host(database_url: str) -> AsyncIterator[Callable[..., Awaitable[Host]]]:
    """Opens an app of these plugins on the test's database, with the tables they need."""
    opened = []

    async def open_(*plugins: type[Plugin], **given: Any) -> Host:
        said = settings(profile="production", **given)
        loaded = load(said, extra=[Core, *plugins])
        database = await open_database(DatabaseSettings(url=database_url, **PATIENT))
        opened.append(database)
        tables = [table for each in loaded.plugins for table in each.tables]
        await create_tables(database, sort_tables(tables))
        return Host(said, database, ManualClock(), loaded)

    yield open_
    for each in opened:
        await each.close()
