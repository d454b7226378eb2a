"""A database into a file and back; what it holds is counted there, and counted again here."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from sqlalchemy import func, inspect, make_url, select, table

import crmkit
from crmkit.host import archives
from crmkit.host.archives import Manifest, chunks
from crmkit.host.connections import connected
from crmkit.host.lineages import recorded_in
from crmkit.store import copies, dumps
from crmkit.store.column_types import instant
from crmkit.values.errors import SetupError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from crmkit.host.archives import Sink, Tell


def save(url: str, file: Path, at: datetime, tell: Tell) -> Manifest:
    """Makes a backup of a database as it is at this moment, while others go on writing to it.

    Raises:
        SetupError: The database is damaged, a program of PostgreSQL's is missing, or the file
            is there already.
    """
    kind = _save_sqlite if _engine(url) == "sqlite" else _save_postgresql
    return archives.write(file, lambda content: kind(url, content, file.parent, at, tell))


def restore(url: str, file: Path, *, replacing: bool, tell: Tell) -> Manifest:
    """Puts what is in a backup into a database: all of it, as it was counted then, or nothing.

    Raises:
        SetupError: The backup is damaged or of the other engine, the database is not empty
            although it is not to be replaced, or somebody uses it.
    """
    manifest = archives.read(file)
    if manifest.engine != _engine(url):
        raise SetupError(
            f"{file} is a backup of {manifest.engine}, and database.url names {_engine(url)}."
        )
    archives.check(file, tell)
    kind = _restore_sqlite if manifest.engine == "sqlite" else _restore_postgresql
    kind(url, file, manifest, replacing=replacing, tell=tell)
    return manifest


def _engine(url: str) -> str:
    return make_url(url).get_backend_name()


def _described(connection: Connection, at: datetime) -> Manifest:
    """What a database holds at this moment, whichever it is."""
    return Manifest(
        engine=connection.dialect.name,
        server=0,
        tool=0,
        schema=inspect(connection).default_schema_name or "",
        crmkit=crmkit.__version__,
        made_at=instant(at),
        lineages=recorded_in(connection),
        rows=_rows(connection),
    )


def _rows(connection: Connection) -> dict[str, int]:
    names = sorted(inspect(connection).get_table_names())
    counts = {each: select(func.count()).select_from(table(each)) for each in names}
    return {name: connection.execute(each).scalar_one() for name, each in counts.items()}


def _check_free(url: str, tables: int, *, used: bool, replacing: bool) -> None:
    if tables and not replacing:
        raise SetupError(
            f"The database has {tables} tables; name an empty one in database.url, or say "
            "--replace, and what is in it is lost."
        )
    if tables and used:
        raise SetupError("Somebody uses the database; stop the servers before it is replaced.")


# -- SQLite ---------------------------------------------------------------------------


def _save_sqlite(url: str, content: Sink, folder: Path, at: datetime, tell: Tell) -> Manifest:
    with TemporaryDirectory(dir=folder, prefix=".backup-") as beside:
        made = Path(beside) / "copy.db"
        copies.copy(_file(url), made, partial(tell, "Copying the database"))
        _check_sound(made)
        version = sqlite3.sqlite_version_info[0]
        manifest = connected(f"sqlite:///{made}", partial(_described, at=at))
        with made.open("rb") as source:
            for done, chunk in chunks(source):
                content.write(chunk)
                tell("Writing the file", done, made.stat().st_size)
    return replace(manifest, server=version, tool=version)


def _restore_sqlite(
    url: str, file: Path, manifest: Manifest, *, replacing: bool, tell: Tell
) -> None:
    target = Path(make_url(url).database or "")
    if target.exists():
        tables = connected(url, lambda each: len(inspect(each).get_table_names()))
        _check_free(url, tables, used=copies.is_used(target), replacing=replacing)
    made = target.with_name(f"{target.name}.restoring")
    try:
        with archives.content(file) as (source, size), made.open("wb") as opened:
            for done, chunk in chunks(source):
                opened.write(chunk)
                tell("Restoring", done, size)
        _check_sound(made)
        _check_rows(manifest, connected(f"sqlite:///{made}", _rows))
        for log in ("-wal", "-shm"):
            # Nobody is there who would need them, and they are not of this database.
            target.with_name(f"{target.name}{log}").unlink(missing_ok=True)
        made.replace(target)
    finally:
        made.unlink(missing_ok=True)


def _file(url: str) -> Path:
    file = Path(make_url(url).database or "")
    if not file.is_file():
        raise SetupError(f"There is no database {file}.")
    return file


def _check_sound(file: Path) -> None:
    if found := copies.faults(file):
        raise SetupError(f"The database is damaged: {found[0]}")


def _check_rows(manifest: Manifest, found: Mapping[str, int]) -> None:
    for name, wanted in manifest.rows.items():
        if found.get(name) != wanted:
            raise SetupError(f"{name} has {found.get(name, 'no')} rows instead of {wanted}.")


# -- PostgreSQL -----------------------------------------------------------------------


def _save_postgresql(url: str, content: Sink, _: Path, at: datetime, tell: Tell) -> Manifest:
    def dump(connection: Connection) -> Manifest:
        # What is counted and what is written are one moment's.
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        [snapshot] = connection.exec_driver_sql("SELECT pg_export_snapshot()").one()
        [size] = connection.exec_driver_sql("SELECT pg_database_size(current_database())").one()
        server = _major(connection)
        tool = dumps.program("pg_dump", least=server, reason=f"The server is PostgreSQL {server}")
        manifest = _described(connection, at)
        with dumps.dumping(tool, url, manifest.schema, snapshot) as source:
            for done, chunk in chunks(source):
                content.write(chunk)
                tell("Writing the file", done, max(done, size))
        return replace(manifest, server=server, tool=tool.major)

    return connected(url, dump)


def _restore_postgresql(
    url: str, file: Path, manifest: Manifest, *, replacing: bool, tell: Tell
) -> None:
    def look(connection: Connection) -> int:
        tables = len(inspect(connection).get_table_names())
        [others] = connection.exec_driver_sql(_OTHERS).one()
        _check_free(url, tables, used=bool(others), replacing=replacing)
        return _major(connection)

    server = connected(url, look)
    wrote = f"The backup was written by pg_dump {manifest.tool}"
    if server < manifest.tool:
        raise SetupError(
            f"{wrote}, and the server is PostgreSQL {server}; restore it into PostgreSQL "
            f"{manifest.tool} or newer."
        )
    tool = dumps.program("psql", least=manifest.tool, reason=wrote)
    with archives.content(file) as (source, size), dumps.running_sql(tool, url) as sql:
        # Without the COMMIT at the end, whatever stops it undoes it.
        sql.write(f"BEGIN;\nDROP SCHEMA IF EXISTS {_quoted(manifest.schema)} CASCADE;\n".encode())
        for done, chunk in chunks(source):
            sql.write(chunk)
            tell("Restoring", done, size)
        sql.write("".join([*_counting(manifest), "COMMIT;\nANALYZE;\n"]).encode())


_OTHERS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""


def _major(connection: Connection) -> int:
    [number] = connection.exec_driver_sql("SHOW server_version_num").one()
    return int(number) // 10_000


def _counting(manifest: Manifest) -> Iterator[str]:
    """SQL that fails where a table has not as many rows as it had."""
    yield "DO $count$ DECLARE n bigint; BEGIN\n"
    for name, wanted in manifest.rows.items():
        where = f"{_quoted(manifest.schema)}.{_quoted(name)}"
        yield f"SELECT count(*) INTO n FROM {where};\n"  # noqa: S608  it is quoted
        yield f"IF n <> {wanted} THEN RAISE EXCEPTION '% has % rows instead of {wanted}', "
        yield f"$name${name}$name$, n; END IF;\n"
    yield "END $count$;\n"


def _quoted(name: str) -> str:
    escaped = name.replace('"', '""')
    return f'"{escaped}"'
