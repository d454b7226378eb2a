"""The rules of referrals: who came through whom, and what both get for it."""

from crmkit_referrals.service.ends import orders_refunded, reject_referral, reverse_referral
from crmkit_referrals.service.invitations import invite_referral, issue_referral_code
from crmkit_referrals.service.merges import end_needless
from crmkit_referrals.service.registrations import check_codes, register_new, register_referral
from crmkit_referrals.service.rewards import orders_recorded, qualify_referral, reward_referral

__all__ = [
    "check_codes",
    "end_needless",
    "invite_referral",
    "issue_referral_code",
    "orders_recorded",
    "orders_refunded",
    "qualify_referral",
    "register_new",
    "register_referral",
    "reject_referral",
    "reverse_referral",
    "reward_referral",
]
