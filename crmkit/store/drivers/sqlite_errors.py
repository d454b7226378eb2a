"""What sqlite3 complains about, told apart without a word of its own."""

from __future__ import annotations

import re
import sqlite3

from crmkit.store.interrupts import overdue
from crmkit.store.violations import Contention, Plainly, Violation, gone

_KINDS = {
    "SQLITE_CONSTRAINT_UNIQUE": "unique",
    "SQLITE_CONSTRAINT_PRIMARYKEY": "unique",
    "SQLITE_CONSTRAINT_FOREIGNKEY": "foreign_key",
    "SQLITE_CONSTRAINT_NOTNULL": "not_null",
}
_GONE = ("SQLITE_CANTOPEN", "SQLITE_IOERR", "SQLITE_FULL", "SQLITE_READONLY")


def _translated(error: Exception) -> Exception | None:
    if not isinstance(error, sqlite3.Error):
        return None
    name = getattr(error, "sqlite_errorname", None) or ""
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return Contention()
    if name.startswith("SQLITE_CONSTRAINT"):
        # The text ends with `table.column, table.column`; only these names are taken.
        named = re.findall(r"(\w+)\.(\w+)", str(error))
        table = named[0][0] if named else ""
        return Violation(_KINDS.get(name, "check"), table, tuple(each for _, each in named))
    if name == "SQLITE_INTERRUPT":
        return overdue()
    return gone() if name.startswith(_GONE) else None


plainly = Plainly(_translated)
"""The block in which SQLite is asked."""
