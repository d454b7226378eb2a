"""How long somebody waits for a database that others use."""

PATIENCE = 10
"""Seconds for a connection to PostgreSQL, or for the writer of another process on SQLite."""
