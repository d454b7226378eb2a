"""Events of committed units, and their deliveries to handlers."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, Integer, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from crmkit.store.column_types import SEQUENCE, Choice, Code, CurrentTransaction, Json
from crmkit.store.database import Base, column, unscoped

_NEW = {"postgresql_where": text("NOT fanned_out"), "sqlite_where": text("fanned_out = 0")}
_PENDING = {f"{each}_where": text("state = 'pending'") for each in ("postgresql", "sqlite")}


class DeliveryState(Enum):
    """What has become of a delivery."""

    PENDING = "pending"
    """It waits for its turn, for its next try, or for a handler that is at work."""
    DONE = "done"
    """Its handler has had its effect."""
    DEAD = "dead"
    """It failed too often; whoever comes after it is no longer held up."""


class Outbox(Base):
    """An event, written by the unit in which it happened."""

    __tablename__ = "outbox"
    __audited__ = False
    __erasure__ = "mention"
    __scope__ = unscoped("handlers act for the system")
    __table_args__ = (
        Index("ix_outbox_new", "seq", **_NEW),  # type: ignore[arg-type]
        Index("ix_outbox_transaction", "transaction"),
    )

    seq: Mapped[int] = mapped_column(SEQUENCE, Identity(), primary_key=True, init=False)
    at: Mapped[datetime] = column(doc="When it happened.")
    plugin: Mapped[str] = column(Code, personal=False, doc="Who tells of it.")
    name: Mapped[str] = column(Code, personal=False, doc="What happened.")
    version: Mapped[int] = column(Integer, doc="Which form its payload has.")
    record: Mapped[str] = column(Code, personal=False, doc="To what; its events keep their order.")
    payload: Mapped[dict[str, Any]] = column(Json, personal=True, doc="Ids and changed fields.")
    request_id: Mapped[str] = column(Code, personal=False, doc="In which request.")
    fanned_out: Mapped[bool] = column(default=False, doc="Whether its deliveries were made.")
    # By it a reader sees what was committed since it last looked: a lower number may be
    # committed later. SQLite has one writer, whose numbers are in the order of commits.
    transaction: Mapped[int | None] = mapped_column(
        BigInteger, server_default=CurrentTransaction(), init=False
    )


class Delivery(Base):
    """One event on its way to one handler."""

    __tablename__ = "delivery"
    __audited__ = False
    __erasure__ = "mention"
    __scope__ = unscoped("handlers act for the system")
    __table_args__ = (
        Index("uq_delivery_event", "event", "handler", unique=True),
        # What a handler is told next, whatever others still have to be told.
        Index("ix_delivery_next", "handler", "event", **_PENDING),  # type: ignore[arg-type]
        Index("ix_delivery_turn", "handler", "record", "event", **_PENDING),  # type: ignore[arg-type]
    )

    seq: Mapped[int] = mapped_column(SEQUENCE, Identity(), primary_key=True, init=False)
    event: Mapped[int] = mapped_column(SEQUENCE, ForeignKey("outbox.seq"))
    handler: Mapped[str] = column(Code, personal=False, doc="To whom.")
    record: Mapped[str] = column(Code, personal=False, doc="The record of the event.")
    state: Mapped[DeliveryState] = column(
        Choice(DeliveryState), default=DeliveryState.PENDING, doc="What has become of it."
    )
    tries: Mapped[int] = column(Integer, default=0, doc="How often it was begun.")
    due: Mapped[datetime] = column(doc="When it may be tried.")
    leased_until: Mapped[datetime | None] = column(
        default=None, doc="Until when nobody else tries it."
    )
    problem: Mapped[str | None] = column(
        Text, personal=True, default=None, doc="Why its last try failed."
    )
