from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit.customers.types import PostalAddress, place

pytestmark = pytest.mark.anyio

BERLIN = {
    "country": "DE",
    "lines": ["Invalidenstraße 1"],
    "locality": "Berlin",
    "postalCode": "10115",
    "label": "delivery",
}
VIENNA = {"country": "AT", "locality": "Wien", "postalCode": "1010"}
SHOWN = (
    "addresses { country countryName(locale: %s) lines locality region postalCode label isPrimary }"
)


async def test_a_customer_has_several_addresses_the_one_to_use_first(office: Any) -> None:
    who = await office.create(addresses=[BERLIN, {**VIENNA, "country": " at ", "primary": True}])
    found = await office.customer(who, SHOWN % '"de"')
    assert found["addresses"] == [
        {
            "country": "AT",
            "countryName": "Österreich",
            "lines": [],
            "locality": "Wien",
            "region": None,
            "postalCode": "1010",
            "label": None,
            "isPrimary": True,
        },
        {
            "country": "DE",
            "countryName": "Deutschland",
            "lines": ["Invalidenstraße 1"],
            "locality": "Berlin",
            "region": None,
            "postalCode": "10115",
            "label": "delivery",
            "isPrimary": False,
        },
    ]


async def test_a_country_is_called_as_the_organisation_speaks_where_nobody_says_else(
    office: Any,
) -> None:
    who = await office.create(addresses=[{"country": "JP"}])
    found = await office.customer(
        who, 'addresses { countryName chinese: countryName(locale: "zh-CN") }'
    )
    assert found["addresses"] == [{"countryName": "Japan", "chinese": "日本"}]


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        ({"country": "Germany"}, [0, "country"]),
        ({"country": "EU"}, [0, "country"]),
        ({"country": "ZZ"}, [0, "country"]),
        ({"country": "DE", "lines": ["x", " "]}, [0, "lines", 1]),
        ({"country": "DE", "lines": ["x"] * 11}, [0, "lines"]),
        ({"country": "DE", "lines": ["x" * 201]}, [0, "lines", 0]),
        ({"country": "DE", "locality": "x" * 201}, [0, "locality"]),
        ({"country": "DE", "region": "x" * 201}, [0, "region"]),
        ({"country": "DE", "postalCode": "1" * 21}, [0, "postalCode"]),
        ({"country": "DE", "label": "x" * 201}, [0, "label"]),
    ],
)
async def test_a_fault_of_an_address_says_where_it_stands(
    office: Any, bad: dict[str, Any], field: list[str | int]
) -> None:
    for verb in ("createCustomer", "upsertCustomer"):
        sign = {"emails": [{"address": "a@example.com"}]}
        error = await office.fail(verb, name="Ada", addresses=[bad], **sign)
        assert (error["code"], error["problems"][0]["field"]) == (
            "INVALID",
            ["input", "addresses", *field],
        )
    assert (await office.t.gql("{ customers { totalCount } }"))["customers"]["totalCount"] == 0


async def test_one_address_in_two_spellings_stands_there_once(office: Any) -> None:
    again = {**BERLIN, "locality": " BERLIN ", "label": None}
    error = await office.fail("createCustomer", name="Ada", addresses=[BERLIN, again])
    assert error["problems"][0]["field"] == ["input", "addresses", 1]
    marked = [{**each, "primary": True} for each in (BERLIN, VIENNA)]
    error = await office.fail("createCustomer", name="Ada", addresses=marked)
    assert error["problems"][0]["field"] == ["input", "addresses", 1, "primary"]


async def test_addresses_are_replaced_and_one_that_stays_is_written_anew(office: Any) -> None:
    who = await office.create(addresses=[{**BERLIN, "locality": "BERLIN"}, VIENNA])
    before = (await office.customer(who, "addresses { id }"))["addresses"][0]["id"]
    fields = "customer { version addresses { id locality label isPrimary } }"
    changed = await office.do("updateCustomer", fields, id=who, addresses=[BERLIN])
    assert changed["customer"] == {
        "version": 2,
        "addresses": [{"id": before, "locality": "Berlin", "label": "delivery", "isPrimary": True}],
    }
    again = await office.do(
        "updateCustomers", "results { outcome }", items=[{"id": who, "addresses": [BERLIN]}]
    )
    assert again["results"] == [{"outcome": "UNCHANGED"}]
    emptied = await office.do("updateCustomer", fields, id=who, addresses=[])
    assert emptied["customer"] == {"version": 3, "addresses": []}


async def test_an_upsert_adds_the_addresses_that_are_not_known_yet(office: Any) -> None:
    key = [{"source": "shop", "externalId": "7"}]
    await office.create(externalIds=key, addresses=[BERLIN])
    spelt = {**BERLIN, "locality": "berlin", "label": "other"}
    one = {"externalIds": key, "addresses": [spelt]}
    done = await office.do("upsertCustomers", "results { outcome }", items=[one])
    assert done["results"] == [{"outcome": "UNCHANGED"}]
    done = await office.do(
        "upsertCustomer",
        "customer { addresses { locality label isPrimary } }",
        externalIds=key,
        addresses=[spelt, {**VIENNA, "primary": True}],
    )
    assert done["customer"]["addresses"] == [
        {"locality": "Wien", "label": None, "isPrimary": True},
        {"locality": "Berlin", "label": "delivery", "isPrimary": False},
    ]


async def test_customers_are_found_by_where_they_live(office: Any) -> None:
    await office.create("Ada", addresses=[BERLIN])
    await office.create("Bo", addresses=[VIENNA, {"country": "US", "region": "Ohio"}])
    await office.create("Cy")
    found = {
        '{addresses: {some: {country: {eq: "DE"}}}}': ["Ada"],
        '{addresses: {some: {country: {in: ["AT", "DE"]}}}}': ["Ada", "Bo"],
        '{addresses: {some: {locality: {eq: "BERLIN"}}}}': ["Ada"],
        '{addresses: {some: {postalCode: {startsWith: "10"}}}}': ["Ada", "Bo"],
        '{addresses: {some: {region: {eq: "ohio"}, country: {eq: "US"}}}}': ["Bo"],
        '{addresses: {some: {region: {eq: "ohio"}, country: {eq: "AT"}}}}': [],
        "{addresses: {none: {}}}": ["Cy"],
    }
    for where, names in found.items():
        page = await office.t.gql(
            f"{{ customers(where: {where}, orderBy: [NAME_ASC]) {{ nodes {{ name }} }} }}"
        )
        assert [each["name"] for each in page["customers"]["nodes"]] == names, where


async def test_addresses_take_as_many_statements_for_many_customers_as_for_few(
    office: Any,
) -> None:
    sent = []
    for number in (3, 40):
        items = [
            {"name": f"C{n}", "addresses": [BERLIN, {**VIENNA, "postalCode": str(n)}]}
            for n in range(number)
        ]
        with office.t.statements() as statements:
            done = await office.do("createCustomers", "results { customer { id } }", items=items)
            ids = [each["customer"]["id"] for each in done["results"]]
            news = [{"id": who, "addresses": [{**BERLIN, "label": "home"}]} for who in ids]
            await office.do("updateCustomers", items=news)
            await office.t.gql("{ customers(first: 50) { nodes { addresses { countryName } } } }")
        sent.append(len(statements))
    assert sent[0] == sent[1]


_words = st.text("aBcDéß中9-", min_size=1, max_size=10)


@given(_words, _words, st.lists(_words, max_size=3))
def test_blanks_and_capitals_make_no_other_address(
    locality: str, code: str, lines: list[str]
) -> None:
    plain = PostalAddress("DE", lines, locality, postal_code=code)
    spelt = PostalAddress(
        " de", [f" {each.casefold()} " for each in lines], f"{locality} ", postal_code=f" {code}"
    )
    assert place(plain.normal) == place(spelt.normal)
    assert place(plain.normal) != place({**plain.normal, "region": "elsewhere"})
