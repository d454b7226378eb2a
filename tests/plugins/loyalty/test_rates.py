from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from crmkit import sdk
from crmkit_loyalty.config import LoyaltyConfig

RATES = st.decimals(0, 1000, places=4)
MINORS = st.integers(0, 10**12)


@pytest.mark.parametrize(
    ("config", "amount", "currency", "points"),
    [
        ({}, "0.00", "EUR", 0),
        ({}, "0.99", "EUR", 0),
        ({}, "11.77", "USD", 11),
        ({}, "500", "JPY", 500),
        ({}, "1.999", "KWD", 1),
        ({"points_per_unit": "0.1"}, "9.99", "EUR", 0),
        ({"points_per_unit": "0.1"}, "10.00", "EUR", 1),
        ({"points_per_unit": "1.5"}, "3.99", "EUR", 5),
        ({"rates": {"JPY": "0.01"}}, "1999", "JPY", 19),
        ({"rates": {"JPY": "0.01"}}, "3.00", "EUR", 3),
        ({"points_per_unit": 0}, "100.00", "EUR", 0),
    ],
)
def test_whole_points_follow_from_the_price(
    config: dict[str, object], amount: str, currency: str, points: int
) -> None:
    rules = LoyaltyConfig.model_validate(config)
    assert rules.points_for(sdk.Money.of(Decimal(amount), currency)) == points


@given(RATES, st.lists(MINORS, min_size=1, max_size=5), st.sampled_from(["EUR", "JPY", "KWD"]))
def test_splitting_an_order_never_makes_points(
    rate: Decimal, parts: list[int], currency: str
) -> None:
    rules = LoyaltyConfig(points_per_unit=rate)
    together = rules.points_for(sdk.Money(sum(parts), currency))
    apart = sum(rules.points_for(sdk.Money(part, currency)) for part in parts)
    assert together - len(parts) < apart <= together


@pytest.mark.parametrize(
    "section",
    [
        {"points_per_unit": -1},
        {"rates": {"euro": 1}},
        {"welcome_points": -5},
        {"spent_points": "ignore"},
        {"tiers": {"gold": -1}},
        {"point_per_unit": 1},
    ],
)
def test_rules_that_cannot_be_meant_are_refused(section: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        LoyaltyConfig.model_validate(section)
