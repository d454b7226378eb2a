"""What can go wrong with referrals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmkit import sdk

if TYPE_CHECKING:
    from crmkit_referrals.models import ReferralState

Field = str | tuple[str | int, ...]


class UnknownCode(sdk.NotFound):
    """Nobody has this code, or nobody who is still a customer."""

    reason = "referrals.unknown_code"

    def __init__(self, field: Field) -> None:
        super().__init__("Nobody has this code.", field=field)


class SelfReferral(sdk.Refused):
    """Nobody refers themselves, under another address neither."""

    reason = "referrals.self_referral"

    def __init__(self, field: Field) -> None:
        super().__init__("Nobody can refer themselves.", field=field)


class Cycle(sdk.Refused):
    """Nobody is referred by somebody whom they brought themselves."""

    reason = "referrals.cycle"

    def __init__(self) -> None:
        super().__init__(
            "The advocate came through this customer, so they cannot have brought them.",
            field="code",
        )


class AlreadyReferred(sdk.Refused):
    """A customer is referred once, by whoever was first."""

    reason = "referrals.already_referred"

    def __init__(self) -> None:
        super().__init__("This customer has been referred already.", field="customerId")


class AlreadyCustomer(sdk.Refused):
    """Who has bought before was not brought by anybody."""

    reason = "referrals.already_customer"

    def __init__(self) -> None:
        super().__init__("This customer has bought something already.", field="customerId")


class TooLate(sdk.Refused):
    """Who has been here for long was not brought by anybody."""

    reason = "referrals.too_late"

    def __init__(self, days: int) -> None:
        super().__init__(
            f"Who referred a customer can be said for {days} days.",
            field="customerId",
            params={"days": days},
        )


class WrongState(sdk.Refused):
    """The referral stands where there is no such step."""

    reason = "referrals.wrong_state"

    def __init__(self, state: ReferralState) -> None:
        super().__init__(
            f"This referral is {state.value}, which does not lead there.",
            field="referralId",
            params={"state": state.name},
        )
