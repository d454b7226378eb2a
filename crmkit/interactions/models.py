"""Tables: interactions, and what was said in them."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Any

from sqlalchemy import ForeignKey, Index, Text
from sqlalchemy.orm import Mapped

from crmkit.engine.nodes import enum
from crmkit.store.column_types import Choice, Code, Json, UtcDateTime
from crmkit.store.database import Base, Record, column


@enum
class Direction(Enum):
    """Who turned to whom."""

    INBOUND = "inbound"
    """The customer turned to us."""
    OUTBOUND = "outbound"
    """We turned to the customer."""
    INTERNAL = "internal"
    """We noted something among ourselves."""


class Interaction(Record):
    """Something said or done; it never changes, a correction supersedes it."""

    __tablename__ = "interaction"
    __append_only__ = True
    __table_args__ = (Index("ix_interaction_customer_id", "customer_id", "occurred_at", "id"),)

    customer_id: Mapped[str] = column(ForeignKey("customer.id"), doc="With whom.")
    channel_id: Mapped[str] = column(ForeignKey("channel.id"), doc="Through which medium.")
    touchpoint_id: Mapped[str | None] = column(
        ForeignKey("touchpoint.id"), default=None, doc="At which named place."
    )
    direction: Mapped[Direction] = column(
        Choice(Direction), filterable=True, doc="Who turned to whom."
    )
    kind: Mapped[str] = column(
        Code,
        personal=False,
        filterable=True,
        groupable=True,
        doc="What it was, by its key: note, question, offer.",
    )
    occurred_at: Mapped[datetime] = column(UtcDateTime, filterable=True, doc="When it happened.")
    actor: Mapped[str] = column(Code, personal=False, filterable=True, doc="Who recorded it.")
    cause_id: Mapped[str | None] = column(
        Code,
        personal=False,
        filterable=True,
        default=None,
        doc="What led to it, a record of any kind.",
    )
    supersedes_id: Mapped[str | None] = column(
        ForeignKey("interaction.id"), unique=True, default=None, doc="The record that it corrects."
    )


class InteractionContent(Base):
    """What was said, apart: an interaction never changes, but erasing a person empties this."""

    __tablename__ = "interaction_content"

    interaction_id: Mapped[str] = column(
        ForeignKey("interaction.id"), primary_key=True, doc="Where it was said."
    )
    subject: Mapped[str | None] = column(
        Text, personal=True, filterable=True, default=None, doc="What it was about."
    )
    body: Mapped[str | None] = column(
        Text, personal=True, default=None, doc="What was said, in full."
    )
    properties: Mapped[dict[str, Any]] = column(
        Json, personal=True, default_factory=dict, doc="Whatever else is known, freely."
    )
