"""Where rows are: asyncpg's connections, or SQLite with reader threads and one writer."""

from crmkit.store.drivers.database import Database, Reader, Transaction, dialect_of
from crmkit.store.drivers.lateness import late
from crmkit.store.drivers.opening import open_database

__all__ = ["Database", "Reader", "Transaction", "dialect_of", "late", "open_database"]
