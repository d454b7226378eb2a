"""Generated builders answer as the exact one does; the fixture of this folder compares.

Of random operations, 45 are asked on each engine, with `CRMKIT_SOAK=1` nine hundred.
"""

from __future__ import annotations

import io
import os
import re
import tokenize
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import pytest

from crmkit import sdk
from crmkit.engine.generated import Writer
from crmkit.engine.plan import Plan
from crmkit.testing import Trial, crm
from tests.engine.hostile import Hostile, Word, WordRow
from tests.engine.operations import Operations
from tests.engine.zoo import AnimalRow, Diet, Zoo

if TYPE_CHECKING:
    from crmkit.engine.plans import Plans

pytestmark = pytest.mark.anyio

OPERATIONS = 900 if os.environ.get("CRMKIT_SOAK") else 45
LISTS = ["customers", "zooAnimals", "stages", "node", "nodes"]
ROOTS = [*LISTS, *LISTS, "customerStats", "zooAnimalStats"]
CURSORS = """{ customers { edges { cursor node { zooAnimals { edges { cursor } } } } }
  zooAnimals { edges { cursor } } }"""


@pytest.fixture
async def zoo(engine: str) -> AsyncIterator[Trial]:
    """Three keepers of two, one and no animals."""
    async with crm(Zoo, engine=engine) as t:
        made = await t.gql(
            """mutation { createCustomers(input: {items: [{kind: PERSON, name: "Ada"},
              {kind: PERSON, name: "Bo", source: "web"}, {kind: ORGANISATION, name: "张伟"}]}) {
              results { customer { id } } } }"""
        )
        owners = [each["customer"]["id"] for each in made["createCustomers"]["results"]]

        async def fill(context: sdk.Context) -> None:
            for owner, name, weight, diet in (
                (owners[0], "ant", None, Diet.PLANTS),
                (owners[0], "bee", 1, Diet.PLANTS),
                (owners[1], "Çow", 500, Diet.MEAT),
            ):
                row = AnimalRow(
                    customer_id=owner,
                    name=name,
                    weight=weight,
                    diet=diet,
                    price_minor=300,
                    currency="EUR",
                    tame=weight is None,
                    cause_id=owners[2],
                )
                context.write.add(row)

        await t.unit(fill, plugin="zoo")
        yield t


async def test_random_operations_are_answered_alike(zoo: Trial) -> None:
    found = await zoo.gql("{ customers { nodes { id zooList { id } } } }")
    ids = [each["id"] for c in found["customers"]["nodes"] for each in (c, *c["zooList"])]
    pages = await zoo.gql(CURSORS)
    cursors = {
        "Query.customers": [each["cursor"] for each in pages["customers"]["edges"]],
        "Query.zooAnimals": [each["cursor"] for each in pages["zooAnimals"]["edges"]],
        "Customer.zooAnimals": [
            each["cursor"]
            for customer in pages["customers"]["edges"]
            for each in customer["node"]["zooAnimals"]["edges"]
        ],
    }
    operations = Operations(zoo.crm.schema.core, 7, ROOTS, ids, cursors)
    told = whole = 0
    for _ in range(OPERATIONS):
        document, variables = operations.next()
        for each in variables:
            answer = await zoo.answer(document, each)
            told += "errors" not in answer
            whole += str(answer.get("data")).count(":")
    # Most are good questions, and say something; how much follows from the fields there are,
    # because each one more has the seed choose others.
    assert told > OPERATIONS
    assert whole > 20 * OPERATIONS


OURS = {
    "None", "a", "bail", "build", "counts", "def", "each", "else", "first", "for", "get", "if",
    "in", "is", "len", "need", "none", "over", "q", "request", "return", "rows", "str",
}  # fmt: skip
HOSTILE = ["__class__", "lambda", "None", "a", "q", "k1", "bail", "build", "_", "need", "v1c0"]


async def test_what_clients_call_their_fields_never_gets_into_the_source(zoo: Trial) -> None:
    keys = " ".join(f"{each}: name" for each in HOSTILE)
    document = f"query {{ {HOSTILE[0]}: zooAnimals(first: 1) {{ def: nodes {{ {keys} }} }} }}"
    answer = await zoo.gql(document)
    assert answer == {"__class__": {"def": [dict.fromkeys(HOSTILE, "ant")]}}
    assert not strange(zoo)


async def test_what_plugins_call_anything_never_gets_into_the_source(engine: str) -> None:
    async with crm(Hostile, engine=engine) as t:
        made = await t.gql(
            """mutation { createCustomer(input: {kind: PERSON, name: "Ada"}) {
              customer { id } } }"""
        )

        async def fill(context: sdk.Context) -> None:
            owner = made["createCustomer"]["customer"]["id"]
            context.write.add(WordRow(customer_id=owner, a="'; import os", build=Word.build))

        await t.unit(fill, plugin="hostile")
        document = r"""{ hostileWords { nodes { a q len build customer { name }
          bail(rows: "a", request: build) none: bail need(get: "\\" f1: none) k1: need
          over(str: "') or ('") return: over } } }"""
        answer = await t.gql(document)
        assert not strange(t)
    assert answer["hostileWords"]["nodes"] == [
        {
            "a": "'; import os", "q": None, "len": 0, "build": "build", "customer": {"name": "Ada"},
            "bail": "'; import osabuild", "none": "'; import osnone", "need": "\\none", "k1": "k1",
            "over": "') or ('", "return": None,
        }
    ]  # fmt: skip


def strange(t: Trial) -> set[str]:
    """Words in the source of the newest plan that the planner has not made, and all strings."""
    source = Writer().source(plan_of(t.plans))
    words = {
        each.string
        for each in tokenize.generate_tokens(io.StringIO(source).readline)
        if each.type in (tokenize.NAME, tokenize.STRING)
    }
    return {each for each in words - OURS if not re.fullmatch(r"_|[a-z]\d+([a-z]\d*)?", each)}


def plan_of(plans: Plans | None) -> Plan:
    assert plans is not None
    found = [each for each in plans._kept.values() if isinstance(each, Plan)]
    return found[-1]


ANIMALS = "{ zooAnimals { nodes { name diet weight born price { amount } customer { zooFeed } } } }"


@pytest.mark.parametrize(
    ("tampering", "path"),
    [
        (
            "UPDATE zoo_animal SET diet = 'stones' WHERE name = 'bee'",
            ["zooAnimals", "nodes", 1, "diet"],
        ),
        ("DELETE FROM zoo_pen", ["zooAnimals", "nodes", 0, "customer", "zooFeed"]),
        (
            "UPDATE zoo_animal SET weight = 2147483648 WHERE name = 'bee'",
            ["zooAnimals", "nodes", 1, "weight"],
        ),
    ],
)
async def test_what_no_schema_allows_is_said_where_it_stands(
    zoo: Trial, engine: str, tampering: str, path: list[str | int]
) -> None:
    if engine == "postgresql" and "2147483648" in tampering:
        pytest.skip("the column itself refuses it")
    good = await zoo.answer(ANIMALS)
    assert "errors" not in good
    async with zoo.host.database.transaction() as transaction:
        await transaction.execute(tampering, [])
    answer: dict[str, Any] = await zoo.answer(ANIMALS)
    assert path in [each["path"] for each in answer["errors"]]
