"""Tables: messages, and how many each customer was sent."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

from sqlalchemy import BigInteger, ForeignKey, Index, Text
from sqlalchemy.orm import Mapped

from crmkit import sdk


@sdk.enum
class SmsState(Enum):
    """What became of a message."""

    QUEUED = "queued"
    """It waits for the provider."""
    SENT = "sent"
    """The provider has taken it."""
    FAILED = "failed"
    """It will not be sent; the problem says why."""


class Message(sdk.Versioned):
    """A text to a customer's phone."""

    __tablename__ = "acme_sms_message"
    __table_args__ = (Index("ix_acme_sms_message_customer_id", "customer_id", "created_at", "id"),)

    customer_id: Mapped[str] = sdk.column(ForeignKey("customer.id"), doc="To whom.")
    number: Mapped[str] = sdk.column(
        sdk.Code, personal=True, doc="The number as E.164 writes it: +493012345678."
    )
    text: Mapped[str] = sdk.column(Text, personal=True, doc="What it says.")
    state: Mapped[SmsState] = sdk.column(
        sdk.Choice(SmsState), filterable=True, default=SmsState.QUEUED, doc="What became of it."
    )
    sent_at: Mapped[datetime | None] = sdk.column(
        sdk.UtcDateTime, filterable=True, default=None, doc="When the provider took it."
    )
    provider_id: Mapped[str | None] = sdk.column(
        sdk.Code, personal=False, default=None, doc="What the provider calls it."
    )
    problem: Mapped[str | None] = sdk.column(
        Text, personal=True, default=None, doc="Why it will not be sent."
    )
    cause_id: Mapped[str | None] = sdk.column(
        sdk.Code,
        personal=False,
        filterable=True,
        default=None,
        doc="What led to it, a record of any kind.",
    )


class Tally(sdk.Base):
    """How often a customer was texted; it comes with the customer."""

    __tablename__ = "acme_sms_tally"

    customer_id: Mapped[str] = sdk.column(
        ForeignKey("customer.id"), primary_key=True, doc="Who was texted."
    )
    sent: Mapped[int] = sdk.column(
        BigInteger, filterable=True, default=0, merge="sum", doc="How many texts were sent."
    )
