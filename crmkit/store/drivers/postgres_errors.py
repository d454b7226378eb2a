"""What PostgreSQL and asyncpg complain about, told apart without a word of theirs."""

from __future__ import annotations

import re

import asyncpg  # type: ignore[import-untyped]

from crmkit.store.interrupts import overdue
from crmkit.store.violations import Contention, Plainly, Violation, gone, too_large, unstorable

_KINDS = {"23505": "unique", "23503": "foreign_key", "23502": "not_null"}
_GONE = ("08", "53", "57P", "58")


def _translated(error: Exception) -> Exception | None:
    if isinstance(error, asyncpg.PostgresError):
        return _said(error)
    return gone() if _is_lost(error) else None


def _said(error: asyncpg.PostgresError) -> Exception | None:
    state: str = error.sqlstate or ""
    if state in {"40001", "40P01"}:
        return Contention()
    if state.startswith("23"):
        return Violation(_KINDS.get(state, "check"), error.table_name or "", _columns(error))
    # Asyncpg itself says 22000 of what it cannot send.
    if state == "22003" or "value out of int" in str(error):
        return too_large()
    if state in {"22021", "22P05"} or "surrogates not allowed" in str(error):
        return unstorable()
    if state == "57014":
        return overdue()
    return gone() if state.startswith(_GONE) else None


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


plainly = Plainly(_translated)
"""The block in which PostgreSQL is asked."""
