from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit_referrals import codes
from tests.plugins.referrals.circle import SIGN_UP, code_of, refusal, sign_up, states
from tests.plugins.shop import add_customer, row_counts

if TYPE_CHECKING:
    from crmkit.testing import Trial

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("alike", ["0O", "1IL", "2Z", "5S", "8B", "UV"])
def test_no_two_letters_of_a_code_look_alike(alike: str) -> None:
    assert not set(alike) & set(codes.ALPHABET)


@given(st.text(codes.ALPHABET, min_size=codes.LENGTH, max_size=codes.LENGTH))
def test_a_code_is_the_same_however_it_is_typed(code: str) -> None:
    typed = f" {code[:4].lower()}-{code[4:]} "
    assert codes.folded(typed) == codes.folded(code) == code
    wide = "".join(chr(ord(each) + 0xFEE0) for each in code)
    assert codes.folded(wide) == code


async def test_a_customer_has_one_code_and_only_when_somebody_asks(t: Trial) -> None:
    ada, ben = [await add_customer(t, name) for name in ("Ada", "Ben")]
    code = await code_of(t, ada)
    assert re.fullmatch(f"[{codes.ALPHABET}]{{{codes.LENGTH}}}", code)
    assert await code_of(t, ada) == code
    assert await code_of(t, ben) != code
    found = await t.gql(
        "query ($code: String!) { customers(where: {referralCode: {eq: $code}}) { nodes { id } } }",
        code=code,
    )
    assert found["customers"]["nodes"] == [{"id": ada}]


async def test_a_code_that_is_taken_is_drawn_again(
    t: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, ben = [await add_customer(t, name) for name in ("Ada", "Ben")]
    taken = await code_of(t, ada)
    drawn = iter([taken, "ACDEFGHJ"])
    monkeypatch.setattr(codes, "draw", lambda: next(drawn))
    assert await code_of(t, ben) == "ACDEFGHJ"


async def test_a_new_customer_names_a_code_in_any_spelling(t: Trial) -> None:
    code = await code_of(t, await add_customer(t, "Ada"))
    await sign_up(t, "Ben", f" {code[:4].lower()} {code[4:]}")
    assert await states(t) == ["REGISTERED"]


async def test_a_code_that_nobody_has_is_refused_with_its_field(t: Trial) -> None:
    before = await row_counts(t)
    [error] = await t.errors(SIGN_UP, input={"name": "Ben", "referrals": {"code": "ACDEFGHJ"}})
    field = ["input", "referrals", "code"]
    assert refusal(error) == ("NOT_FOUND", "referrals.unknown_code", field)
    assert error["extensions"]["plugin"] == "referrals"
    [error] = await t.errors(SIGN_UP, input={"name": "Ben", "referrals": {"code": " "}})
    assert refusal(error)[::2] == ("INVALID", field)
    assert await row_counts(t) == before


async def test_in_bulk_only_those_with_a_wrong_code_stay_outside(t: Trial) -> None:
    code = await code_of(t, await add_customer(t, "Ada"))
    items = [
        {"name": "Ben", "referrals": {"code": code}},
        {"name": "Cleo", "referrals": {"code": "ACDEFGHJ"}},
        {"name": "Dan"},
    ]
    done = await t.gql(
        """mutation ($items: [CreateCustomerItem!]!) {
          createCustomers(input: {items: $items, onError: SKIP}) {
            results { outcome error { reason problems { field } } } } }""",
        items=items,
    )
    results = done["createCustomers"]["results"]
    assert [each["outcome"] for each in results] == ["CREATED", "REJECTED", "CREATED"]
    assert results[1]["error"]["reason"] == "referrals.unknown_code"
    field = ["input", "items", "1", "referrals", "code"]
    assert [str(each) for each in results[1]["error"]["problems"][0]["field"]] == field
    assert await states(t) == ["REGISTERED"]


async def test_the_code_of_somebody_who_left_is_unknown(t: Trial) -> None:
    ada = await add_customer(t, "Ada")
    code = await code_of(t, ada)
    await t.gql(
        "mutation ($id: ID!) { deleteCustomer(input: {id: $id}) { deletedCustomerId } }", id=ada
    )
    [error] = await t.errors(SIGN_UP, input={"name": "Ben", "referrals": {"code": code}})
    assert refusal(error)[1] == "referrals.unknown_code"


async def test_whoever_names_no_code_costs_no_statement(t: Trial) -> None:
    code = await code_of(t, await add_customer(t, "Ada"))
    with t.statements() as without:
        await sign_up(t, "Ben")
    assert not [each for each in without if each.startswith("SELECT") and "referrals_" in each]
    with t.statements() as one:
        await sign_up(t, "Cleo", code)
    items = [{"name": f"Friend {n}", "referrals": {"code": code}} for n in range(20)]
    with t.statements() as many:
        await t.gql(
            """mutation ($items: [CreateCustomerItem!]!) {
              createCustomers(input: {items: $items}) { results { customer { id } } } }""",
            items=items,
        )
    assert len(many) == len(one)
