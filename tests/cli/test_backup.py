"""A database goes into a file and comes back as it was, or the sentence says why not."""

from __future__ import annotations

import asyncio
import os
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Connection, MetaData, text

from crmkit.app import open_crm
from crmkit.customers.api import create
from crmkit.customers.types import CreateCustomer
from crmkit.host.migrations import connected
from crmkit.settings import load_settings
from crmkit.store.drivers import open_database
from crmkit.testing.databases import databases
from crmkit.testing.postgres import embedded_postgres

if TYPE_CHECKING:
    from tests.cli.conftest import Run

ONE_MORE = "UPDATE loyalty_account SET balance = balance + 1"


@pytest.fixture
def company(upgraded: Run, engine: str, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A database with three customers, its backup, and its engine's programs in PATH."""
    if engine == "postgresql":
        path = f"{embedded_postgres().programs}{os.pathsep}{os.environ['PATH']}"
        monkeypatch.setenv("PATH", path)
    if engine not in _COMPANIES:
        asyncio.run(_add("Ada", "张伟", "Grace"))
        saved = upgraded("backup", "company.backup")
        assert saved.code == 0, saved.err
        kept = databases().empty(engine)
        databases().fill(kept, database_url)
        _COMPANIES[engine] = kept, Path("company.backup").read_bytes()
    kept, content = _COMPANIES[engine]
    databases().fill(database_url, kept)
    Path("company.backup").unlink(missing_ok=True)
    Path("company.backup").write_bytes(content)
    return upgraded


_COMPANIES: dict[str, tuple[str, bytes]] = {}
"""A database of each engine with three customers, to be copied, and its backup."""


@pytest.fixture
def other(engine: str) -> Iterator[str]:
    """The address of another database, without tables."""
    address = databases().empty(engine)
    yield address
    databases().drop(address)


async def _add(*names: str) -> None:
    crm = await open_crm(load_settings())
    try:
        await crm.host.run_unit(
            "core",
            lambda context: create(context, [CreateCustomer(name=each) for each in names]),
            operation="test",
        )
    finally:
        await crm.close()


def rows(url: str) -> Mapping[str, list[Any]]:
    """Everything that stands in a database, table by table."""

    def read(connection: Connection) -> Mapping[str, list[Any]]:
        there = MetaData()
        there.reflect(connection)
        return {
            name: sorted(map(repr, connection.execute(table.select())))
            for name, table in there.tables.items()
        }

    return connected(url, read)


def execute(url: str, sql: str) -> None:
    connected(url, lambda connection: connection.execute(text(sql)))


def test_all_that_was_saved_comes_back_and_is_verified(
    company: Run, database_url: str, other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRMKIT_DATABASE__URL", other)
    restored = company("restore", "company.backup")
    assert restored.code == 0, restored.err
    assert "loyalty: 3 accounts hold 0 points" in restored.out
    assert "entries of the audit" in restored.out
    assert rows(other) == rows(database_url)
    assert company("db", "upgrade").out.strip() == "Every table is as the code wants it."


def test_only_what_is_said_to_be_lost_is_replaced(company: Run, database_url: str) -> None:
    before = rows(database_url)
    execute(database_url, "CREATE TABLE made_later (id INTEGER)")
    execute(database_url, ONE_MORE)
    refused = company("restore", "company.backup")
    assert (refused.code, "or say --replace" in refused.err) == (1, True)
    assert "made_later" in rows(database_url)
    assert company("restore", "company.backup", "--replace").code == 0
    assert rows(database_url) == before


def test_whatever_stops_a_restore_changes_nothing(company: Run, database_url: str) -> None:
    before = rows(database_url)
    whole = bytearray(Path("company.backup").read_bytes())
    for name, content, problem in [
        ("torn", whole[: len(whole) // 2], "is no backup that crmkit has made, or not all of one."),
        ("burnt", _burnt(whole), "is damaged: it does not hold what was written into it."),
    ]:
        Path(name).write_bytes(content)
        assert company("restore", name, "--replace").err == f"{name} {problem}\n"
    _miscount("customer", 3, 4)
    ended = company("restore", "miscounted", "--replace")
    assert (ended.code, "customer has 3 rows instead of 4" in ended.err) == (1, True)
    assert rows(database_url) == before


def _burnt(content: bytearray) -> bytearray:
    middle = len(content) // 2
    return content[:middle] + b"burnt" * 100 + content[middle + 500 :]


def _miscount(table: str, rows: int, instead: int) -> None:
    """A backup whose manifest promises rows that are not in it."""
    said = f'"{table}": {rows}'.encode(), f'"{table}": {instead}'.encode()
    with zipfile.ZipFile("company.backup") as made, zipfile.ZipFile("miscounted", "w") as other:
        other.writestr("manifest.json", made.read("manifest.json").replace(*said))
        other.writestr("database", made.read("database"))


def test_what_somebody_uses_is_not_replaced(company: Run) -> None:
    async def meanwhile() -> str:
        database = await open_database(load_settings().database)
        try:
            await database.rows("SELECT 1", [])
            ended = await asyncio.to_thread(company, "restore", "company.backup", "--replace")
            return ended.err
        finally:
            await database.close()

    assert "stop the servers before it is replaced" in asyncio.run(meanwhile())


def test_a_ledger_that_was_wrong_is_restored_as_it_was_and_told_of(
    company: Run, database_url: str
) -> None:
    execute(database_url, ONE_MORE)
    assert company("verify").code == 1
    assert company("backup", "wrong.backup").code == 0
    assert Path("wrong.backup").stat().st_mode & 0o077 == 0
    ended = company("restore", "wrong.backup", "--replace")
    assert ended.code == 1
    assert ended.out.count("has 1 points and its entries 0") == 3


def test_a_backup_is_never_written_over(company: Run) -> None:
    before = Path("company.backup").read_bytes()
    ended = company("backup", "company.backup")
    assert ended.err == "There is a company.backup already; say another name.\n"
    assert Path("company.backup").read_bytes() == before


def test_a_backup_of_the_other_engine_is_refused(
    company: Run, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = "postgresql://nobody@localhost/none" if engine == "sqlite" else "sqlite:///other.db"
    monkeypatch.setenv("CRMKIT_DATABASE__URL", other)
    ended = company("restore", "company.backup")
    assert ended.err.startswith(f"company.backup is a backup of {engine}, and database.url names")


@pytest.mark.parametrize("engine", ["postgresql"])
def test_programs_of_postgresql_that_are_missing_or_too_old_are_named(
    upgraded: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crmkit.store.dumps._FOLDERS", ())
    monkeypatch.setenv("PATH", str(tmp_path))
    ended = upgraded("backup", "company.backup")
    assert "takes pg_dump 18 or newer, and none is here; install postgresql-client-18" in ended.err
    old = tmp_path / "pg_dump"
    old.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 15.4'\n")
    old.chmod(0o755)
    assert "and only pg_dump 15 is here" in upgraded("backup", "company.backup").err
    assert not Path("company.backup").exists()
