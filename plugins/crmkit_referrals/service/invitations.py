"""Codes by which friends name an advocate, and the friends whom advocates invite."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmkit import sdk
from crmkit_referrals import codes, errors, repository
from crmkit_referrals.config import Context
from crmkit_referrals.models import Advocate
from crmkit_referrals.models import Referral as ReferralRow
from crmkit_referrals.service.pairs import places_of
from crmkit_referrals.types import (
    InvitedReferral,
    InviteReferral,
    IssuedReferralCode,
    IssueReferralCode,
    Referral,
)

if TYPE_CHECKING:
    from collections.abc import Iterable


@sdk.mutation(permission="referrals.code.issue")
async def issue_referral_code(context: Context, input: IssueReferralCode) -> IssuedReferralCode:
    """Give a customer the code by which friends name them, the same each time."""
    [(customer_id, code, _)] = await context.rules(repository.held([input.customer_id]))
    if code is None:
        code = await _free_code(context)
        context.write.change(Advocate, customer_id, set={Advocate.code: code})
    return IssuedReferralCode(code=code, customer=sdk.ref(sdk.Customer, customer_id))


async def _free_code(context: Context) -> str:
    while await advocates_of(context, [code := codes.draw()]):
        continue
    return code


@sdk.mutation(permission="referrals.referral.invite")
async def invite_referral(context: Context, input: InviteReferral) -> InvitedReferral:
    """Note that an advocate invites a friend, who is no customer yet."""
    advocate_id = await advocate_of(context, input.code)
    # Held, so that of two invitations of one friend the second finds the first.
    await context.rules(repository.held([advocate_id]))
    key = context.config.mail_key(input.normal_email)
    if key in (await places_of(context, [advocate_id]))[advocate_id]:
        raise errors.SelfReferral("email")
    for referral_id, by, _ in await context.rules(repository.invitations([key])):
        if by == advocate_id:
            return InvitedReferral(referral=sdk.ref(Referral, referral_id))
    row = ReferralRow(advocate_id=advocate_id, email=input.normal_email, email_key=key)
    context.write.add(row)
    return InvitedReferral(referral=sdk.ref(Referral, row.id))


async def advocate_of(context: Context, code: str) -> str:
    """Who has this code.

    Raises:
        UnknownCode: Nobody has it.
    """
    for found in (await advocates_of(context, [code])).values():
        return found
    raise errors.UnknownCode("code")


async def advocates_of(context: Context, given: Iterable[str]) -> dict[str, str]:
    """Who has these codes, however they were typed."""
    wanted = {codes.folded(each) for each in given}
    found = await context.rules(repository.advocates(wanted))
    return {code: customer_id for code, customer_id in found if code is not None}
