"""New databases for tests: made once for a set of tables, copied for each test."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from functools import cache
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.schema import CreateIndex, CreateTable

from crmkit.host import field_tables
from crmkit.store.append_only import MAKE_FUNCTION, guards
from crmkit.testing.places import place
from crmkit.testing.postgres import embedded_postgres

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from sqlalchemy import Table
    from sqlalchemy.schema import DDLElement

    from crmkit.app import Crm
    from crmkit.host.field_tables import FieldTable
    from crmkit.store.drivers import Database

    Open = Callable[[str], Awaitable[Crm]]

PATIENT = {"statement_seconds": 60.0, "connect_seconds": 60.0}
"""Settings of a database in tests: their machine may stand still for longer than anybody waits
in production."""


class Databases:
    """Databases of one test run, in a temporary folder and in the embedded server."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="crmkit-", dir=place())
        self._numbers = count(1)
        self._templates: dict[tuple[str, frozenset[str], str], str] = {}

    async def new(
        self,
        engine: str,
        tables: Sequence[Table],
        opened: Open,
        fields: Sequence[FieldTable] = (),
    ) -> str:
        """Copies a database that has these tables and what every app begins with."""
        own = repr([each.fields for each in fields])
        key = (engine, frozenset(table.name for table in tables), own)
        if key not in self._templates:
            template = await asyncio.to_thread(self.empty, engine)
            crm = await opened(template)
            await create_tables(crm.host.database, tables)
            for each in fields:
                await asyncio.to_thread(field_tables.upgrade, template, each)
            await crm.prepare()
            await crm.close()
            self._templates[key] = template
        return await asyncio.to_thread(self._copy, engine, self._templates[key])

    def empty(self, engine: str) -> str:
        """Makes a database without tables and returns its address."""
        return self._file() if engine == "sqlite" else embedded_postgres().new_database()

    def fill(self, address: str, template: str) -> None:
        """Puts a copy of another database in the place of one that nobody is connected to."""
        if address.startswith("sqlite"):
            shutil.copyfile(_path(template), _path(address))
        else:
            embedded_postgres().replace(address, template)

    def drop(self, address: str) -> None:
        """Removes a database that nobody needs any more."""
        if address.startswith("sqlite"):
            Path(_path(address)).unlink()
        else:
            embedded_postgres().drop(address)

    def _copy(self, engine: str, template: str) -> str:
        if engine != "sqlite":
            return embedded_postgres().new_database(template)
        made = self._file()
        shutil.copyfile(_path(template), _path(made))
        return made

    def _file(self) -> str:
        return f"sqlite:///{self._folder.name}/{next(self._numbers)}.db"


@cache
def databases() -> Databases:
    """The databases of this process."""
    return Databases()


async def create_tables(database: Database, tables: Sequence[Table]) -> None:
    """Makes tables as their models declare them, with their indexes and triggers."""
    async with database.transaction() as transaction:
        if database.dialect.name == "postgresql":
            await transaction.execute(MAKE_FUNCTION, [])
        for table in tables:
            wanted: list[DDLElement] = [CreateTable(table), *map(CreateIndex, table.indexes)]
            made = [str(each.compile(dialect=database.dialect)) for each in wanted]
            for each in (
                *made,
                *[trigger.statement for trigger in guards(table, database.dialect)],
            ):
                await transaction.execute(each, [])


def _path(address: str) -> str:
    return address.removeprefix("sqlite:///")
