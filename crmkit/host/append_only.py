"""Sees to it that a database guards what models declare append-only."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from sqlalchemy import inspect

from crmkit.store.append_only import BODY, FUNCTION, MAKE_FUNCTION, PREFIX, Guard, guards

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from sqlalchemy import Connection, Table

    Guards = Mapping[str, list[Guard]]

_OF_POSTGRESQL = f"""
    SELECT c.relname, t.tgname,
        CASE t.tgenabled WHEN 'O' THEN pg_get_triggerdef(t.oid, true) ELSE 'disabled' END
    FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid
    WHERE NOT t.tgisinternal AND starts_with(t.tgname, '{PREFIX}') AND pg_table_is_visible(c.oid)
    ORDER BY c.relname, t.tgname
"""  # noqa: S608  a name of ours
_OF_SQLITE = f"""
    SELECT tbl_name, name, sql FROM sqlite_master
    WHERE type = 'trigger' AND substr(name, 1, {len(PREFIX)}) = '{PREFIX}' ORDER BY tbl_name, name
"""  # noqa: S608  a name of ours


def guard(connection: Connection, tables: Sequence[Table]) -> list[str]:
    """Gives those of these tables that are there the triggers that they want, and no others.

    Returns the names of the tables that had others.
    """
    found = guarded(connection)
    wrong = {
        table: wanted
        for table, wanted in _wanted(connection, tables).items()
        if wanted != found.get(table, [])
    }
    if any(wrong.values()):
        _make_function(connection)
    for table, wanted in wrong.items():
        _drop(connection, table, found.get(table, []))
        for each in wanted:
            connection.exec_driver_sql(each.statement)
    _clear_up(connection)
    return list(wrong)


def release(connection: Connection, is_meant: Callable[[str], bool]) -> None:
    """Takes the triggers off tables, so that going back may change and delete rows."""
    for table, found in guarded(connection).items():
        if is_meant(table):
            _drop(connection, table, found)


def unguarded(connection: Connection, tables: Sequence[Table]) -> list[str]:
    """Those of these tables whose triggers are not what they have to be."""
    found, is_hollow = guarded(connection), _is_hollow(connection)
    return [
        table
        for table, wanted in _wanted(connection, tables).items()
        if wanted != found.get(table, []) or (wanted and is_hollow)
    ]


def guarded(connection: Connection) -> Guards:
    """The triggers of this kind, by their tables."""
    found: dict[str, list[Guard]] = defaultdict(list)
    sql = _OF_POSTGRESQL if _is_native(connection) else _OF_SQLITE
    for table, *guard_ in connection.exec_driver_sql(sql):
        found[table].append(Guard(*guard_))
    return found


def _wanted(connection: Connection, tables: Sequence[Table]) -> Guards:
    """What each of these tables wants by its model, if it is there."""
    there = inspect(connection).get_multi_columns(filter_names=[each.name for each in tables])
    columns = {name: [str(each["name"]) for each in found] for (_, name), found in there.items()}
    return {
        each.name: guards(each, connection.dialect, columns[each.name])
        for each in tables
        if each.name in columns
    }


def _drop(connection: Connection, table: str, guards_: Iterable[Guard]) -> None:
    where = ""
    if _is_native(connection):
        where = f" ON {connection.dialect.identifier_preparer.quote(table)}"
    for each in guards_:
        connection.exec_driver_sql(f"DROP TRIGGER {each.name}{where}")


# -- PostgreSQL's function ------------------------------------------------------------


def _make_function(connection: Connection) -> None:
    if _is_hollow(connection):
        connection.exec_driver_sql(MAKE_FUNCTION)


def _is_hollow(connection: Connection) -> bool:
    """Whether what PostgreSQL's triggers call is missing, or something else."""
    return _is_native(connection) and _body(connection) != BODY


def _clear_up(connection: Connection) -> None:
    """Takes the function out when its last trigger has gone with its table."""
    if not _is_native(connection) or _body(connection) is None:
        return
    users = f"SELECT 1 FROM pg_trigger WHERE tgfoid = '{FUNCTION}'::regproc LIMIT 1"  # noqa: S608
    if not connection.exec_driver_sql(users).all():
        connection.exec_driver_sql(f"DROP FUNCTION {FUNCTION}()")


def _body(connection: Connection) -> str | None:
    asked = f"SELECT prosrc FROM pg_proc WHERE oid = to_regproc('{FUNCTION}')"  # noqa: S608
    body: str | None = connection.exec_driver_sql(asked).scalar()
    return body


def _is_native(connection: Connection) -> bool:
    return connection.dialect.name == "postgresql"
