"""Connections for what changes tables: one transaction each, and one upgrade at a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Connection, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from crmkit.values.errors import SetupError

if TYPE_CHECKING:
    from sqlalchemy import Engine

T = TypeVar("T")

Work = Callable[[Connection], T]

_UPGRADE = 0x63726D6B6974
"""The advisory lock of PostgreSQL that whoever changes tables holds: `crmkit`."""

_HELD = frozenset({"55P03", "40P01"})
"""What PostgreSQL says of a lock that did not come free, and of one that never would."""


@dataclass(frozen=True)
class Patience:
    """How many seconds an upgrade goes on trying, and waits for one lock.

    Whoever waits to change a table is in the way of all who come after him, so after each
    try he steps aside.
    """

    whole: float = 60
    once: float = 2
    aside: float = 1


PATIENCE = Patience()


def connected(url: str, work: Work[T]) -> T:
    """Does some work in one transaction, on an engine that is gone afterwards."""
    if make_url(url).get_backend_name() == "sqlite":
        return _on_sqlite(url, work)
    return asyncio.run(_on_postgresql(url, work))


def alone(url: str, work: Work[T], patience: Patience = PATIENCE) -> T:
    """Does some work in one transaction beside which no other upgrade runs.

    What others hold is waited for a little, then all of it is begun anew.

    Raises:
        SetupError: Others have held what it needs for too long; nothing has been done.
    """
    until = time.monotonic() + patience.whole
    while True:
        try:
            return connected(_waiting(url, patience), lambda each: _held(each, work, patience))
        except DBAPIError as error:
            if not _is_held(error):
                raise
            if time.monotonic() + patience.aside > until:
                raise SetupError(
                    f"Others have held the tables for {patience.whole:g} s: another upgrade, a long "
                    "query, or a transaction that somebody left open. Nothing has been changed; "
                    "let them end, or say --wait."
                ) from error
        time.sleep(patience.aside)


def _held(connection: Connection, work: Work[T], patience: Patience) -> T:
    """Does it while nobody else does; SQLite's transaction has the whole file to itself."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {patience.once * 1000:.0f}")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_UPGRADE})")
    return work(connection)


def _waiting(url: str, patience: Patience) -> str:
    """The address, with what sqlite3 waits for a lock."""
    address = make_url(url)
    if address.get_backend_name() == "sqlite":
        address = address.update_query_dict({"timeout": f"{patience.once:g}"})
    return address.render_as_string(hide_password=False)


def _is_held(error: DBAPIError) -> bool:
    said = getattr(error.orig, "sqlite_errorname", "")
    return said.startswith("SQLITE_BUSY") or getattr(error.orig, "sqlstate", None) in _HELD


def _on_sqlite(url: str, work: Work[T]) -> T:
    with _engine(url).begin() as connection:
        return work(connection)


def _engine(url: str) -> Engine:
    engine = create_engine(url, poolclass=NullPool)

    @event.listens_for(engine, "connect")
    def _manual(connection: Any, record: Any) -> None:
        # The driver begins no transaction for DDL, so a failed migration would stay half done.
        connection.isolation_level = None
        connection.execute("PRAGMA recursive_triggers = ON")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


async def _on_postgresql(url: str, work: Work[T]) -> T:
    engine = create_async_engine(
        make_url(url).set(drivername="postgresql+asyncpg"), poolclass=NullPool
    )
    async with engine.begin() as connection:
        return await connection.run_sync(work)
