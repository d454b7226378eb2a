"""The table of points that are left to whoever asks."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped

from crmkit.store.column_types import Code, UtcDateTime
from crmkit.store.database import Base, column


class PointBudget(Base):
    """How much somebody has used of what refills with time; without a row, nothing."""

    __tablename__ = "point_budget"

    name: Mapped[str] = column(
        Code, primary_key=True, personal=False, doc="Whose it is, for what; addresses as digests."
    )
    full_at: Mapped[datetime] = column(
        UtcDateTime, doc="When all of it is there again, if no more is used."
    )
