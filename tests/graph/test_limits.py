from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from graphql import get_introspection_query, parse

from crmkit.graph.introspection import Introspection
from crmkit.graph.limits import Measure
from crmkit.testing import Trial, crm
from tests.engine.zoo import Zoo

pytestmark = pytest.mark.anyio


@pytest.fixture
async def t() -> AsyncIterator[Trial]:
    async with crm(Zoo) as t:
        yield t


@pytest.fixture
async def poor() -> AsyncIterator[Trial]:
    """Whatever costs something is refused, and says what it costs."""
    async with crm(Zoo, graphql={"limits": {"cost": 0}}) as t:
        yield t


def bomb(levels: int, end: str = "customers { totalCount }") -> str:
    """A document in which each level stands twice in the one above."""
    spread = " ".join(
        f"fragment f{n} on Query {{ ...f{n + 1} ...f{n + 1} }}" for n in range(levels)
    )
    return f"{{ ...f0 }} {spread} fragment f{levels} on Query {{ {end} }}"


def deep(levels: int) -> str:
    """The favourite of the owner of the favourite of a customer: each is one field more."""
    within = "id"
    for number in range(levels):
        within = f"{'zooFavourite' if number % 2 else 'customer'} {{ {within} }}"
    return within


async def refusal(t: Trial, document: str, **variables: object) -> str:
    [error] = await t.errors(document, **variables)
    assert (error["extensions"], "path" in error) == ({"code": "QUERY_TOO_COMPLEX"}, False)
    return str(error["message"])


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("{ __typename } #" + "é" * 16_400, "32,816 bytes; at most 32,768"),
        ("{ customers { nodes { " + "id " * 2000 + "} } }", "more than 2000 tokens"),
        ("{ " + "... { " * 400 + "__typename " + "} " * 401, "nested too deeply"),
        (bomb(11), "4,096 fields; at most 2,000"),
        (bomb(18), "524,288 fields"),
        (bomb(20), "2,097,152 fields"),
        (bomb(40), "more than a billion fields"),
        (bomb(100), "more than a billion fields"),
        (bomb(5, "a: customers { totalCount }"), "32 aliases; at most 30"),
        (bomb(6, "__typename @skip(if: true)"), "64 directives; at most 50"),
        ("{ __typename " + "@aa" * 10 + " }", "10 directives at one place"),
        ("query " + "@aa" * 10 + " { __typename }", "10 directives at one place"),
        ("{ customers { nodes { " + deep(14) + " } } }", "16 fields deep; at most 15"),
        ("{ customers { edges { node { " + deep(14) + " } } } }", "16 fields deep"),
        ("{ ...__schema } fragment __schema on Query { customers { nodes { " + deep(14) + " } } }", "16 fields deep"),
        ("{ a: customers { nodes { ...F } } b: customers { nodes { zooFavourite { customer { ...F } } } } }"
         " fragment F on Customer { " + deep(12) + " }", "16 fields deep"),
        ("{ __typename } fragment Unused on Customer { " + deep(16) + " }", "17 fields deep"),
        ("{ " + "customers { totalCount } " * 101 + "}", "5,050 pairs of fields or fragments at one place"),
        ("{ ...f0 } " + " ".join(f"fragment f{n} on Query {{ ...f{n + 1} }}" for n in range(102))
         + " fragment f102 on Query { __typename }", "pairs of fields or fragments"),
        (" ".join(f"query q{n} {{ ...F }}" for n in range(12))
         + " fragment F on Query { __typename " + "__typename " * 1800 + "}", "fields in all its operations"),
    ],
    ids=range(20),
)  # fmt: skip
async def test_a_document_that_asks_for_too_much_hears_of_which_limit_and_by_how_much(
    t: Trial, document: str, said: str
) -> None:
    assert said in await refusal(t, document)


@pytest.mark.parametrize("levels", [18, 20, 40, 100])
async def test_each_node_of_a_document_is_visited_once(t: Trial, levels: int) -> None:
    parsed = parse(bomb(levels))
    measure = Measure(t.crm.schema.core, parsed)
    measure.operation(parsed.definitions[0])  # type: ignore[arg-type]
    # The spread of the operation, two of each level, and two fields at the end.
    assert measure.visited == 1 + 2 * levels + 2


async def test_a_fragment_that_spreads_itself_is_measured_and_is_then_invalid(t: Trial) -> None:
    errors = await t.errors("{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }")
    assert errors[0]["extensions"]["reason"] == "graphql.validation"


async def test_what_is_asked_of_the_schema_alone_may_be_deep(t: Trial) -> None:
    asked = '__type(name: "Int") { ' + "ofType { " * 20 + "name" + " }" * 21
    assert await t.gql(f"{{ {asked} }}") == {"__type": {"ofType": None}}
    assert "22 fields deep" in await refusal(t, f"{{ {asked} customers {{ totalCount }} }}")


ALL = get_introspection_query(input_value_deprecation=True, specified_by_url=True)


async def test_the_schema_is_told_once_to_all_who_ask_alike(
    t: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    introspection = Introspection(t.crm.schema.core, 100_000)
    monkeypatch.setattr(t.crm.schema, "introspection", introspection)
    first = await t.gql(ALL)
    answered = introspection.answered
    assert answered > 1000
    assert await t.gql(ALL) == first
    assert introspection.answered == answered


async def test_what_variables_say_of_the_schema_is_told_apart(t: Trial) -> None:
    document = """query ($name: String! = "Int", $not: Boolean = false, $n: Int) {
      __type(name: $name) { name kind @skip(if: $not) } customers(first: $n) { totalCount } }"""
    given: list[dict[str, object]] = [{}, {"name": "ID"}, {"name": "ID", "not": True}, {"n": 3}, {}]
    told = [(await t.gql(document, **each))["__type"] for each in given]
    scalar = {"name": "Int", "kind": "SCALAR"}
    assert told == [scalar, {"name": "ID", "kind": "SCALAR"}, {"name": "ID"}, scalar, scalar]


async def test_of_the_schema_not_more_is_told_than_is_allowed(t: Trial) -> None:
    fields = (
        "__schema { types { fields { type { fields { name type { name ofType { name } } } } } } }"
    )
    many = " ".join(f"a{number}: {fields}" for number in range(30))
    assert await refusal(t, f"{{ {many} }}") == (
        "The operation asks for more than 100,000 fields of the schema itself."
    )


async def test_answers_about_the_schema_are_forgotten_in_turn(
    t: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crmkit.graph.introspection.KEPT", 300)
    for name in ("Int", "ID", "Int", "String", "x" * 300):
        await t.gql("query ($name: String!) { __type(name: $name) { name } }", name=name)
    assert t.crm.schema.introspection._weight == 0
    for name in ("Int", "ID", "Int", "String"):
        await t.gql("query ($name: String!) { __type(name: $name) { name } }", name=name)
    asked = [key[-1] for key in t.crm.schema.introspection._kept]
    assert asked == ["ID", "Int", "String"]


async def test_what_clients_ask_every_day_is_answered(t: Trial) -> None:
    await t.gql(
        "{ customers(first: 100) { totalCount nodes { emails { address } phones { number } } } }"
    )
    await t.gql("{ customers(first: 1000) { nodes { id name stage { label } zooFeed } } }")


HOPS = '{zooAnimals: {some: {customer: {stage: {key: {eq: "x"}}}}}}'
LONG = "zooAnimals(first: 1000) { nodes { customer { zooAnimals(first: 100) { nodes { id } } } } }"
EITHER = '{or: [{stage: {key: {eq: "x"}}}, {not: {zooAnimals: {count: {gt: 2}}}}]}'


@pytest.mark.parametrize(
    ("document", "variables", "points"),
    [
        ("{ customers { nodes { id } } }", {}, 25),
        ("{ customers { totalCount pageInfo { hasNextPage } } }", {}, 100),
        ("{ customers(first: 7) { nodes { id } edges { node { id } cursor } } }", {}, 14),
        ("{ customers(last: 7) { nodes { id } } }", {}, 7),
        ("query ($n: Int) { customers(first: $n) { nodes { id } } }", {"n": 9}, 9),
        ("query ($n: Int) { customers(first: $n) { nodes { id } } }", {}, 25),
        ("query ($n: Int = 8) { customers(first: $n) { nodes { id } } }", {}, 8),
        ("{ customers(first: 3) { nodes { stage { key } } } }", {}, 6),
        ("{ customers(first: 3) { nodes { zooAnimals(first: 5) { totalCount nodes { id } } } } }", {}, 118),
        ("{ customers(first: 3) { nodes { zooList { id } } } }", {}, 78),
        ("{ zooAnimals(first: 3) { nodes { price { amount } mood } } }", {}, 13),
        ("{ zooAnimals(first: 3) { nodes { customer { zooFavourite { mood } } } } }", {}, 29),
        ("{ customers(first: 1, where: " + HOPS + ") { nodes { id } } }", {}, 31),
        ("{ customers(first: 1, where: " + EITHER + ") { nodes { id } } }", {}, 21),
        ("query ($w: CustomerWhere) { customers(first: 1, where: $w) { nodes { id } } }",
         {"w": {"stage": {"key": {"eq": "x"}}}}, 11),
        ("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": ["a", "b", "c"]}, 3),
        ("{ zooAnimals(first: 3) { nodes { said } } }", {}, 33),
        ("{ customers(first: 3) { nodes { zooEveryone { id } } } }", {}, 108),
        ("{ zooAnimalStats { count groups { diet } } }", {}, 100),
        ('{ zooAnimalStats(where: {customer: {name: {eq: "x"}}}) { count } }', {}, 110),
        ('{ node(id: "a") { id } }', {}, 1),
        ("query ($no: Boolean!) { a: customers(first: 9) @include(if: $no) { nodes { id } } "
         "b: customers(first: 1) { nodes { id } } }", {"no": False}, 1),
        ("{ ...F ...F } fragment F on Query { customers(first: 5) { ...P } } "
         "fragment P on CustomerConnection { nodes { id } }", {}, 10),
        ('mutation { createCustomer(input: {name: "A"}) { customer { stage { key } } } }', {}, 2),
        ('mutation { createCustomers(input: {items: [{name: "A"}, {name: "B"}]}) '
         "{ results { outcome customer { stage { key } } } } }", {}, 4),
    ],
    ids=range(25),
)  # fmt: skip
async def test_a_cost_counts_records_and_what_is_dear_besides(
    poor: Trial, document: str, variables: dict[str, object], points: int
) -> None:
    assert f"costs {points} points" in await refusal(poor, document, **variables)


async def test_one_document_costs_what_its_variables_ask_for(t: Trial) -> None:
    document = "query ($n: Int) { customers(first: $n) { nodes { zooAnimals(first: $n) { nodes { id } } } } }"
    for number, refused in [(5, False), (1000, True), (6, False), (100, True)]:
        assert ("QUERY_TOO_COMPLEX" in str(await t.answer(document, {"n": number}))) is refused


BULK = """mutation ($items: [CreateCustomerItem!]!) { createCustomers(input: {items: $items}) {
  results { customer { zooAnimals(first: 100) { nodes { id } } } } } }"""


async def test_of_a_bulk_only_the_number_of_its_records_is_remembered(t: Trial) -> None:
    for number, refused in [(5, False), (200, True), (6, False)]:
        items = [{"name": f"Customer {each}", "source": "web"} for each in range(number)]
        assert ("QUERY_TOO_COMPLEX" in str(await t.answer(BULK, {"items": items}))) is refused
    operation = t._endpoint._documents(BULK).operation(None)
    assert [*operation._costs] == [(5,), (200,), (6,)]


async def test_a_mutation_whose_payload_costs_too_much_is_refused_before_it_writes(
    t: Trial,
) -> None:
    made = 'createCustomer(input: {name: "A"})'
    await refusal(t, f"mutation {{ {made} {{ customer {{ {LONG} }} }} }}")
    assert await t.gql("{ customers { totalCount } }") == {"customers": {"totalCount": 0}}
