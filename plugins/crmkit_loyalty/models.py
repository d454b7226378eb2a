"""Tables: what an account holds, and every change of it."""

from __future__ import annotations

from enum import Enum

from sqlalchemy import BigInteger, ForeignKey, Index, Text
from sqlalchemy.orm import Mapped

from crmkit import sdk


@sdk.enum
class EntryKind(Enum):
    """Why points came or went."""

    EARN = "earn"
    """Earned, by an order or by another thing that the customer did."""
    REDEEM = "redeem"
    """Spent by the customer."""
    ADJUST = "adjust"
    """Put right by somebody, who says why."""
    REVERSE = "reverse"
    """Taken back, because what earned them was undone."""


QUALIFYING = (EntryKind.EARN, EntryKind.REVERSE)
"""The kinds that count towards a tier: spending points loses nobody a tier."""


class Account(sdk.Base):
    """What a customer's entries sum up to; changed only together with them."""

    __tablename__ = "loyalty_account"

    customer_id: Mapped[str] = sdk.column(
        ForeignKey("customer.id"), primary_key=True, doc="Whose points these are."
    )
    balance: Mapped[int] = sdk.column(
        BigInteger,
        default=0,
        filterable=True,
        merge="sum",
        doc="The points that the customer can spend.",
    )
    earned: Mapped[int] = sdk.column(
        BigInteger,
        default=0,
        filterable=True,
        merge="sum",
        doc="The points that the customer ever earned and kept, spent or not.",
    )


class Entry(sdk.Record):
    """Points that came or went; it never changes."""

    __tablename__ = "loyalty_entry"
    __append_only__ = True
    # The newest entries of each customer, without sorting the others.
    __table_args__ = (Index("ix_loyalty_entry_customer_id", "customer_id", "created_at", "id"),)

    customer_id: Mapped[str] = sdk.column(ForeignKey("customer.id"), doc="Whose points they are.")
    kind: Mapped[EntryKind] = sdk.column(
        sdk.Choice(EntryKind), filterable=True, doc="Why they came or went."
    )
    points: Mapped[int] = sdk.column(
        BigInteger, filterable=True, doc="How many came; below zero, how many went."
    )
    cause_id: Mapped[str | None] = sdk.column(
        sdk.Code,
        personal=False,
        filterable=True,
        default=None,
        doc="What led to it, a record of any kind.",
    )
    # Nobody can take back the same points twice, however many try at once.
    reverses_id: Mapped[str | None] = sdk.column(
        ForeignKey("loyalty_entry.id"),
        unique=True,
        default=None,
        doc="The entry that it takes back.",
    )


class Remark(sdk.Base):
    """Why somebody changed points, apart: an entry never changes, but erasure empties this."""

    __tablename__ = "loyalty_remark"

    entry_id: Mapped[str] = sdk.column(
        ForeignKey("loyalty_entry.id"), primary_key=True, doc="The entry that it explains."
    )
    reason: Mapped[str | None] = sdk.column(
        Text, personal=True, default=None, doc="Why, in somebody's words."
    )
