from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crmkit.settings import DatabaseSettings
from crmkit.store.drivers import open_database
from crmkit.testing.databases import PATIENT
from tests.store.tables import create_tables

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from crmkit.store.drivers import Database


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = await open_database(DatabaseSettings(url=database_url, **PATIENT))
    await create_tables(opened)
    yield opened
    await opened.close()
