"""The address in the settings decides which database is opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmkit.store.drivers.database import dialect_of
from crmkit.store.drivers.postgres import Postgres
from crmkit.store.drivers.sqlite import Sqlite

if TYPE_CHECKING:
    from crmkit.settings import DatabaseSettings
    from crmkit.store.drivers.database import Database


async def open_database(settings: DatabaseSettings) -> Database:
    """Opens the database that the settings name.

    Raises:
        SetupError: The address is neither SQLite's nor PostgreSQL's.
        Unavailable: Nobody answers there.
    """
    if dialect_of(settings.url).name == "sqlite":
        return await Sqlite.open(settings)
    return await Postgres.open(settings)
