"""Tables: the steps of the ladder and the moves between them."""

from __future__ import annotations

from sqlalchemy import Boolean, ForeignKey, Integer, UniqueConstraint
from sqlalchemy.orm import Mapped

from crmkit.store.column_types import Code, Json
from crmkit.store.database import Record, Versioned, column


class Stage(Versioned):
    """A step of the ladder."""

    __tablename__ = "stage"

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
    position: Mapped[int] = column(
        Integer, filterable=True, doc="Its place on the ladder; the lowest comes first."
    )
    is_default: Mapped[bool] = column(
        Boolean, default=False, filterable=True, doc="Whether new customers begin here."
    )


class StageTransition(Record):
    """A move that is allowed."""

    __tablename__ = "stage_transition"
    __table_args__ = (UniqueConstraint("from_id", "to_id"),)

    from_id: Mapped[str] = column(ForeignKey("stage.id"), doc="The stage it leaves.")
    to_id: Mapped[str] = column(ForeignKey("stage.id"), doc="The stage it leads to.")
