"""What every table of a company's own words has."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped

from crmkit.store.column_types import Code, Json, UtcDateTime
from crmkit.store.database import Versioned, column


class Term(Versioned):
    """A word of the company: its key never changes, and nobody deletes what rows point to."""

    __abstract__ = True

    key: Mapped[str] = column(
        Code,
        personal=False,
        unique=True,
        filterable=True,
        doc="Names it in programs; never changes.",
    )
    labels: Mapped[dict[str, str]] = column(
        Json, personal=False, doc="What people call it, by locale."
    )
    retired_at: Mapped[datetime | None] = column(
        UtcDateTime,
        default=None,
        filterable=True,
        doc="Since when it is kept for what was, and offered no longer.",
    )
