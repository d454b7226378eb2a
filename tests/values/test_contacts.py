from __future__ import annotations

import pytest

from crmkit.values.contacts import email_address, phone_number
from crmkit.values.errors import Invalid


def test_a_domain_has_no_case_and_a_mailbox_keeps_its_own() -> None:
    assert email_address(" Ada.L@EXAMPLE.com ") == "Ada.L@example.com"


@pytest.mark.parametrize("given", ["nobody", "a@b", "a b@example.com", "a@example..com", ""])
def test_what_nobody_can_have_is_no_address(given: str) -> None:
    with pytest.raises(Invalid) as caught:
        email_address(given)
    assert caught.value.problems[0].field == ("address",)


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("030 1234567", "+49301234567"),
        ("+86 138 0013 8000", "+8613800138000"),
        ("0049 30 1234567", "+49301234567"),
    ],
)
def test_a_number_is_read_as_of_its_region(given: str, written: str) -> None:
    assert phone_number(given, "DE") == written


@pytest.mark.parametrize(
    "given", ["", "call me", "12", "123", "+49 30 12345678901234567", "+999 1"]
)
def test_what_cannot_be_called_is_no_number(given: str) -> None:
    with pytest.raises(Invalid) as caught:
        phone_number(given, "DE")
    assert caught.value.problems[0].field == ("number",)
