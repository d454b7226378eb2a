"""What clients can ask: every kind of field, filters, orders, pages, on both engines."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date

import pytest

from crmkit import sdk
from crmkit.testing import Trial, crm
from tests.engine.zoo import AnimalRow, Diet, Zoo

pytestmark = pytest.mark.anyio


@pytest.fixture
async def zoo(engine: str) -> AsyncIterator[Trial]:
    """Two keepers: Ada with three animals, 张伟 with one; Bo has none."""
    async with crm(Zoo, engine=engine) as t:
        made = await t.gql(
            """mutation ($input: CreateCustomersInput!) {
              createCustomers(input: $input) { results { customer { id } } } }""",
            input={"items": [{"kind": "PERSON", "name": name} for name in ("Ada", "Bo", "张伟")]},
        )
        ada, _, zhang = [each["customer"]["id"] for each in made["createCustomers"]["results"]]

        async def fill(context: sdk.Context) -> None:
            context.write.add(
                _animal(ada, "Çelik", 300, Diet.MEAT, 1000, born=date(2020, 2, 29), cause_id=zhang),
                _animal(ada, "apple", None, Diet.PLANTS, 250),
                _animal(ada, "Bär", 300, Diet.MEAT, 999, tame=True),
                _animal(zhang, "熊猫", 90, Diet.PLANTS, 5, currency="JPY", cause_id=ada),
            )

        await t.unit(fill, plugin="zoo")
        yield t


def _animal(
    owner: str, name: str, weight: int | None, diet: Diet, price: int, **more: object
) -> AnimalRow:
    given = {"currency": "EUR", **more}
    return AnimalRow(
        customer_id=owner,
        name=name,
        weight=weight,
        diet=diet,
        price_minor=price,
        **given,  # type: ignore[arg-type]
    )


async def names(t: Trial, arguments: str, **variables: object) -> list[str]:
    answer = await t.gql(f"{{ zooAnimals({arguments}) {{ nodes {{ name }} }} }}", **variables)
    return [each["name"] for each in answer["zooAnimals"]["nodes"]]


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ('name: {eq: "BÄR"}', ["Bär"]),
        ('name: {ne: "bär"}', ["apple", "Çelik", "熊猫"]),
        ('name: {in: ["APPLE", "bär"]}', ["apple", "Bär"]),
        ('name: {notIn: ["APPLE", "bär"]}', ["Çelik", "熊猫"]),
        ('name: {contains: "eLi"}', ["Çelik"]),
        ('name: {contains: "%"}', []),
        ('name: {startsWith: "xiong"}', ["熊猫"]),
        ("weight: {eq: null}", ["apple"]),
        ("weight: {isNull: false, lt: 300}", ["熊猫"]),
        ("weight: {ne: 300}", ["apple", "熊猫"]),
        ("weight: {notIn: [300]}", ["apple", "熊猫"]),
        ("weight: {in: [300, 90]}", ["Bär", "Çelik", "熊猫"]),
        ("weight: {between: {from: 90, to: 300}}", ["Bär", "Çelik", "熊猫"]),
        ("not: {weight: {gt: 100}}", ["apple", "熊猫"]),
        ("diet: {eq: MEAT}", ["Bär", "Çelik"]),
        ("tame: {eq: true}", ["Bär"]),
        ('born: {eq: "2020-02-29"}', ["Çelik"]),
        ('price: {currency: "EUR", gte: "9.99"}', ["Bär", "Çelik"]),
        ('price: {currency: "JPY", eq: "5"}', ["熊猫"]),
        ('customer: {name: {eq: "ada"}, zooFeed: {eq: "0"}}', ["apple", "Bär", "Çelik"]),
        ("customer: {zooCount: {gt: 2}}", ["apple", "Bär", "Çelik"]),
        ("customer: {zooAnimals: {some: {tame: {eq: true}}}}", ["apple", "Bär", "Çelik"]),
        ("customer: {zooAnimals: {none: {diet: {eq: MEAT}}}}", ["熊猫"]),
        ("customer: {zooAnimals: {every: {diet: {eq: PLANTS}}}}", ["熊猫"]),
        ("customer: {zooAnimals: {count: {between: {from: 1, to: 2}}}}", ["熊猫"]),
        ("or: [{tame: {eq: true}}, {weight: {lt: 100}}]", ["Bär", "熊猫"]),
        ("or: []", []),
        ("and: []", ["apple", "Bär", "Çelik", "熊猫"]),
    ],
)
async def test_a_filter_finds_what_it_says(zoo: Trial, where: str, found: list[str]) -> None:
    assert sorted(await names(zoo, f"where: {{{where}}}")) == sorted(found)


@pytest.mark.parametrize(
    ("order", "found"),
    [
        ("NAME_ASC", ["apple", "Bär", "熊猫", "Çelik"]),
        ("WEIGHT_ASC, NAME_DESC", ["熊猫", "Çelik", "Bär", "apple"]),
        ("WEIGHT_DESC, NAME_ASC", ["apple", "Bär", "Çelik", "熊猫"]),
        ("PRICE_DESC", ["Çelik", "Bär", "apple", "熊猫"]),
        ("TAME_DESC, BORN_ASC, NAME_ASC", ["Bär", "Çelik", "apple", "熊猫"]),
    ],
)
async def test_an_order_is_the_same_on_both_engines(
    zoo: Trial, order: str, found: list[str]
) -> None:
    assert await names(zoo, f"orderBy: [{order}]") == found


async def test_every_kind_of_field_answers(zoo: Trial) -> None:
    answer = await zoo.gql(
        """{ customers(orderBy: NAME_ASC, first: 1) { totalCount nodes {
          zooFeed zooCount meat: zooCount(diet: MEAT) stage { key }
          zooAnimals(first: 2) { totalCount pageInfo { hasNextPage } edges { node { name } } }
          zooList { name shouted loud: shouted(times: 3) price { amount currency }
            customer { id name } cause { __typename ... on Customer { name } } }
          zooFavourite { name } } } }"""
    )
    [ada] = answer["customers"]["nodes"]
    assert answer["customers"]["totalCount"] == 3
    assert (ada["zooFeed"], ada["zooCount"], ada["meat"]) == ("0", 3, 2)
    assert [each["name"] for each in ada["zooList"]] == ["Çelik", "Bär", "apple"]
    assert ada["zooAnimals"] == {
        "totalCount": 3,
        "pageInfo": {"hasNextPage": True},
        "edges": [{"node": {"name": "apple"}}, {"node": {"name": "Bär"}}],
    }
    first = ada["zooList"][0]
    assert (first["shouted"], first["loud"]) == ("ÇELIK!", "ÇELIK!!!")
    assert first["price"] == {"amount": "10.00", "currency": "EUR"}
    assert first["customer"]["name"] == "Ada"
    assert first["cause"] == {"__typename": "Customer", "name": "张伟"}
    assert ada["zooFavourite"] == {"name": "Çelik"}


async def test_aliases_fragments_and_directives_are_merged_as_the_specification_says(
    zoo: Trial,
) -> None:
    answer = await zoo.gql(
        """query ($no: Boolean = false, $wanted: ZooAnimalWhere) {
          a: zooAnimals(where: $wanted) { nodes { ...F name @skip(if: $no) } }
          b: zooAnimals(first: 1) { ... @include(if: $no) { totalCount } nodes { ...F ...F } }
        }
        fragment F on ZooAnimal { customer { name } ...G }
        fragment G on Node { id customerAgain: __typename ... on ZooAnimal { customer { id } } }""",
        wanted={"tame": {"eq": True}},
    )
    [bear] = answer["a"]["nodes"]
    assert set(bear) == {"customer", "id", "customerAgain", "name"}
    assert set(bear["customer"]) == {"name", "id"}
    assert "totalCount" not in answer["b"]


async def test_a_failing_batch_field_nulls_only_itself_and_names_its_plugin(zoo: Trial) -> None:
    answer = await zoo.answer(
        "{ zooAnimals(first: 1) { nodes { name mood mad: mood(loud: true) oracle } } }"
    )
    [animal] = answer["data"]["zooAnimals"]["nodes"]
    assert (animal["mood"], animal["mad"], animal["oracle"]) == ("purr", "GRR", None)
    [error] = answer["errors"]
    assert error["path"] == ["zooAnimals", "nodes", 0, "oracle"]
    assert error["extensions"]["reason"] == "zoo.asleep"
    assert error["extensions"]["plugin"] == "zoo"


async def test_where_nobody_is_nothing_more_is_asked(zoo: Trial) -> None:
    with zoo.statements() as sent:
        await zoo.gql(
            """{ customers(where: {name: {eq: "Nobody"}}) { nodes {
              zooAnimals { nodes { name } } zooList { name } emails { address } zooFavourite { name }
              interactions { nodes { id } } } } }"""
        )
    assert len(sent) == 1


async def test_any_record_is_found_by_its_id_and_nothing_by_another(zoo: Trial) -> None:
    everything = await zoo.gql("{ zooAnimals { nodes { id } } customers { nodes { id } } }")
    ids = [each["id"] for kind in everything.values() for each in kind["nodes"]]
    answer = await zoo.gql(
        "query ($ids: [ID!]!, $one: ID!) { node(id: $one) { __typename id } nodes(ids: $ids) { id } }",
        ids=[*ids, "zoo_animal_01h455vb4pex5vsknk084sn02q", "nonsense", ids[0]],
        one=ids[-1],
    )
    assert answer["node"] == {"__typename": "Customer", "id": ids[-1]}
    assert [each and each["id"] for each in answer["nodes"]] == [*ids, None, None, ids[0]]


@pytest.mark.parametrize(
    ("arguments", "code", "field"),
    [
        ("first: 1001", "INVALID", ["first"]),
        ("first: -1", "INVALID", ["first"]),
        ("first: 1, last: 1", "INVALID", ["last"]),
        ('after: "bm90IG91cnM"', "INVALID", ["after"]),
        ('before: "§"', "INVALID", ["before"]),
        (
            "where: {customer: {zooAnimals: {some: {customer: {stage: {}}}}}}",
            "QUERY_TOO_COMPLEX",
            ["where"],
        ),
        (f"where: {{weight: {{in: [{'1,' * 1001}]}}}}", "QUERY_TOO_COMPLEX", ["in"]),
        (f"where: {{and: [{'{weight: {gt: 1}},' * 51}]}}", "QUERY_TOO_COMPLEX", ["where"]),
        ('where: {price: {currency: "EUR", eq: "1.001"}}', "INVALID", ["amount"]),
    ],
)
async def test_a_list_refuses_what_it_cannot_mean(
    zoo: Trial, arguments: str, code: str, field: list[str]
) -> None:
    [error] = await zoo.errors(f"{{ zooAnimals({arguments}) {{ nodes {{ id }} }} }}")
    assert error["extensions"]["code"] == code
    assert error["extensions"]["problems"][0]["field"] == field
    assert error["path"] == ["zooAnimals"]


async def test_a_cursor_serves_only_the_order_that_gave_it_out(zoo: Trial) -> None:
    page = await zoo.gql("{ zooAnimals(first: 1, orderBy: NAME_ASC) { pageInfo { endCursor } } }")
    cursor = page["zooAnimals"]["pageInfo"]["endCursor"]
    assert await names(zoo, f'first: 1, orderBy: NAME_ASC, after: "{cursor}"') == ["Bär"]
    [error] = await zoo.errors(
        f'{{ zooAnimals(orderBy: NAME_DESC, after: "{cursor}") {{ nodes {{ id }} }} }}'
    )
    assert error["extensions"]["code"] == "INVALID"


async def test_the_schema_tells_about_itself_beside_data(zoo: Trial) -> None:
    answer = await zoo.gql(
        '{ __schema { queryType { name } } zooAnimals { totalCount } __type(name: "ZooAnimal") { kind } }'
    )
    assert list(answer) == ["__schema", "zooAnimals", "__type"]
    assert answer["__type"] == {"kind": "OBJECT"}


async def test_an_argument_that_cannot_be_planned_fails_where_it_stands(zoo: Trial) -> None:
    document = """query ($first: Int) { customers(orderBy: NAME_ASC) { nodes {
      name zooFavourite { customer { zooAnimals(first: $first) { nodes { name } } } } } } }"""
    answer = await zoo.answer(document, {"first": -1})
    # Bo has no favourite, so nothing below one is asked.
    assert answer["data"] == {
        "customers": {
            "nodes": [{"name": each, "zooFavourite": None} for each in ("Ada", "Bo", "张伟")]
        }
    }
    assert [each["path"] for each in answer["errors"]] == [
        ["customers", "nodes", index, "zooFavourite", "customer", "zooAnimals"] for index in (0, 2)
    ]
