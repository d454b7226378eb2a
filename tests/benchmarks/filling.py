"""Puts an invented company into a database that has its tables and little else."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from datetime import datetime
from typing import Any

import asyncpg

from crmkit.store.column_types import instant
from tests.benchmarks.company import Company, Size, Vocabulary

_WORDS = ("SELECT id FROM stage ORDER BY key", "SELECT id FROM channel ORDER BY key")
_INDEXES = {
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL",
    "postgresql": """SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
        AND indexname NOT IN (SELECT conname FROM pg_constraint)""",
}


async def fill(address: str, size: Size) -> None:
    """Puts all rows in; indexes and checks come afterwards, which takes a fraction of the time."""
    if address.startswith("sqlite"):
        await asyncio.to_thread(_into_sqlite, address.removeprefix("sqlite:///"), size)
    else:
        await _into_postgresql(address, size)


def _into_sqlite(path: str, size: Size) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for pragma in ("foreign_keys = OFF", "synchronous = OFF"):
            connection.execute(f"PRAGMA {pragma}")
        indexes = connection.execute(_INDEXES["sqlite"]).fetchall()
        for name, _ in indexes:
            connection.execute(f"DROP INDEX {name}")
        known = Vocabulary(*[[id_ for (id_,) in connection.execute(each)] for each in _WORDS])
        for each in Company(size, known, instant).tables():
            places = ", ".join("?" * len(each.columns))
            into = f"INSERT INTO {each.table} ({', '.join(each.columns)})"
            connection.execute("BEGIN")
            connection.executemany(f"{into} VALUES ({places})", each.rows)
            connection.execute("COMMIT")
        for _, definition in indexes:
            connection.execute(definition)
        assert not connection.execute("PRAGMA foreign_key_check").fetchall()


async def _into_postgresql(address: str, size: Size) -> None:
    connection = await asyncpg.connect(address)
    try:
        # Who has this role checks no keys: all that is put in refers to what is there.
        await connection.execute("SET session_replication_role = replica")
        indexes = await connection.fetch(_INDEXES["postgresql"])
        for name, _ in indexes:
            await connection.execute(f"DROP INDEX {name}")
        words = [[row["id"] for row in await connection.fetch(each)] for each in _WORDS]
        for each in Company(size, Vocabulary(*words), _as_it_is).tables():
            await connection.copy_records_to_table(
                each.table, columns=each.columns, records=each.rows
            )
        for _, definition in indexes:
            await connection.execute(definition)
    finally:
        await connection.close()


def _as_it_is(at: datetime) -> Any:
    return at
