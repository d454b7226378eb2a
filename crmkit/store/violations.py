"""What drivers complain about, told apart without a word of theirs."""

from __future__ import annotations

import re
import sqlite3

import asyncpg  # type: ignore[import-untyped]

from crmkit.store.interrupts import overdue
from crmkit.values.errors import Failure, Invalid, Unavailable


class Violation(Exception):
    """A constraint said no: which kind, on which table, over which columns."""

    def __init__(self, kind: str, table: str = "", columns: tuple[str, ...] = ()) -> None:
        super().__init__(f"a {kind} constraint of {table or 'some table'} was violated")
        self.kind = kind
        self.table = table
        self.columns = columns


class Contention(Exception):
    """Two transactions stood in each other's way; running the whole body again helps."""


class _Plainly:
    """Lets no driver's error out untranslated if it means something to a caller."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, Exception) and (meant := translated(error)) is not None:
            raise meant from error


plainly = _Plainly()
"""The block in which a driver is asked."""


def translated(error: Exception) -> Exception | None:
    """Says what a driver's error means to us; nothing when it is a mistake of ours."""
    if isinstance(error, sqlite3.Error):
        return _from_sqlite(error)
    if isinstance(error, asyncpg.PostgresError):
        return _from_postgresql(error)
    if isinstance(error, OverflowError):
        return _too_large()
    if isinstance(error, UnicodeEncodeError):
        return _unstorable()
    # A pool says TimeoutError when no connection came free, a socket OSError.
    if isinstance(error, (OSError, TimeoutError)) or _is_lost(error):
        return _gone()
    return None


_SQLITE_KINDS = {
    "SQLITE_CONSTRAINT_UNIQUE": "unique",
    "SQLITE_CONSTRAINT_PRIMARYKEY": "unique",
    "SQLITE_CONSTRAINT_FOREIGNKEY": "foreign_key",
    "SQLITE_CONSTRAINT_NOTNULL": "not_null",
}
_POSTGRESQL_KINDS = {"23505": "unique", "23503": "foreign_key", "23502": "not_null"}
_SQLITE_GONE = ("SQLITE_CANTOPEN", "SQLITE_IOERR", "SQLITE_FULL", "SQLITE_READONLY")
_POSTGRESQL_GONE = ("08", "53", "57P", "58")


def _from_sqlite(error: sqlite3.Error) -> Exception | None:
    name = getattr(error, "sqlite_errorname", None) or ""
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return Contention()
    if name.startswith("SQLITE_CONSTRAINT"):
        # The text ends with `table.column, table.column`; only these names are taken.
        named = re.findall(r"(\w+)\.(\w+)", str(error))
        table = named[0][0] if named else ""
        return Violation(_SQLITE_KINDS.get(name, "check"), table, tuple(each for _, each in named))
    if name == "SQLITE_INTERRUPT":
        return overdue()
    return _gone() if name.startswith(_SQLITE_GONE) else None


def _from_postgresql(error: asyncpg.PostgresError) -> Exception | None:
    state: str = error.sqlstate or ""
    if state in {"40001", "40P01"}:
        return Contention()
    if state.startswith("23"):
        return Violation(
            _POSTGRESQL_KINDS.get(state, "check"), error.table_name or "", _columns(error)
        )
    # Asyncpg itself says 22000 of what it cannot send.
    if state == "22003" or "value out of int" in str(error):
        return _too_large()
    if state in {"22021", "22P05"} or "surrogates not allowed" in str(error):
        return _unstorable()
    if state == "57014":
        return overdue()
    return _gone() if state.startswith(_POSTGRESQL_GONE) else None


def _columns(error: asyncpg.PostgresError) -> tuple[str, ...]:
    if error.column_name:
        return (error.column_name,)
    # `Key (source, code)=(…) already exists.`: the form is the same in every language.
    found = re.search(r"\(([^()]*)\)=\(", error.detail or "")
    return tuple(each.strip(' "') for each in found[1].split(",")) if found else ()


def _is_lost(error: Exception) -> bool:
    # Asyncpg has no kind of its own for a connection that was closed. Its internal error says
    # that the server has spoken unasked, as it does before it closes one.
    is_closed = isinstance(error, asyncpg.InterfaceError) and "clos" in str(error)
    return is_closed or isinstance(error, asyncpg.InternalClientError)


def _gone() -> Failure:
    return Unavailable("The database does not answer at the moment.")


def _too_large() -> Failure:
    return Invalid("A number is larger than can be stored.")


def _unstorable() -> Failure:
    return Invalid("A text holds a character that cannot be stored.")
