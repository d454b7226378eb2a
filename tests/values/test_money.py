from __future__ import annotations

from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit.values.errors import Invalid
from crmkit.values.money import Money, digits, is_currency

CURRENCIES = st.sampled_from(["EUR", "JPY", "KWD", "USD"])
MINORS = st.integers(-(2**63) + 1, 2**63 - 1)


@given(MINORS, CURRENCIES)
def test_an_amount_is_read_as_it_is_written(minor: int, currency: str) -> None:
    money = Money(minor, currency)
    assert Money.of(money.amount, currency) == money
    assert money.amount.as_tuple().exponent == -digits(currency)


@given(MINORS, CURRENCIES)
def test_no_decimal_context_rounds_an_amount(minor: int, currency: str) -> None:
    with localcontext() as context:
        context.prec = 3
        money = Money(minor, currency)
        assert Money.of(money.amount, currency).minor == minor


@pytest.mark.parametrize(
    ("currency", "amount", "printed"),
    [("JPY", "100.00", "100"), ("EUR", "1E+2", "100.00"), ("KWD", "0.1", "0.100")],
)
def test_an_amount_has_the_digits_of_its_currency(currency: str, amount: str, printed: str) -> None:
    assert str(Money.of(Decimal(amount), currency).amount) == printed


@pytest.mark.parametrize("amount", ["0.001", "1E-400", "NaN", "-Infinity", "1E+17", "1E+999999"])
def test_what_a_column_cannot_hold_exactly_is_refused(amount: str) -> None:
    with pytest.raises(Invalid) as refused:
        Money.of(Decimal(amount), "EUR")
    assert refused.value.problems[0].field == ("amount",)


def test_the_largest_amount_is_that_of_a_bigint() -> None:
    largest = Money.of(Decimal("92233720368547758.07"), "EUR")
    assert largest.minor == 2**63 - 1
    with pytest.raises(Invalid, match="too large"):
        largest + Money(1, "EUR")


def test_zero_is_zero_however_it_is_written() -> None:
    assert Money.of(Decimal("-0E-999"), "JPY") == Money(0, "JPY")


def test_an_unknown_currency_is_refused() -> None:
    assert is_currency("EUR")
    assert not is_currency("eur")
    with pytest.raises(Invalid, match="'EURO' is no currency"):
        Money.of(Decimal(1), "EURO")


def test_money_of_one_currency_adds_up() -> None:
    assert sum([Money(10, "EUR")] * 3, Money(0, "EUR")) == Money(30, "EUR")
    assert Money(10, "EUR") - Money(30, "EUR") == Money(-20, "EUR")
    with pytest.raises(Invalid, match="EUR and USD"):
        Money(1, "EUR") + Money(1, "USD")
