"""Tables: who can refer, and every friend that somebody invited or brought."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, Text, text
from sqlalchemy.orm import Mapped

from crmkit import sdk


@sdk.enum
class ReferralState(Enum):
    """How far a referral has come."""

    INVITED = "invited"
    """The friend was invited, and has not come yet."""
    REGISTERED = "registered"
    """The friend has come, and has not bought yet."""
    QUALIFIED = "qualified"
    """The friend has bought, and both have earned something that they do not have yet."""
    REWARDED = "rewarded"
    """Both have what they earned."""
    REJECTED = "rejected"
    """It does not count."""
    REVERSED = "reversed"
    """It counted until the friend's order was refunded; what was given was taken back."""


@sdk.enum
class ReferralFault(Enum):
    """Why a referral does not count."""

    SELF_REFERRAL = "self_referral"
    """Advocate and friend can be reached at the same place."""
    ALREADY_REFERRED = "already_referred"
    """Another advocate brought the friend."""
    CAP_REACHED = "cap_reached"
    """The advocate had brought as many as count."""
    REJECTED_BY_HAND = "rejected_by_hand"
    """Somebody decided so; their note says why."""


COUNTED = (ReferralState.QUALIFIED, ReferralState.REWARDED)
"""The states that count towards an advocate's cap."""

ATTRIBUTED = (ReferralState.REGISTERED, *COUNTED, ReferralState.REVERSED)
"""The states in which the friend is this advocate's, and nobody else's."""

# Partial indexes are said per engine.
_OF_ONE: dict[str, Any] = {
    f"{engine}_where": text("state NOT IN ('invited', 'rejected')")
    for engine in ("sqlite", "postgresql")
}


class Advocate(sdk.Base):
    """What a customer has as somebody who may bring others."""

    __tablename__ = "referrals_advocate"

    customer_id: Mapped[str] = sdk.column(
        ForeignKey("customer.id"), primary_key=True, doc="Who brings others."
    )
    code: Mapped[str | None] = sdk.column(
        sdk.Code,
        personal=True,
        filterable=True,
        unique=True,
        default=None,
        doc="What friends say when they come; nothing until somebody asks for it.",
    )
    qualified: Mapped[int] = sdk.column(
        Integer,
        default=0,
        filterable=True,
        merge="sum",
        doc="How many friends qualified, and stayed so.",
    )


class Referral(sdk.Versioned):
    """A friend whom an advocate invited or brought."""

    __tablename__ = "referrals_referral"
    __scope__ = sdk.through("advocate_id")
    __table_args__ = (
        # Of two advocates at one time, one must fail: nobody is brought twice.
        Index("uq_referrals_referral_friend_id", "friend_id", unique=True, **_OF_ONE),
        Index("ix_referrals_referral_friend_id", "friend_id", "created_at", "id"),
        Index("ix_referrals_referral_advocate_id", "advocate_id", "created_at", "id"),
        Index("ix_referrals_referral_email_key", "email_key"),
    )

    advocate_id: Mapped[str] = sdk.column(ForeignKey("customer.id"), doc="Who brought them.")
    friend_id: Mapped[str | None] = sdk.column(
        ForeignKey("customer.id"), default=None, doc="Whom; nothing before they come."
    )
    state: Mapped[ReferralState] = sdk.column(
        sdk.Choice(ReferralState),
        filterable=True,
        default=ReferralState.INVITED,
        doc="How far it has come.",
    )
    fault: Mapped[ReferralFault | None] = sdk.column(
        sdk.Choice(ReferralFault), filterable=True, default=None, doc="Why it does not count."
    )
    note: Mapped[str | None] = sdk.column(
        Text, personal=True, default=None, doc="Why somebody ended it, in their words."
    )
    email: Mapped[str | None] = sdk.column(
        Text, personal=True, default=None, doc="The address to which the invitation went."
    )
    email_key: Mapped[str | None] = sdk.column(
        sdk.Code, personal=True, default=None, doc="What that address is compared by."
    )
    registered_at: Mapped[datetime | None] = sdk.column(
        sdk.UtcDateTime, default=None, doc="When the friend came."
    )
    qualified_at: Mapped[datetime | None] = sdk.column(
        sdk.UtcDateTime, filterable=True, default=None, doc="When it qualified."
    )
    rewarded_at: Mapped[datetime | None] = sdk.column(
        sdk.UtcDateTime, default=None, doc="When both got what they earned."
    )
    ended_at: Mapped[datetime | None] = sdk.column(
        sdk.UtcDateTime, default=None, doc="When it was rejected or reversed."
    )
    # As promised when it qualified: a later change of the programme changes nothing here.
    advocate_points: Mapped[int] = sdk.column(
        BigInteger, default=0, doc="What the advocate earned by it."
    )
    friend_points: Mapped[int] = sdk.column(
        BigInteger, default=0, doc="What the friend earned by it."
    )
    cause_id: Mapped[str | None] = sdk.column(
        sdk.Code,
        personal=False,
        filterable=True,
        default=None,
        doc="What qualified it: the friend's first order, or another record of any kind.",
    )
