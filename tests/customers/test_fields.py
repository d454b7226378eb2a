"""What a company wants to know of its customers, defined in crmkit.toml."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from crmkit import sdk
from crmkit.customers.models import field_model
from crmkit.customers.types import CustomersUpdated
from crmkit.host.builders import EventBuilder
from crmkit.host.context import Context
from crmkit.host.manifest import Plugin
from crmkit.testing import Trial, crm
from crmkit.values.errors import Invalid, SetupError
from crmkit_loyalty.plugin import Loyalty
from tests.customers.conftest import Office

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

pytestmark = pytest.mark.anyio

DEFINED: dict[str, dict[str, Any]] = {
    "vat_number": {"type": "text", "label": {"en": "VAT number", "de": "USt-ID"}},
    "employees": {"type": "integer"},
    "rating": {"type": "decimal", "digits": 3},
    "newsletter": {"type": "boolean"},
    "founded": {"type": "date"},
    "class": {
        "type": "choice",
        "choices": ["c", {"key": "a", "labels": {"en": "Gold", "de": "Goldkunde"}}, "b"],
    },
    "discount": {"type": "decimal", "required": True, "default": "2.5"},
    "language": {"type": "text", "default": "Français"},
}
OWN = "vatNumber employees rating newsletter founded class discount language"


@pytest.fixture
async def t(engine: str) -> AsyncGenerator[Trial]:
    async with crm(engine=engine, fields={"customer": DEFINED}) as trial:
        yield trial


@pytest.fixture
def office(t: Trial) -> Office:
    return Office(t)


ALL = {
    "vatNumber": "DE 123",
    "employees": -7,
    "rating": "9.250",
    "newsletter": False,
    "founded": "1999-12-31",
    "class": "a",
    "discount": "0.00",
    "language": "中文",
}


async def test_every_type_comes_out_as_it_went_in(office: Office) -> None:
    who = await office.create(fields=ALL)
    assert await office.customer(who, OWN) == ALL


async def test_what_nobody_says_is_the_default_or_nothing(office: Office) -> None:
    who = await office.create()
    assert await office.customer(who, OWN) == {
        **dict.fromkeys(ALL),
        "discount": "2.50",
        "language": "Français",
    }
    same = {"discount": {"eq": "2.5"}, "language": {"eq": "FRANÇAIS"}, "rating": {"isNull": True}}
    assert await names(office.t, same) == ["Ada"]
    who = await office.create(fields={"language": None})
    assert await office.customer(who, "language") == {"language": None}


async def test_null_empties_and_what_is_left_out_stays(office: Office) -> None:
    who = await office.create(fields=ALL)
    changed = await office.do(
        "updateCustomer",
        f"customer {{ version {OWN} }}",
        id=who,
        fields={"vatNumber": None, "employees": 8, "language": "  "},
    )
    assert changed["customer"] == {
        **ALL,
        "version": 2,
        "vatNumber": None,
        "employees": 8,
        "language": None,
    }
    error = await office.fail("updateCustomer", id=who, fields={"discount": None})
    assert said(error) == ("INVALID", ["discount"])


async def test_code_says_them_as_a_client_does(office: Office) -> None:
    async def body(context: Context[Any]) -> None:
        said = sdk.customers.fields(
            context, vat_number="DE 9", rating=Decimal("1.5"), **{"class": "b"}
        )
        ada = sdk.extended(sdk.CreateCustomer(name="Ada"), said)
        [made] = await sdk.customers.create(context, [ada])
        less = sdk.customers.fields(context, vat_number=None, employees=8)
        change = sdk.extended(sdk.UpdateCustomer(id=sdk.id_of(made.customer)), less)
        await sdk.customers.update(context, [change])

    await office.t.unit(body)
    found = await office.t.gql(f"{{ customers {{ nodes {{ name {OWN} }} }} }}")
    [ada] = found["customers"]["nodes"]
    assert (ada["name"], ada["vatNumber"], ada["rating"]) == ("Ada", None, "1.500")
    assert (ada["class"], ada["employees"], ada["discount"]) == ("b", 8, "2.50")


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"vat_nummer": "DE 9"}, "did you mean vat_number"),
        ({"employees": "8"}, "employees of customers holds int"),
        ({"rating": Decimal("0.12345")}, "digits"),
        ({"class": "z"}, "z"),
    ],
)
async def test_code_that_says_what_no_field_holds_is_told_so(
    values: dict[str, Any], why: str
) -> None:
    async with crm(fields={"customer": DEFINED}) as t:

        async def body(context: Context[Any]) -> None:
            sdk.customers.fields(context, **values)

        with pytest.raises(Invalid, match=why):
            await t.unit(body)


async def test_labels_of_choices_are_told_in_any_locale(office: Office) -> None:
    who = await office.create(fields={"class": "a"})
    fields = 'class classLabel de: classLabel(locale: "de-AT")'
    assert await office.customer(who, fields) == {
        "class": "a",
        "classLabel": "Gold",
        "de": "Goldkunde",
    }
    who = await office.create(fields={"class": "b"})
    assert await office.customer(who, fields) == {"class": "b", "classLabel": "b", "de": "b"}


async def test_labels_describe_the_fields(t: Trial) -> None:
    found = await t.gql('{ __type(name: "CustomerFieldsInput") { inputFields { description } } }')
    told = [each["description"] for each in found["__type"]["inputFields"]]
    assert told[0] == "VAT number; a field of this organisation."
    kinds = await t.gql('{ __type(name: "Customer") { fields { name type { kind } } } }')
    required = {each["name"]: each["type"]["kind"] for each in kinds["__type"]["fields"]}
    assert (required["discount"], required["language"]) == ("NON_NULL", "SCALAR")


async def names(t: Trial, where: Mapping[str, Any], order: str = "NAME_ASC") -> list[str]:
    found = await t.gql(
        "query($w: CustomerWhere, $o: [CustomerOrderBy!])"
        "{ customers(where: $w, orderBy: $o) { nodes { name } } }",
        w=where,
        o=[order],
    )
    return [each["name"] for each in found["customers"]["nodes"]]


SORTED: list[tuple[str, Sequence[Any]]] = [
    ("vatNumber", ["a-1", "B-0", "ß 3", "张", "章"]),
    ("employees", [-(2**31), -1, 0, 9, 10, 2**31 - 1]),
    ("rating", ["-10.001", "-9.9", "0", "0.001", "9.25", "10", "9223372036854775.807"]),
    ("newsletter", [False, True]),
    ("founded", ["0999-01-01", "1999-12-31", "2000-01-01"]),
    ("class", ["a", "b", "c"]),
]


@pytest.mark.parametrize(("field", "rising"), SORTED, ids=lambda each: str(each)[:10])
async def test_fields_are_sorted_filtered_and_paged(
    office: Office, field: str, rising: Sequence[Any]
) -> None:
    mixed = [(n, rising[n]) for n in sorted(range(len(rising)), key=lambda n: n * 7 % 5)]
    items = [{"name": str(n), "fields": {field: value}} for n, value in mixed]
    await office.do("createCustomers", items=[*items, {"name": "none"}])
    wanted = [str(n) for n in range(len(rising))]
    order = {"vatNumber": "VAT_NUMBER"}.get(field, field.upper())
    assert await names(office.t, {}, f"{order}_ASC") == [*wanted, "none"]
    assert await names(office.t, {}, f"{order}_DESC") == ["none", *wanted[::-1]]
    assert await names(office.t, {field: {"eq": rising[0]}}) == ["0"]
    assert await names(office.t, {field: {"ne": rising[0]}}) == [*wanted[1:], "none"]
    assert await names(office.t, {field: {"isNull": False}}) == wanted
    if field in ("employees", "rating", "founded"):
        assert await names(office.t, {field: {"gt": rising[0]}}) == wanted[1:]
        between = {"between": {"from": rising[0], "to": rising[1]}}
        assert await names(office.t, {field: between}) == wanted[:2]
    if field != "newsletter":
        assert await names(office.t, {field: {"in": rising[:2]}}) == wanted[:2]
    assert await paged(office.t, f"{order}_ASC") == [*wanted, "none"]
    assert await paged(office.t, f"{order}_DESC") == ["none", *wanted[::-1]]


async def paged(t: Trial, order: str) -> list[str]:
    """All names, two a page, by cursors."""
    found: list[str] = []
    after, more = None, True
    while more:
        page = await t.gql(
            "query($a: String, $o: [CustomerOrderBy!]) { customers(first: 2, after: $a, orderBy: $o)"
            "{ nodes { name } pageInfo { hasNextPage endCursor } } }",
            a=after,
            o=[order],
        )
        found += [each["name"] for each in page["customers"]["nodes"]]
        after, more = (page["customers"]["pageInfo"][each] for each in ("endCursor", "hasNextPage"))
    return found


NUMBERS = st.decimals(min_value=-(10**12), max_value=10**12, places=3)


@given(st.lists(NUMBERS, min_size=2, max_size=12, unique=True))
@settings(
    max_examples=6,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_decimals_sort_and_compare_as_numbers_do(
    numbers_of: Any, numbers: Sequence[Decimal]
) -> None:
    found, above = numbers_of(numbers)
    assert found == sorted(numbers)
    assert all(one < other for one, other in pairwise(found))
    assert above == sorted(each for each in numbers if each >= numbers[0])


@pytest.fixture
def numbers_of(engine: str) -> Any:
    """Puts decimals into an app; says how it sorts them, and which reach the first."""

    async def work(numbers: Sequence[Decimal]) -> tuple[list[Decimal], list[Decimal]]:
        async with crm(engine=engine, fields={"customer": DEFINED}) as t:
            items = [{"name": "N", "fields": {"rating": str(each)}} for each in numbers]
            await Office(t).do("createCustomers", items=items)
            found = await t.gql(
                "query($n: Decimal!) { all: customers(orderBy: RATING_ASC) { nodes { rating } }"
                "some: customers(where: {rating: {gte: $n}}, orderBy: RATING_ASC)"
                "{ nodes { rating } } }",
                n=str(numbers[0]),
            )
            both = [[Decimal(n["rating"]) for n in found[e]["nodes"]] for e in ("all", "some")]
            return both[0], both[1]

    return lambda numbers: anyio.run(work, numbers)


# -- changes of a field are changes of its customer -------------------------------------------


async def test_a_change_of_a_field_is_a_change_of_the_customer(office: Office) -> None:
    who = await office.create(fields={"employees": 1})
    many = "results { outcome customer { version employees } }"
    for number, outcome, version in ((2, "UPDATED", 2), (2, "UNCHANGED", 2), (3, "UPDATED", 3)):
        done = await office.do(
            "updateCustomers", many, items=[{"id": who, "fields": {"employees": number}}]
        )
        assert done["results"] == [
            {"outcome": outcome, "customer": {"version": version, "employees": number}}
        ]
    error = await office.fail("updateCustomer", id=who, version=1, fields={"employees": 4})
    assert error["code"] == "CONFLICT"
    assert await office.customer(who, "employees") == {"employees": 3}


async def test_one_customer_twice_in_a_bulk_takes_both_changes(office: Office) -> None:
    who = await office.create()
    items = [{"id": who, "fields": each} for each in ({"employees": 1}, {"rating": "0.125"})]
    await office.do("updateCustomers", items=items)
    found = await office.customer(who, "version employees rating")
    assert found == {"version": 3, "employees": 1, "rating": "0.125"}


async def test_an_upsert_carries_fields_to_the_new_and_to_the_known(office: Office) -> None:
    def said_of(n: int, **fields: Any) -> dict[str, Any]:
        mail = [{"address": f"{n}@example.com"}]
        return {"name": str(n), "emails": mail, "fields": fields}

    many = "results { outcome customer { employees class discount } }"
    await office.do("upsertCustomers", items=[said_of(1, employees=1)])
    items = [said_of(1, **{"class": "b"}), said_of(2, employees=2), said_of(1, employees=1)]
    done = (await office.do("upsertCustomers", many, items=items))["results"]
    assert [each["outcome"] for each in done] == ["UPDATED", "CREATED", "UNCHANGED"]
    one = {"employees": 1, "class": "b", "discount": "2.50"}
    two = {"employees": 2, "class": None, "discount": "2.50"}
    assert [each["customer"] for each in done] == [one, two, one]


async def test_a_repeated_call_changes_fields_once(office: Office) -> None:
    who = await office.create()
    call = {"id": who, "fields": {"employees": 5}, "idempotencyKey": "k"}
    for _ in range(2):
        done = await office.do("updateCustomer", "customer { version employees }", **call)
        assert done["customer"] == {"version": 2, "employees": 5}
    error = await office.fail("updateCustomer", **{**call, "fields": {"employees": 6}})
    assert error["code"] == "IDEMPOTENCY_MISMATCH"


HEARD: list[tuple[str, ...]] = []


async def hear(context: Context[Any], event: CustomersUpdated) -> None:
    HEARD.append(event.fields)


class Listener(Plugin):
    name = "listener"
    version = "1.0"

    def register_events(self, events: EventBuilder) -> None:
        events.on("core.CustomersUpdated")(hear)


async def test_handlers_are_told_which_fields_have_changed(engine: str) -> None:
    HEARD.clear()
    async with crm(Listener, engine=engine, fields={"customer": DEFINED}) as t:
        office = Office(t)
        who = await office.create()
        await office.do("updateCustomer", id=who, name="Bob", fields={"class": "a", "rating": "1"})
        await t.drain()
    assert HEARD == [("name", "fields.rating", "fields.class")]


async def test_statements_do_not_depend_on_how_many_customers_there_are(office: Office) -> None:
    sent = []
    for number in (3, 40):
        items = [{"name": f"C{n}", "fields": {**ALL, "employees": n}} for n in range(number)]
        with office.t.statements() as created:
            done = await office.do("createCustomers", "results { customer { id } }", items=items)
        ids = [each["customer"]["id"] for each in done["results"]]
        changes = [{"id": who, "fields": {"employees": -n}} for n, who in enumerate(ids)]
        with office.t.statements() as updated:
            await office.do("updateCustomers", items=changes)
        with office.t.statements() as read:
            await office.t.gql(f"{{ customers(first: 40) {{ nodes {{ {OWN} classLabel }} }} }}")
        assert len(read) == 1
        sent.append((len(created), len(updated)))
    assert sent[0] == sent[1]


async def test_a_deleted_customer_takes_the_fields_along_and_brings_them_back(
    office: Office,
) -> None:
    who = await office.create(fields={"employees": 5})
    await office.do("deleteCustomer", id=who)
    assert await names(office.t, {"employees": {"eq": 5}}) == []
    await office.do("restoreCustomer", id=who)
    assert await names(office.t, {"employees": {"eq": 5}}) == ["Ada"]


# -- what is refused --------------------------------------------------------------------------


def said(error: Mapping[str, Any]) -> tuple[str, list[Any]]:
    assert error["problems"][0]["field"][:2] == ["input", "fields"]
    return error["code"], error["problems"][0]["field"][2:]


BAD: list[tuple[str, dict[str, Any], str]] = [
    ("createCustomer", {"vatNumber": "x" * 501}, "vatNumber"),
    ("createCustomer", {"vatNumber": "ﷺ" * 400}, "vatNumber"),
    ("createCustomer", {"vatNumber": "a\x00b"}, "vatNumber"),
    ("createCustomer", {"rating": "0.0001"}, "rating"),
    ("createCustomer", {"rating": "1E+30"}, "rating"),
    ("createCustomer", {"rating": "9223372036854775.808"}, "rating"),
    ("createCustomer", {"class": "Gold"}, "class"),
    ("createCustomer", {"discount": None}, "discount"),
    ("updateCustomer", {"class": "d"}, "class"),
    ("updateCustomer", {"discount": "0.001"}, "discount"),
    ("upsertCustomer", {"class": ""}, "class"),
]


async def test_a_bad_value_is_named_and_changes_nothing(office: Office) -> None:
    who = await office.create(emails=[{"address": "ada@example.com"}])
    begins: dict[str, dict[str, Any]] = {
        "createCustomer": {"name": "Eve"},
        "updateCustomer": {"id": who},
        "upsertCustomer": {"emails": [{"address": "ada@example.com"}]},
    }
    for verb, fields, field in BAD:
        error = await office.fail(verb, **begins[verb], fields=fields)
        assert said(error) == ("INVALID", [field]), (verb, fields)
    assert await names(office.t, {}) == ["Ada"]
    assert await office.customer(who, "version class") == {"version": 1, "class": None}


@pytest.mark.parametrize(
    "fields", [{"nothing": 1}, {"employees": 2**31}, {"employees": "1"}, {"founded": "1999"}]
)
async def test_what_the_schema_does_not_have_is_no_input(
    office: Office, fields: dict[str, Any]
) -> None:
    document = "mutation($i: CreateCustomerInput!) { createCustomer(input: $i) { __typename } }"
    answer = await office.t.answer(document, {"i": {"name": "Ada", "fields": fields}})
    assert answer["errors"][0]["extensions"]["code"] == "INVALID"
    assert await names(office.t, {}) == []


async def test_a_filter_says_what_no_value_can_be(office: Office) -> None:
    [error] = await office.t.errors('{ customers(where: {rating: {lt: "0.0001"}}) { totalCount } }')
    assert error["extensions"]["code"] == "INVALID"
    assert error["message"] == "This number has at most 3 digits after its point."


async def test_what_is_required_is_asked_of_every_new_customer(engine: str) -> None:
    needed = {"tax_office": {"type": "text", "required": True}, "size": {"type": "integer"}}
    async with crm(engine=engine, fields={"customer": needed}) as t:
        office = Office(t)
        assert said(await office.fail("createCustomer", name="Eve")) == ("INVALID", ["taxOffice"])
        error = await office.fail("createCustomer", name="Eve", fields={"taxOffice": " "})
        assert said(error) == ("INVALID", ["taxOffice"])
        mail = [{"address": "eve@example.com"}]
        error = await office.fail("upsertCustomer", name="Eve", emails=mail)
        assert said(error) == ("INVALID", ["taxOffice"])
        items = [
            {"name": "Eve", "fields": {"size": 1}},
            {"name": "Ada", "fields": {"taxOffice": "X"}},
        ]
        done = await office.do(
            "createCustomers",
            "results { outcome error { problems { field } } customer { taxOffice } }",
            items=items,
            onError="SKIP",
        )
        assert done["results"] == [
            {
                "outcome": "REJECTED",
                "error": {"problems": [{"field": ["input", "items", "0", "fields", "taxOffice"]}]},
                "customer": None,
            },
            {"outcome": "CREATED", "error": None, "customer": {"taxOffice": "X"}},
        ]
        assert await names(t, {}) == ["Ada"]


# -- several companies, and names that are taken ----------------------------------------------


async def test_two_companies_with_other_fields_live_in_one_process(engine: str) -> None:
    one = {"size": {"type": "integer"}}
    other = {"size": {"type": "text"}, "colour": {"type": "choice", "choices": ["red"]}}
    async with (
        crm(engine=engine, fields={"customer": one}) as first,
        crm(engine=engine, fields={"customer": other}) as second,
        crm(engine=engine) as third,
    ):
        ada = await Office(first).create(fields={"size": 42})
        bob = await Office(second).create(fields={"size": "XL", "colour": "red"})
        assert await Office(first).customer(ada, "size") == {"size": 42}
        assert await Office(second).customer(bob, "size colour") == {"size": "XL", "colour": "red"}
        [error] = await third.errors("{ customers { nodes { size } } }")
        assert error["message"].startswith("Cannot query field 'size' on type 'Customer'")


CLASHES = [
    (
        {"given_name": {"type": "text"}},
        "Customer.givenName is declared by the core and under [fields.customer] in crmkit.toml; "
        'give the field another name there: name = "…".',
    ),
    (
        {"a_1": {"type": "text"}, "a1": {"type": "date"}},
        "a_1 and a1 are both called a1 in the schema; give one of them another name",
    ),
    (
        {
            "tier_label": {"type": "text"},
            "tier": {"type": "choice", "choices": ["gold"]},
        },
        "tier_label and tier are both called tierLabel in the schema",
    ),
]


@pytest.mark.parametrize(("fields", "sentence"), CLASHES)
async def test_a_name_that_is_taken_is_refused_with_both_sides(
    fields: dict[str, Any], sentence: str
) -> None:
    with pytest.raises((SetupError, ValueError)) as refused:
        async with crm(fields={"customer": fields}):
            pass
    assert sentence in str(refused.value)


async def test_a_name_that_a_plugin_has_is_refused_with_both_sides() -> None:
    """Also the name that a plugin's field got from the operator."""
    taken = {"rank": {"type": "text"}}
    renamed = {"loyalty": {"rename": {"Customer.loyaltyPoints": "rank"}}}
    with pytest.raises(SetupError) as refused:
        async with crm(Loyalty, config=renamed, fields={"customer": taken}):
            pass
    assert str(refused.value) == (
        "Customer.rank is declared by the plugin loyalty and under [fields.customer] in "
        'crmkit.toml; give the field another name there: name = "…".'
    )


async def test_another_name_ends_a_clash(engine: str) -> None:
    fields = {"given_name": {"type": "text", "name": "callName"}}
    async with crm(engine=engine, fields={"customer": fields}) as t:
        await Office(t).create(givenName="Augusta", fields={"callName": "Ada"})
        assert await names(t, {"callName": {"startsWith": "ad"}}, "CALL_NAME_ASC") == ["Ada"]


async def test_a_merged_customer_has_what_only_the_other_had(office: Office) -> None:
    winner = await office.create("Ada", fields={"employees": 3})
    loser = await office.create("Ada", fields={"employees": 4, "vatNumber": "DE 9"})
    await office.do("mergeCustomers", winnerId=winner, loserIds=[loser])
    assert await office.customer(loser, "employees vatNumber") == {
        "employees": 3,
        "vatNumber": "DE 9",
    }


async def test_what_a_company_knows_of_a_person_is_forgotten_with_them(office: Office) -> None:
    ada = await office.create("Ada", fields={"vatNumber": "DE 9"})
    await office.do("eraseCustomer", id=ada)
    await office.t.drain()
    model: Any = field_model(office.t.host.settings.fields.of_customers)
    rows = await office.t.host.database.fetch(select(model.vat_number, model.vat_number_fold))
    assert [tuple(each) for each in rows] == [(None, None)]
