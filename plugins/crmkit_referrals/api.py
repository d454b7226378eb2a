"""What other plugins may know of referrals."""

from __future__ import annotations

from crmkit_referrals.models import Referral as ReferralRow
from crmkit_referrals.models import ReferralFault, ReferralState
from crmkit_referrals.service import (
    invite_referral,
    issue_referral_code,
    qualify_referral,
    register_referral,
    reject_referral,
    reverse_referral,
    reward_referral,
)
from crmkit_referrals.types import (
    InviteReferral,
    IssueReferralCode,
    QualifyReferral,
    Referral,
    ReferralsQualified,
    ReferralsRegistered,
    ReferralsReversed,
    RegisterReferral,
    RejectReferral,
    ReverseReferral,
    RewardReferral,
)

__all__ = [
    "InviteReferral",
    "IssueReferralCode",
    "QualifyReferral",
    "Referral",
    "ReferralFault",
    "ReferralRow",
    "ReferralState",
    "ReferralsQualified",
    "ReferralsRegistered",
    "ReferralsReversed",
    "RegisterReferral",
    "RejectReferral",
    "ReverseReferral",
    "RewardReferral",
    "invite_referral",
    "issue_referral_code",
    "qualify_referral",
    "register_referral",
    "reject_referral",
    "reverse_referral",
    "reward_referral",
]
