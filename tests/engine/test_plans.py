"""Plans are made once for all requests that differ in nothing that the planner looked at."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from sqlalchemy import ColumnElement, FromClause, Table, literal

from crmkit import sdk
from crmkit.engine.late import Planning, Request
from crmkit.engine.plans import Plans
from crmkit.host.actors import Actor, Rights
from crmkit.store.reach import Given, Reach
from crmkit.testing import Trial, crm
from tests.engine.zoo import AnimalRow, Diet, Zoo

pytestmark = pytest.mark.anyio


@pytest.fixture
async def zoo(engine: str) -> AsyncIterator[Trial]:
    """Ada with three animals, Bo with one."""
    async with crm(Zoo, engine=engine) as t:
        made = await t.gql(
            """mutation { createCustomers(input: {items: [
              {kind: PERSON, name: "Ada"}, {kind: PERSON, name: "Bo"}]}) {
              results { customer { id } } } }"""
        )
        ada, bo = [each["customer"]["id"] for each in made["createCustomers"]["results"]]

        async def fill(context: sdk.Context) -> None:
            for owner, name, weight in (
                (ada, "ant", None),
                (ada, "bee", 1),
                (ada, "cow", 500),
                (bo, "dog", 20),
            ):
                row = AnimalRow(
                    customer_id=owner,
                    name=name,
                    weight=weight,
                    diet=Diet.MEAT if name == "dog" else Diet.PLANTS,
                    price_minor=100 * len(name),
                    currency="EUR",
                )
                context.write.add(row)

        await t.unit(fill, plugin="zoo")
        yield t


def list_of(arguments: str, kind: str) -> str:
    return f"query ($v: {kind}) {{ zooAnimals({arguments}) {{ nodes {{ name }} }} }}"


def plans_of(t: Trial) -> Plans:
    assert t.plans is not None
    return t.plans


NAMES = list_of("where: {name: {contains: $v}}", "String")
FIELD = "query ($v: %s) { customers { nodes { %s } } }"


@pytest.mark.parametrize(
    ("document", "values", "made"),
    [
        (NAMES, ["a", "B", "nobody", ""], 1),
        (list_of("where: {name: {startsWith: $v}}", "String"), ["a", "b", "", "c"], 2),
        (list_of("where: {name: {eq: $v}}", "String"), ["ANT", "bee", None], 2),
        (list_of("where: {name: {in: $v}}", "[String!]"), [["ant"], ["bee"], ["bee", "cow"]], 2),
        (list_of("where: {weight: {in: [$v, 1]}}", "Int!"), [1, 20], 1),
        (list_of("where: {weight: {between: $v}}", "IntRange!"), [{"from": 1, "to": 20}] * 2, 1),
        (list_of("where: {tame: {eq: $v}}", "Boolean"), [True, False, True], 2),
        (list_of("where: {diet: {eq: $v}}", "Diet"), ["MEAT", "PLANTS", "MEAT"], 2),
        (list_of("where: {born: {lt: $v}}", "Date"), ["2020-01-01", "2021-01-01"], 1),
        (
            list_of('where: {price: {currency: "EUR", lt: $v}}', "Decimal"),
            ["3.01", "2.99", "3.00"],
            1,
        ),
        (
            list_of('where: {price: {currency: $v, lt: "9"}}', "CurrencyCode!"),
            ["EUR", "USD", "EUR"],
            2,
        ),
        (
            list_of("where: $v", "ZooAnimalWhere"),
            [{"weight": {"gt": 1}}, {"weight": {"gt": 30}}, {"weight": {"lt": 3}}, {}, None],
            4,
        ),
        (list_of("orderBy: $v", "[ZooAnimalOrderBy!]"), [["NAME_ASC"], ["NAME_DESC"]], 2),
        (list_of("first: $v", "Int"), [1, 2, 1, None], 3),
        (list_of("first: $v", "Int = 2"), [1, 2], 2),
        (FIELD % ("Diet", "zooCount(diet: $v)"), ["MEAT", "PLANTS", "MEAT", None], 3),
        (FIELD % ("Int!", "zooList { shouted(times: $v) }"), [1, 2, 3], 1),
        (FIELD % ("Boolean!", "zooList { mood(loud: $v) }"), [True, False], 2),
        (FIELD % ("Boolean!", "name @skip(if: $v) id @include(if: $v)"), [True, False], 2),
    ],
)
async def test_a_plan_serves_all_requests_in_which_it_saw_the_same(
    zoo: Trial, document: str, values: list[Any], made: int
) -> None:
    plans = plans_of(zoo)
    before = plans.misses
    for value in values:
        await zoo.gql(document, v=value)
    assert plans.misses - before == made
    assert plans.hits >= len(values) - made


async def test_a_cursor_is_read_anew_and_its_missing_values_decide(zoo: Trial) -> None:
    document = """query ($n: Int = 1, $at: String) { zooAnimals(first: $n, after: $at, orderBy:
      WEIGHT_DESC) { edges { cursor node { name } } pageInfo { hasPreviousPage } } }"""
    everything = await zoo.gql(document, n=9)
    cursors = [each["cursor"] for each in everything["zooAnimals"]["edges"]]
    before = plans_of(zoo).misses
    found = [(await zoo.gql(document, at=each))["zooAnimals"] for each in cursors]
    assert [[e["node"]["name"] for e in each["edges"]] for each in found] == [
        ["cow"],
        ["dog"],
        ["bee"],
        [],
    ]
    # The first has no weight: what follows null is another condition.
    assert plans_of(zoo).misses - before == 2


@pytest.mark.parametrize(
    ("document", "good", "bad", "field"),
    [
        (list_of("after: $v", "String"), None, "bm90IG91cnM", "after"),
        (list_of("first: $v", "Int"), 1, 1001, "first"),
        (
            list_of('where: {price: {currency: "EUR", lt: $v}}', "Decimal"),
            "3.01",
            "3.001",
            "amount",
        ),
    ],
)
async def test_what_cannot_be_bound_is_refused_where_it_stands_and_not_kept(
    zoo: Trial, document: str, good: Any, bad: Any, field: str
) -> None:
    await zoo.gql(document, v=good)
    kept = len(plans_of(zoo))
    [error] = await zoo.errors(document, v=bad)
    assert error["path"] == ["zooAnimals"]
    assert error["extensions"]["problems"][0]["field"] == [field]
    assert len(plans_of(zoo)) == kept
    await zoo.gql(document, v=good)


async def test_ids_decide_by_their_kinds_alone(zoo: Trial) -> None:
    found = await zoo.gql("{ customers { nodes { id zooList { id } } } }")
    customers = [each["id"] for each in found["customers"]["nodes"]]
    animals = [each["id"] for c in found["customers"]["nodes"] for each in c["zooList"]]
    document = """query ($one: ID!, $more: [ID!]!) { node(id: $one) { id }
      nodes(ids: $more) { __typename ... on ZooAnimal { customer { id } } } }"""
    before = plans_of(zoo).misses
    for one, other in (animals[:2], animals[1::-1], animals[2:]):
        answer = await zoo.gql(document, one=one, more=[other, customers[0]])
        assert answer["node"] == {"id": one}
        assert [each["__typename"] for each in answer["nodes"]] == ["ZooAnimal", "Customer"]
    assert plans_of(zoo).misses - before == 1
    assert (await zoo.gql(document, one="nonsense", more=[animals[0], "x"]))["node"] is None


async def test_the_payload_of_a_mutation_has_a_plan_whatever_the_input(zoo: Trial) -> None:
    document = """mutation ($i: CreateCustomerInput!, $n: Int!) { createCustomer(input: $i) {
      customer { name source zooAnimals(first: $n) { totalCount } } } }"""
    before = plans_of(zoo).misses
    for given in ({"name": "Eve"}, {"name": "Max", "source": "web"}):
        made = await zoo.gql(document, i={"kind": "PERSON", **given}, n=1)
        assert made["createCustomer"]["customer"]["name"] == given["name"]
        assert made["createCustomer"]["customer"]["source"] == given.get("source")
    assert plans_of(zoo).misses - before == 1


def named(text: Any) -> Callable[[Table, FromClause], ColumnElement[bool] | None]:
    """A row scope: customers of this name."""

    def narrow(table: Table, rows: FromClause) -> ColumnElement[bool] | None:
        if table.name != "customer":
            return None
        name = rows.c["name"]
        return name == literal(text, name.type)

    return narrow


async def test_reaches_share_a_plan_only_where_their_conditions_are_the_same(
    zoo: Trial,
) -> None:
    shared = named(Given("name"))
    reaches = [
        (Reach(), ["Ada", "Bo"], 1),
        (Reach(narrow=(shared,), values={"name": "Ada"}), ["Ada"], 1),
        (Reach(narrow=(shared,), values={"name": "Bo"}), ["Bo"], 0),
        (Reach(narrow=(named("Bo"),)), ["Bo"], 1),
        (Reach(narrow=(named("Ada"),)), ["Ada"], 1),
        (Reach(), ["Ada", "Bo"], 0),
    ]
    for reach, seen, made in reaches:
        zoo.actor = Actor("somebody", "user", rights=Rights(frozenset(), reach))
        before = plans_of(zoo).misses
        answer = await zoo.gql("{ customers(orderBy: NAME_ASC) { nodes { name } } }")
        assert [each["name"] for each in answer["customers"]["nodes"]] == seen
        assert plans_of(zoo).misses - before == made


async def test_only_the_plans_that_were_used_last_are_kept(zoo: Trial) -> None:
    plans = plans_of(zoo)
    plans.most = 4
    for text in ("id", "name", "kind", "id name"):
        for size in (1, 2):
            document = f"query ($v: Int) {{ customers(first: $v) {{ nodes {{ {text} }} }} }}"
            await zoo.gql(document, v=size)
            assert len(plans) <= 4
    before = plans.misses
    assert await zoo.gql(document, v=1)
    assert plans.misses == before


def test_a_late_value_cannot_be_looked_at_in_passing() -> None:
    variables = Planning(
        Request({"name": "Ada", "deep": {"no": None, "yes": [True, "x"]}})
    ).variables()
    for look in (lambda v: v == "Ada", bool, len, iter, lambda v: v > 1):
        with pytest.raises(TypeError):
            look(variables["name"])
    assert variables["deep"]["no"] is None
    assert variables["deep"]["yes"][0] is True
