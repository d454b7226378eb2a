"""Fixtures: plugins that are installed for one test and leave nothing behind."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy.sql.ddl import sort_tables

from crmkit.host.host import Host
from crmkit.host.loading import load
from crmkit.settings import DatabaseSettings
from crmkit.store.database import Base
from crmkit.store.drivers import open_database
from crmkit.testing.databases import create_tables
from crmkit.values.clock import ManualClock
from tests.host.tiny import Core, settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from pathlib import Path

    from crmkit.host.manifest import Plugin


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Installs a distribution with one plugin in the class `Entry` of `<package>.plugin`."""
    tables = set(Base.metadata.tables)
    packages = []
    monkeypatch.syspath_prepend(tmp_path)

    def add(name: str, distribution: str = "acme", **files: str) -> None:
        package = f"{distribution}_{name}"
        said = tmp_path / f"{distribution}-1.0.dist-info"
        said.mkdir(exist_ok=True)
        (said / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n"
        )
        with (said / "entry_points.txt").open("a") as lines:
            lines.write(f"[crmkit.plugins]\n{name} = {package}.plugin:Entry\n")
        (tmp_path / package).mkdir()
        packages.append(package)
        for file, text in {"__init__": "", **files}.items():
            (tmp_path / package / f"{file}.py").write_text(text)
        importlib.invalidate_caches()

    yield add
    for name in [each for each in sys.modules if each.partition(".")[0] in packages]:
        del sys.modules[name]
    for name in set(Base.metadata.tables) - tables:
        Base.metadata.remove(Base.metadata.tables[name])


@pytest.fixture
async def open_host(database_url: str) -> AsyncIterator[Callable[..., Awaitable[Host]]]:
    """Opens an app of these plugins on the test's database, with the tables they need."""
    opened = []

    async def open_(*plugins: type[Plugin], **given: Any) -> Host:
        said = settings(profile="production", **given)
        loaded = load(said, extra=[Core, *plugins])
        database = await open_database(DatabaseSettings(url=database_url))
        opened.append(database)
        tables = [table for each in loaded.plugins for table in each.tables]
        await create_tables(database, sort_tables(tables))
        return Host(said, database, ManualClock(), loaded)

    yield open_
    for each in opened:
        await each.close()
