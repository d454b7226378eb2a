"""What can be wrong with a database, each as a sentence and its cure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Select, Table, exists, func, make_url, select

from crmkit.store.database import Base, table_of
from crmkit.store.outbox import Delivery, DeliveryState

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from crmkit.host.lineages import Lineage
    from crmkit.store.drivers import Database

OLDEST = 14
"""The oldest PostgreSQL that crmkit is written for."""


@dataclass(frozen=True)
class Finding:
    """What one check found out; nothing, where its problem is empty.

    A note is no fault: it says what the operator may want to know.
    """

    check: str
    problem: str = ""
    cure: str = ""
    is_note: bool = False

    @property
    def is_grave(self) -> bool:
        return bool(self.problem) and not self.is_note


@dataclass(frozen=True)
class Verified:
    """What was counted again, in a sentence, and what disagrees, each in one of its own."""

    sentence: str
    wrong: Sequence[str] = ()


def missing_file(url: str) -> str | None:
    """The file of a SQLite database that is not there, where opening it would make one."""
    address = make_url(url)
    if address.get_backend_name() != "sqlite" or not address.database:
        return None
    return None if Path(address.database).exists() else address.database


def of_lineages(lineages: Sequence[Lineage]) -> Iterator[Finding]:
    """Tables that are not those of the code."""
    for each in lineages:
        if each.current != each.head:
            yield Finding(
                "lineages",
                f"The tables of {each.plugin} are at {each.current or 'nothing'}, "
                f"and the code is at {each.head or 'nothing'}.",
                "run crmkit db upgrade",
            )


def of_guards(unguarded: Sequence[str]) -> Iterator[Finding]:
    """Append-only tables that anybody could change."""
    if unguarded:
        yield Finding(
            "triggers",
            f"Nothing stops changes of rows that never change, in {', '.join(unguarded)}.",
            "run crmkit db upgrade, and ask who took the triggers off",
        )


def of_fields(kind: str, pending: Sequence[str], blocked: Sequence[str]) -> Iterator[Finding]:
    """Fields that the database does not have as the company defines them."""
    for sentence in blocked:
        yield Finding("fields", sentence, "correct the values, or crmkit.toml")
    if pending:
        yield Finding(
            "fields",
            f"The database has other fields of {kind}: {'; '.join(pending)}.",
            "run crmkit db upgrade",
        )


def of_orphans(orphans: Sequence[str]) -> Iterator[Finding]:
    """Plugins that are gone and whose rows are not."""
    for each in orphans:
        yield Finding(
            "orphans",
            f"The plugin {each} is not installed any more, and its rows are kept.",
            f"install it again, or run crmkit plugins purge {each}",
            is_note=True,
        )


async def of_engine(database: Database) -> AsyncIterator[Finding]:
    """An engine that is too old, or a file that its readers block."""
    if database.name == "postgresql":
        [[version]] = await database.rows("SHOW server_version_num", [])
        found = too_old(int(version))
    else:
        [[mode]] = await database.rows("PRAGMA journal_mode", [])
        found = not_wal(str(mode))
    if found:
        yield found


def too_old(version: int) -> Finding | None:
    """What is wrong with a PostgreSQL of this number, such as 130014."""
    major = version // 10_000
    if major >= OLDEST:
        return None
    return Finding(
        "PostgreSQL",
        f"The server is PostgreSQL {major}, and crmkit needs {OLDEST} or newer.",
        "upgrade the server",
    )


def not_wal(mode: str) -> Finding | None:
    """What is wrong with a SQLite file of this journal mode."""
    if mode == "wal":
        return None
    return Finding(
        "SQLite",
        f"The file is in journal mode {mode}, so that readers and the writer wait for each other.",
        "move it to a local disk, where SQLite can have a write-ahead log",
    )


async def of_sides(
    database: Database, sides: Mapping[Table, Sequence[type[Base]]]
) -> AsyncIterator[Finding]:
    """Records without the rows beside them that fields are read from."""
    for parent, models in sides.items():
        for model in models:
            [(missing,)] = await database.fetch(_missing(parent, table_of(model)))
            if missing:
                yield Finding(
                    "side rows",
                    f"{missing:,} of the table {parent.name} have no row in {table_of(model).name}.",
                    "run crmkit db upgrade, which adds them",
                )


async def of_deliveries(database: Database) -> AsyncIterator[Finding]:
    """Events that a handler could not take, however often it tried."""
    found = table_of(Delivery)
    dead = select(found.c.handler, func.count()).where(found.c.state == DeliveryState.DEAD)
    for handler, count in await database.fetch(dead.group_by(found.c.handler).order_by("handler")):
        yield Finding(
            "deliveries",
            f"{count:,} events never reached {handler}; delivery.problem says why.",
            "mend the handler, then run crmkit events dead --again",
        )


def _missing(parent: Table, side: Table) -> Select[int]:
    key = next(iter(side.primary_key.columns))
    lacking = ~exists().where(key == parent.c.id)
    return select(func.count()).select_from(parent).where(lacking)
