from __future__ import annotations

from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit.values.decimals import scaled, unscaled
from crmkit.values.errors import Invalid

UNITS = st.integers(-(2**63) + 1, 2**63 - 1)
DIGITS = st.integers(0, 9)


@given(UNITS, DIGITS)
def test_a_number_is_read_as_it_is_written_in_any_context(units: int, digits: int) -> None:
    with localcontext() as context:
        context.prec = 3
        number = unscaled(units, digits)
        assert number.as_tuple().exponent == -digits
        assert scaled(number, digits) == units


@given(st.lists(UNITS, min_size=2), DIGITS)
def test_numbers_sort_as_their_units_do(units: list[int], digits: int) -> None:
    numbers = sorted(unscaled(each, digits) for each in units)
    assert [scaled(each, digits) for each in numbers] == sorted(units)


@pytest.mark.parametrize("text", ["0.001", "1E-400", "NaN", "-Infinity", "1E+17", "1E+999999"])
def test_what_a_column_cannot_hold_exactly_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        scaled(Decimal(text), 2)


@pytest.mark.parametrize(("text", "units"), [("-0E-999", 0), ("1.50", 150), ("1E+2", 10000)])
def test_a_number_may_be_written_in_several_ways(text: str, units: int) -> None:
    assert scaled(Decimal(text), 2) == units
