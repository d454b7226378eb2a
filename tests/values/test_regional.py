from __future__ import annotations

import pytest
from babel import Locale

from crmkit.values.regional import country_name, is_country


@pytest.mark.parametrize("code", ["DE", "CN", "GB", "XK", "AQ"])
def test_a_country_is_known_by_its_code(code: str) -> None:
    assert is_country(code)


@pytest.mark.parametrize("code", ["", "de", "UK", "EU", "ZZ", "419", "D", "DEU"])
def test_what_is_no_country_is_not_known(code: str) -> None:
    assert not is_country(code)


def test_every_country_has_a_name() -> None:
    named = [each for each in Locale("en").territories if is_country(each)]
    assert len(named) == 250
    assert all(country_name(each, "en") != each for each in named)


def test_the_first_locale_that_knows_a_country_names_it() -> None:
    assert country_name("AT", "de_AT", "en") == "Österreich"
    assert country_name("AT", None, "zh-CN") == "奥地利"
    assert country_name("AT") == "AT"


@pytest.mark.parametrize("locale", ["klingon!", "xx-YY", ""])
def test_a_locale_that_nobody_speaks_is_passed_over(locale: str) -> None:
    assert country_name("AT", locale, "en") == "Austria"
