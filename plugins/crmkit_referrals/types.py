"""What a client sees of referrals."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import ClassVar

from crmkit import sdk
from crmkit_referrals import models

LONGEST = 2_000


@sdk.node(
    models.Referral,
    list="referrals",
    read="referrals.referral.read",
    order_by=models.Referral.created_at.desc(),
)
class Referral:
    """A friend whom an advocate invited or brought."""

    advocate: sdk.Customer = sdk.to_one(models.Referral.advocate_id)
    """Who brought them."""
    friend: sdk.Customer | None = sdk.to_one(models.Referral.friend_id)
    """Whom; nothing before they come."""
    state: models.ReferralState
    fault: models.ReferralFault | None
    note: str | None
    email: str | None
    registered_at: datetime | None
    qualified_at: datetime | None
    rewarded_at: datetime | None
    ended_at: datetime | None
    advocate_points: sdk.BigInt
    friend_points: sdk.BigInt
    cause: sdk.Node | None = sdk.cause(models.Referral.cause_id)
    """What qualified it: the friend's first order, or another record of any kind."""


_STATES = {
    models.ReferralState.INVITED: {
        "en": "Invited a friend",
        "de": "Einen Freund eingeladen",
        "zh": "邀请了一位朋友",
    },
    models.ReferralState.REGISTERED: {
        "en": "Brought a friend",
        "de": "Einen Freund gebracht",
        "zh": "带来了一位朋友",
    },
    models.ReferralState.QUALIFIED: {
        "en": "Brought a friend who qualified",
        "de": "Einen Freund gebracht, der zählt",
        "zh": "带来的朋友已达标",
    },
    models.ReferralState.REWARDED: {
        "en": "Was rewarded for a friend",
        "de": "Für einen Freund belohnt",
        "zh": "因推荐朋友获得奖励",
    },
    models.ReferralState.REJECTED: {
        "en": "A referral was rejected",
        "de": "Eine Empfehlung wurde abgelehnt",
        "zh": "推荐被拒绝",
    },
    models.ReferralState.REVERSED: {
        "en": "A referral was reversed",
        "de": "Eine Empfehlung wurde zurückgenommen",
        "zh": "推荐被撤销",
    },
}


def _came(
    state: models.ReferralState, *, locale: str | None = None, organisation: sdk.Organisation
) -> str:
    """How far it has come."""
    return sdk.phrase(_STATES[state], locale, organisation.locale)


summary = sdk.computed(_came, models.Referral.state)
"""A referral in a line."""


@sdk.extend(sdk.Customer)
class CustomerReferrals:
    """What referrals add to a customer."""

    referral_code: str | None = sdk.side(models.Advocate.code)
    referrals_qualified: int = sdk.side(models.Advocate.qualified)
    referrals_made: sdk.Connection[Referral] = sdk.to_many(
        models.Referral.advocate_id, order_by=models.Referral.created_at.desc()
    )
    """Whom the customer invited or brought, the newest first."""
    referrals_received: sdk.Connection[Referral] = sdk.to_many(
        models.Referral.friend_id, order_by=models.Referral.created_at.desc()
    )
    """Through whom the customer came; of several, all but one were rejected."""


@sdk.extend("orders.Order")
class OrderReferrals:
    """What referrals add to an order."""

    referrals: sdk.Connection[Referral] = sdk.to_many(
        models.Referral.cause_id, order_by=models.Referral.created_at.desc()
    )
    """The referral that it qualified, if it was a friend's first."""


@sdk.extend_input(sdk.CreateCustomer)
class ReferralsInput:
    """Who referred the new customer."""

    code: str
    """The advocate's code, in small letters or capitals."""

    def __post_init__(self) -> None:
        sdk.checks.check(sdk.checks.word("code", self.code))


@dataclass(frozen=True)
class IssueReferralCode:
    """A customer who wants to bring others."""

    customer_id: sdk.Ref[sdk.Customer]
    """Who it is."""


@dataclass(frozen=True)
class IssuedReferralCode:
    """Their code; it stays the same, however often they ask."""

    code: str
    """What friends say when they come."""
    customer: sdk.Customer
    """The advocate."""


@dataclass(frozen=True)
class InviteReferral:
    """A friend whom an advocate invites."""

    code: str
    """The advocate's code."""
    email: str
    """The friend's address; nothing is sent to it from here."""

    def __post_init__(self) -> None:
        sdk.checks.check(sdk.checks.word("code", self.code))
        _ = self.normal_email

    @cached_property
    def normal_email(self) -> str:
        """The address in its normal form."""
        return sdk.email_address(self.email, field="email")


@dataclass(frozen=True)
class InvitedReferral:
    """The invitation; a second one of the same friend is the first."""

    referral: Referral
    """It, as it stands now."""


@dataclass(frozen=True)
class RegisterReferral:
    """A customer who came through somebody and said so afterwards."""

    customer_id: sdk.Ref[sdk.Customer]
    """Who came."""
    code: str
    """The advocate's code."""

    def __post_init__(self) -> None:
        sdk.checks.check(sdk.checks.word("code", self.code))


@dataclass(frozen=True)
class RegisteredReferral:
    """The referral, registered."""

    referral: Referral
    """It, as it stands now."""


@dataclass(frozen=True)
class QualifyReferral:
    """A friend who did what the programme asks for, where no order says so."""

    referral_id: sdk.Ref[Referral]
    """Which referral."""
    cause_id: sdk.Ref[sdk.Node] | None = None
    """What the friend did, a record of any kind."""


@dataclass(frozen=True)
class QualifiedReferral:
    """The referral, judged: it counts now, or it was rejected and says why."""

    referral: Referral
    """It, as it stands now."""


@dataclass(frozen=True)
class RewardReferral:
    """A qualified referral for which both get what they earned."""

    referral_id: sdk.Ref[Referral]
    """Which referral."""


@dataclass(frozen=True)
class RewardedReferral:
    """The referral, rewarded."""

    referral: Referral
    """It, as it stands now."""


@dataclass(frozen=True)
class RejectReferral:
    """A referral that somebody does not let count."""

    referral_id: sdk.Ref[Referral]
    """Which referral."""
    note: str
    """Why, in a few words."""

    def __post_init__(self) -> None:
        _check_note(self.note)


@dataclass(frozen=True)
class RejectedReferral:
    """The referral, rejected."""

    referral: Referral
    """It, as it stands now."""


@dataclass(frozen=True)
class ReverseReferral:
    """A referral that counted and no longer does, where no refund says so."""

    referral_id: sdk.Ref[Referral]
    """Which referral."""
    note: str
    """Why, in a few words."""

    def __post_init__(self) -> None:
        _check_note(self.note)


@dataclass(frozen=True)
class ReversedReferral:
    """The referral, reversed."""

    referral: Referral
    """It, as it stands now."""


@dataclass(frozen=True)
class ReferralsRegistered(sdk.Event):
    """Friends have come."""

    about: ClassVar[type | None] = Referral

    ids: tuple[str, ...]


@dataclass(frozen=True)
class ReferralsQualified(sdk.Event):
    """Friends have bought."""

    about: ClassVar[type | None] = Referral

    ids: tuple[str, ...]


@dataclass(frozen=True)
class ReferralsReversed(sdk.Event):
    """Referrals no longer count."""

    about: ClassVar[type | None] = Referral

    ids: tuple[str, ...]


def _check_note(note: str) -> None:
    sdk.checks.check(sdk.checks.present("note", note), sdk.checks.of_length("note", note, LONGEST))
