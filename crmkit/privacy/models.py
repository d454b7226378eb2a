"""Tables: erasures, and how far they have come."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped

from crmkit.store.column_types import Code, Json, UtcDateTime
from crmkit.store.database import Record, column


class Erasure(Record):
    """Somebody who is being forgotten, in steps that can be broken off and gone on with."""

    __tablename__ = "customer_erasure"

    customer_id: Mapped[str] = column(
        ForeignKey("customer.id"), unique=True, doc="Who is forgotten."
    )
    actor: Mapped[str] = column(Code, personal=False, doc="Who wanted it.")
    table_name: Mapped[str | None] = column(
        Code, personal=False, default=None, doc="The table that is being gone through."
    )
    after: Mapped[list[Any]] = column(
        Json, personal=False, default_factory=list, doc="The last row of it that is done."
    )
    ended_at: Mapped[datetime | None] = column(UtcDateTime, default=None, doc="When all was done.")
