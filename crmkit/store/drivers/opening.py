"""The address in the settings decides which database is opened."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from crmkit.store.drivers.database import dialect_of
from crmkit.store.drivers.sqlite import Sqlite
from crmkit.values.errors import SetupError

if TYPE_CHECKING:
    from crmkit.settings import DatabaseSettings
    from crmkit.store.drivers.database import Database
    from crmkit.store.drivers.postgres import Postgres
    from crmkit.store.drivers.replicated import Replicated


async def open_database(settings: DatabaseSettings, *, alone: bool = False) -> Database:
    """Opens the database that the settings name.

    Args:
        settings: What the operator says.
        alone: Whether one asks and nobody else waits, and begins anew after a power cut: then
            SQLite has the thread of the loop, where what takes too long is not stopped, and
            waits for the disk when it is closed.

    Raises:
        SetupError: The address is neither SQLite's nor PostgreSQL's, or SQLite has a replica.
        Unavailable: Nobody answers there.
    """
    if dialect_of(settings.url).name == "sqlite":
        if settings.replica_url:
            raise SetupError("database.replica_url wants PostgreSQL; SQLite has no standby.")
        return await Sqlite.open(settings, alone=alone)
    kind = _replicated() if settings.replica_url else _postgres()
    return await kind.open(settings)


# Whoever has SQLite does without asyncpg, which takes a start longer than all of SQLite does.


def _postgres() -> type[Postgres]:
    found: type[Postgres] = import_module("crmkit.store.drivers.postgres").Postgres
    return found


def _replicated() -> type[Replicated]:
    found: type[Replicated] = import_module("crmkit.store.drivers.replicated").Replicated
    return found
