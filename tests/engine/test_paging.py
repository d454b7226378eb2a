"""Pages of any order and any filter hold each record once, in one order on both engines.

The oracle is plain Python over all rows in memory; it shares no code with the engine.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cmp_to_key
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crmkit.testing import Trial, crm
from crmkit_loyalty.plugin import Loyalty

NAMES = ["张伟", "章伟", "Ann", "ann", "ÄNN", "Zoë", "Émile", "Иван", "李娜", "Bob"]
SOURCES = [None, "web", "Web", "fair", None]
POINTS = [0, 0, 5, 5, 10, 2**40]
PINYIN = {"张伟": "zhang wei", "章伟": "zhang wei", "李娜": "li na"}


@dataclass(frozen=True)
class Person:
    id: str
    name: str
    source: str | None
    points: int


@dataclass
class Crowd:
    runner: asyncio.Runner
    trial: Trial
    people: list[Person]

    def ask(self, document: str, **variables: Any) -> dict[str, Any]:
        return self.runner.run(self.trial.gql(document, **variables))


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def crowd(request: pytest.FixtureRequest) -> Iterator[Crowd]:
    """Forty people with equal names, missing sources and equal balances."""
    with asyncio.Runner() as runner:
        context = crm(Loyalty, engine=request.param)
        trial = runner.run(context.__aenter__())
        yield Crowd(runner, trial, runner.run(_populated(trial)))
        runner.run(context.__aexit__(None, None, None))


async def _populated(t: Trial) -> list[Person]:
    items = [{"kind": "PERSON", "name": NAMES[i % 10], "source": SOURCES[i % 5]} for i in range(40)]
    made = await t.gql(
        "mutation ($i: [CreateCustomerItem!]!) { createCustomers(input: {items: $i}) "
        "{ results { customer { id } } } }",
        i=items,
    )
    ids = [each["customer"]["id"] for each in made["createCustomers"]["results"]]
    people = []
    for index, (id_, item) in enumerate(zip(ids, items, strict=True)):
        points = POINTS[index % 6]
        if points:
            await t.gql(
                "mutation ($id: ID!, $n: BigInt!) { adjustPoints("
                'input: {customerId: $id, points: $n, reason: "start"}) { entry { id } } }',
                id=id_,
                n=str(points),
            )
        people.append(Person(id_, str(item["name"]), item["source"], points))
    return people


def _fold(text: str) -> str:
    return text.casefold()


def _sort_key(text: str) -> bytes:
    sound = PINYIN.get(text)
    return (_fold(text) if sound is None else f"{sound}\x1f{text}").encode()


KEYS = {
    "NAME": lambda p: _sort_key(p.name),
    "SOURCE": lambda p: None if p.source is None else _sort_key(p.source),
    "LOYALTY_POINTS": lambda p: p.points,
    "ID": lambda p: p.id,
}

WHERES: list[tuple[dict[str, Any], Any]] = [
    ({}, lambda p: True),
    ({"loyaltyPoints": {"gte": "5"}}, lambda p: p.points >= 5),
    ({"source": {"isNull": True}}, lambda p: p.source is None),
    ({"source": {"ne": "WEB"}}, lambda p: p.source is None or _fold(p.source) != "web"),
    ({"name": {"eq": "ANN"}}, lambda p: _fold(p.name) == "ann"),
    ({"name": {"eq": "张伟"}}, lambda p: p.name == "张伟"),
    (
        {"not": {"loyaltyPoints": {"in": ["0", str(2**40)]}}},
        lambda p: p.points not in (0, 2**40),
    ),
    (
        {"or": [{"source": {"eq": "fair"}}, {"loyaltyPoints": {"eq": "10"}}]},
        lambda p: p.source == "fair" or p.points == 10,
    ),
]


def _expected(people: list[Person], order: list[str], holds: Any) -> list[str]:
    """All ids in order: null is the largest value; the id follows the last key's way."""
    ways = [(name.rpartition("_")[0], name.endswith("DESC")) for name in order]
    if "ID" not in [key for key, _ in ways]:
        ways.append(("ID", bool(ways) and ways[-1][1]))

    def compare(a: Person, b: Person) -> int:
        for key, down in ways:
            x, y = KEYS[key](a), KEYS[key](b)
            if x != y:
                less = y is None if x is not None and y is None else x is not None and x < y
                return (1 if less else -1) if down else (-1 if less else 1)
        return 0

    return [p.id for p in sorted(filter(holds, people), key=cmp_to_key(compare))]


def _walk(
    crowd: Crowd, order: list[str], where: dict[str, Any], size: int, back: bool
) -> list[str]:
    """All pages, one after the other, as a client walks them."""
    first, cursor, ends = ("last", "before", "hasPreviousPage startCursor") if back else (
        "first", "after", "hasNextPage endCursor"
    )  # fmt: skip
    document = (
        f"query ($w: CustomerWhere, $o: [CustomerOrderBy!], $n: Int, $c: String) {{ customers("
        f"where: $w, orderBy: $o, {first}: $n, {cursor}: $c) {{ nodes {{ id }} pageInfo {{ {ends} }} }} }}"
    )
    has, end = ends.split()
    found: list[str] = []
    at = None
    for _ in crowd.people:
        page = crowd.ask(document, w=where, o=order, n=size, c=at)["customers"]
        ids = [each["id"] for each in page["nodes"]]
        found = ids + found if back else found + ids
        if not page["pageInfo"][has]:
            return found
        assert len(ids) == size
        at = page["pageInfo"][end]
    return found


@settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    order=st.lists(
        st.tuples(st.sampled_from(sorted(KEYS)), st.sampled_from(["ASC", "DESC"])),
        max_size=3,
        unique_by=lambda key: key[0],
    ),
    where=st.sampled_from(WHERES),
    size=st.integers(1, 45),
    back=st.booleans(),
)
def test_walking_all_pages_brings_each_record_once_and_in_order(
    crowd: Crowd,
    order: list[tuple[str, str]],
    where: tuple[dict[str, Any], Any],
    size: int,
    back: bool,
) -> None:
    names = [f"{key}_{way}" for key, way in order]
    condition, holds = where
    expected = _expected(crowd.people, names, holds)
    assert _walk(crowd, names, condition, size, back) == expected


def test_two_people_whose_names_sound_alike_are_two(crowd: Crowd) -> None:
    found = {
        name: crowd.ask(
            "query ($n: String!) { customers(where: {name: {eq: $n}}) { nodes { name } totalCount } }",
            n=name,
        )["customers"]
        for name in ("张伟", "章伟")
    }
    assert all(page["totalCount"] == 4 for page in found.values())
    assert all(each["name"] == name for name, page in found.items() for each in page["nodes"])
    sound = crowd.ask('{ customers(where: {name: {startsWith: "zhang"}}) { totalCount } }')
    assert sound["customers"]["totalCount"] == 8


@pytest.mark.anyio
async def test_one_row_too_many_is_read_only_for_whoever_asks_whether_there_is_more(
    engine: str,
) -> None:
    limits = []
    async with crm(engine=engine) as t:
        for asked in ("nodes { id }", "edges { cursor }", "pageInfo { hasNextPage }"):
            with t.statements() as sent:
                await t.gql(f"{{ customers(first: 7) {{ {asked} }} }}")
            limits += [each.partition("LIMIT ")[2].split()[0] for each in sent]
    assert limits == ["7", "7", "8"]
