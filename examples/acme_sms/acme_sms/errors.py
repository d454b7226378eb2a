"""What can go wrong with text messages."""

from __future__ import annotations

from crmkit import sdk


class NoProvider(sdk.Refused):
    """Nobody has said who carries the messages."""

    reason = "acme_sms.no_provider"

    def __init__(self) -> None:
        super().__init__("No provider is set; say url and token under [plugins.acme_sms].")


class NoNumber(sdk.Refused):
    """The customer cannot be texted."""

    reason = "acme_sms.no_number"

    def __init__(self) -> None:
        super().__init__("This customer has no phone number.", field="customerId")


class NotTheirNumber(sdk.Refused):
    """A text goes to a number of the customer's, and to nobody else's."""

    reason = "acme_sms.not_their_number"

    def __init__(self) -> None:
        super().__init__("This is no number of the customer's.", field="number")


class Rejected(Exception):
    """The provider will never send this message."""


class ProviderAway(Exception):
    """The provider did not take the message; it may the next time."""
