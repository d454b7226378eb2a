"""Addresses and numbers in the one form in which they can be compared."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

from crmkit.values.errors import Invalid

_SHORTEST = len("+6834000")  # Niue; whatever is shorter can be called from nowhere else


def email_address(given: str, *, field: str = "address") -> str:
    """Puts a mail address into its normal form; asks no server whether it exists.

    Raises:
        Invalid: Nobody can have this address.
    """
    mail = _later("email_validator")
    try:
        return str(mail.validate_email(given.strip(), check_deliverability=False).normalized)
    except mail.EmailNotValidError as error:
        raise Invalid(f"{given[:80]!r} is no mail address: {error}", field=field) from None


def phone_number(given: str, region: str) -> str:
    """Writes a number as E.164 does, reading a national one as of this region.

    Raises:
        Invalid: No number of any plan looks like this.
    """
    phonenumbers = _later("phonenumbers")
    try:
        number = phonenumbers.parse(given, region)
    except phonenumbers.NumberParseException:
        raise _no_number(given) from None
    written: str = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    # Only the length is asked about: which blocks are in use changes by the week.
    if not phonenumbers.is_possible_number(number) or len(written) < _SHORTEST:
        raise _no_number(given)
    return written


@cache
def _later(module: str) -> Any:
    # Both together take as long to import as the database to be opened, and most commands, and
    # many requests, are about nobody's address.
    return import_module(module)


def _no_number(given: str) -> Invalid:
    return Invalid(f"{given[:80]!r} is no phone number.", field="number")
