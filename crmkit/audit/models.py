"""What an entry of the audit is made of."""

from __future__ import annotations

from enum import Enum

from crmkit.engine.nodes import enum, value


@enum
class AuditAct(Enum):
    """What was done to a record."""

    CREATED = "created"
    """It is new."""
    CHANGED = "changed"
    """Some of its fields got other values."""
    DELETED = "deleted"
    """It is gone."""


@value
class AuditField:
    """A field of a record that got another value."""

    name: str
    """Its column."""
    before: str | None
    """The value it had; nothing too where that is unknown, hidden or erased."""
    after: str | None
    """The value it got, or what was added to it; nothing too where that is hidden or erased."""


@value
class AuditChange:
    """What was done to one record."""

    kind: str
    """The table that the record is in."""
    record: str | None
    """Its id; nothing where it has none, or where many were meant by a condition."""
    act: AuditAct
    """What was done to it."""
    fields: list[AuditField]
    """What changed; of new records, nothing."""
