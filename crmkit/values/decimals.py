"""Exact numbers as integers of their smallest unit, which both engines sort and compare."""

from __future__ import annotations

from decimal import Decimal

from crmkit.values.errors import Invalid

_LARGEST = 2**63 - 1


def scaled(value: Decimal, digits: int) -> int:
    """The number of smallest units: 1.5 with two digits is 150.

    Counts digit by digit: arithmetic would round to its context.

    Raises:
        Invalid: It has more digits, or is larger than a column can hold.
    """
    sign, figures, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        raise Invalid(f"{value} is no number.")
    significant = "".join(map(str, figures)).rstrip("0")
    places = exponent + len(figures) - len(significant) + digits
    if not significant:
        return 0
    if value.adjusted() > 18:
        raise Invalid("This number is too large.")
    if places < 0:
        raise Invalid(f"This number has at most {digits} digits after its point.")
    units = int(significant + "0" * places)
    if units > _LARGEST:
        raise Invalid("This number is too large.")
    return -units if sign else units


def unscaled(units: int, digits: int) -> Decimal:
    """The number of so many smallest units, with all of its digits."""
    sign, figures, _ = Decimal(units).as_tuple()
    return Decimal((sign, figures, -digits))
