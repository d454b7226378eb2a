"""What a plugin leaves in the database when it is gone, and how that is taken out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any, BinaryIO
from warnings import catch_warnings, simplefilter

import orjson
from packaging.requirements import Requirement
from sqlalchemy import MetaData, Table, delete, func, inspect, or_, select
from sqlalchemy.exc import SAWarning

from crmkit.host.connections import connected
from crmkit.host.discovery import discover, imported
from crmkit.host.lineages import lineages, version_table
from crmkit.host.loading import enabled
from crmkit.host.migrations import take_back
from crmkit.host.tables import CORE, belongs, tables_of
from crmkit.store.column_types import instant
from crmkit.store.database import table_of
from crmkit.store.outbox import Delivery, Outbox
from crmkit.values.errors import SetupError, nearest

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from sqlalchemy import ColumnElement, Connection

    from crmkit.host.manifest import Plugin
    from crmkit.settings import Settings

_CHUNK = 1_000
_OPTIONS = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_APPEND_NEWLINE
_EVENT, _DELIVERY = table_of(Outbox), table_of(Delivery)


@dataclass(frozen=True)
class Leftovers:
    """What the database has of one plugin: the rows of each of its tables, and its mail."""

    plugin: str
    tables: Mapping[str, int]
    events: int
    deliveries: int


def check_unused(settings: Settings, plugin: str) -> None:
    """Refuses to purge what an app of these settings would use.

    Raises:
        SetupError: The plugin is enabled, or an enabled one depends on it.
    """
    if plugin == CORE:
        raise SetupError("The core is no plugin; without its tables there is no CRM.")
    if settings.safe_mode:
        raise SetupError(
            f"In safe mode no plugin is read, so nobody can say who needs {plugin}; "
            "unset CRMKIT_SAFE_MODE."
        )
    available = discover()
    wanted = enabled(settings, available)
    if plugin in wanted:
        raise SetupError(f"The plugin {plugin} is enabled; say [plugins] enabled without it first.")
    for each in available:
        if each.name in wanted and plugin in _depends_on(imported(each)):
            raise SetupError(
                f"The plugin {each.name} is enabled and depends on {plugin}; "
                f"say [plugins] enabled without {each.name} first."
            )


def leftovers(url: str, plugin: str) -> Leftovers:
    """Counts what there is of a plugin.

    Raises:
        SetupError: There is nothing, or somebody else's tables refer to its own.
    """

    def count(connection: Connection) -> Leftovers:
        names = _tables(connection, plugin)
        _check_unneeded(connection, plugin, names)
        rows = {each.name: _count(connection, each) for each in _reflected(connection, names)}
        events, deliveries = _mail(connection, plugin)
        known = lineages(connection)
        if plugin not in known and not events + deliveries:
            raise SetupError(
                f"The database has nothing of a plugin {plugin}{nearest(plugin, known)}."
            )
        return Leftovers(plugin, rows, events, deliveries)

    return connected(url, count)


def export(url: str, plugin: str, file: Path) -> int:
    """Writes the rows of a plugin's tables into a new file, one JSON object a line.

    Raises:
        SetupError: The file is there already, or cannot be made.
    """

    def write(connection: Connection) -> int:
        tables = _reflected(connection, _tables(connection, plugin))
        return sum(_write(connection, each, lines) for each in tables)

    try:
        with file.open("xb") as lines:
            return connected(url, write)
    except FileExistsError:
        raise SetupError(f"There is a {file} already; say another --export.") from None
    except OSError as error:
        raise SetupError(f"{file} cannot be written: {error}.") from None


def purge(url: str, plugin: str) -> None:
    """Takes a plugin's lineage to base, and out whatever is left then."""
    for each in discover():
        if each.name == plugin and plugin in connected(url, lineages):
            take_back(url, each)

    def drop(connection: Connection) -> None:
        names = [*_tables(connection, plugin), version_table(plugin)]
        if tables := _reflected(connection, names):
            tables[0].metadata.drop_all(connection, tables=tables)
        if _has_mail(connection):
            connection.execute(delete(_DELIVERY).where(_deliveries_of(plugin)))
            connection.execute(delete(_EVENT).where(_EVENT.c.plugin == plugin))

    connected(url, drop)


def _depends_on(plugin: type[Plugin]) -> list[str]:
    return [Requirement(each).name for each in plugin.depends_on]


# -- tables ---------------------------------------------------------------------------


def _tables(connection: Connection, plugin: str) -> list[str]:
    """The tables that are a plugin's by their names, and nobody's whose name is longer."""
    known = lineages(connection)
    if plugin not in known:
        return []  # Tables that no lineage made are not ours to judge by their names.
    rivals = {*known, *(each.name for each in discover())}
    core = {each.name for each in tables_of(CORE)}
    return [
        each
        for each in sorted(inspect(connection).get_table_names())
        if each not in core and _owner(each, rivals) == plugin
    ]


def _owner(table: str, plugins: Collection[str]) -> str | None:
    return max((each for each in plugins if belongs(table, each)), key=len, default=None)


def _check_unneeded(connection: Connection, plugin: str, own: Collection[str]) -> None:
    for (_, table), keys in inspect(connection).get_multi_foreign_keys().items():
        for key in keys:
            if table not in own and key["referred_table"] in own:
                whose = _owner(table, lineages(connection)) or "its plugin"
                raise SetupError(
                    f"The table {table} refers to {key['referred_table']}; "
                    f"purge {whose} before {plugin}."
                )


def _reflected(connection: Connection, names: Collection[str]) -> list[Table]:
    """Tables as they stand: the models of an orphan are gone."""
    there = MetaData()
    wanted = {*names} & {*inspect(connection).get_table_names()}
    with catch_warnings():
        # What it cannot tell of an index does not matter to rows.
        simplefilter("ignore", SAWarning)
        there.reflect(connection, only=sorted(wanted))
    return [there.tables[each] for each in sorted(wanted)]


def _count(connection: Connection, table: Table) -> int:
    return connection.execute(select(func.count()).select_from(table)).scalar_one()


def _write(connection: Connection, table: Table, lines: BinaryIO) -> int:
    """Writes one line a row, in the order of the primary key, and counts them."""
    rows = select(table).order_by(*table.primary_key).execution_options(yield_per=_CHUNK)
    columns = [str(each.name) for each in table.columns]  # orjson takes no subclass of str.
    written = 0
    for row in connection.execute(rows):
        line = {"table": str(table.name), "row": dict(zip(columns, row, strict=True))}
        lines.write(orjson.dumps(line, _plain, _OPTIONS))
        written += 1
    return written


def _plain(value: Any) -> str:
    if isinstance(value, datetime) and value.tzinfo:
        return instant(value)
    if isinstance(value, date | time):
        return value.isoformat()
    return value.hex() if isinstance(value, bytes) else str(value)


# -- events and deliveries ------------------------------------------------------------


def _has_mail(connection: Connection) -> bool:
    return inspect(connection).has_table(_DELIVERY.name)


def _mail(connection: Connection, plugin: str) -> tuple[int, int]:
    """How many events a plugin has told of, and how many deliveries are about it."""
    if not _has_mail(connection):
        return 0, 0
    events = select(func.count()).where(_EVENT.c.plugin == plugin)
    deliveries = select(func.count()).where(_deliveries_of(plugin))
    return connection.execute(events).scalar_one(), connection.execute(deliveries).scalar_one()


def _deliveries_of(plugin: str) -> ColumnElement[bool]:
    """Deliveries to its handlers, and those of its events to others."""
    told = select(_EVENT.c.seq).where(_EVENT.c.plugin == plugin)
    prefix = f"{plugin}."
    to_it = func.substr(_DELIVERY.c.handler, 1, len(prefix)) == prefix
    return or_(to_it, _DELIVERY.c.event.in_(told))
