"""Copies of a SQLite file that others go on writing to, and what is wrong with one."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Tell = Callable[[int, int], None]
    """Is told how much is done, and of how much."""

_PAGES = 1_000  # copied before somebody is told of it


def copy(file: Path, into: Path, tell: Tell) -> None:
    """Copies a database as it is at this moment.

    The copy is made of one snapshot: SQLite begins anew when somebody writes while it has none,
    and under load it would never end.
    """
    with _opened(file) as source, closing(sqlite3.connect(into)) as target:
        source.execute("BEGIN")
        source.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        source.backup(
            target, pages=_PAGES, progress=lambda _, left, total: tell(total - left, total)
        )
        # One file is what is kept, without a log beside it.
        target.execute("PRAGMA journal_mode = DELETE").fetchone()


def faults(file: Path) -> list[str]:
    """What SQLite finds wrong with a file: its pages, its indexes, keys that lead nowhere."""
    with _opened(file) as connection:
        found = [text for (text,) in connection.execute("PRAGMA integrity_check")]
        lost = connection.execute("PRAGMA foreign_key_check").fetchall()
    broken = [each for each in found if each != "ok"]
    return broken + [f"A row of {table} refers to none of {to}." for table, _, to, _ in lost]


def is_used(file: Path) -> bool:
    """Whether another process has this database open, which nobody can see but by a lock."""
    with _opened(file) as connection:
        connection.execute("PRAGMA busy_timeout = 0")
        try:
            # Only who is alone may take its log away.
            connection.execute("PRAGMA journal_mode = DELETE").fetchone()
        except sqlite3.OperationalError:
            return True
    return False


@contextmanager
def _opened(file: Path) -> Iterator[sqlite3.Connection]:
    """A file that is there; SQLite would make one that is not."""
    address = f"{file.absolute().as_uri()}?mode=rw"
    with closing(sqlite3.connect(address, uri=True, isolation_level=None)) as connection:
        yield connection
