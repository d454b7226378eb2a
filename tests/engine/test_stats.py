"""Stats: what all records of a list come to, and each group of them, in one statement."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import ColumnElement, FromClause, Table

from crmkit import sdk
from crmkit.app import load_plugins, schema_of
from crmkit.engine.stats import GROUPS
from crmkit.graph.explaining import explain
from crmkit.host.actors import Actor, Rights
from crmkit.settings import Settings
from crmkit.store.drivers import dialect_of
from crmkit.store.reach import Reach
from crmkit.testing import Trial, add_customers, crm
from tests.engine.zoo import AnimalRow, Diet, Pen, Zoo

pytestmark = pytest.mark.anyio

BERLIN = {"zone": "Europe/Berlin"}


@pytest.fixture
async def zoo(engine: str) -> AsyncIterator[Trial]:
    """Ada with three animals, Bo with one, priced in two currencies."""
    async with crm(Zoo, engine=engine, organisation=BERLIN) as t:
        ada, bo = await add_customers(t, ["Ada", "Bo"])
        await keep(
            t,
            animal(ada, "ant", Diet.PLANTS, 100, weight=1, born=date(2026, 3, 31)),
            animal(ada, "bee", Diet.PLANTS, 101, weight=2, born=date(2026, 4, 1)),
            animal(ada, "cow", Diet.PLANTS, 999, weight=500, tame=True),
            animal(bo, "dog", Diet.MEAT, 7, weight=None, currency="JPY", born=date(2026, 1, 1)),
        )
        yield t


def animal(owner: str, name: str, diet: Diet, price: int, **more: Any) -> AnimalRow:
    given = {"currency": "EUR", **more}
    return AnimalRow(customer_id=owner, name=name, diet=diet, price_minor=price, **given)


async def keep(t: Trial, *rows: sdk.Base) -> None:
    async def fill(context: sdk.Context) -> None:
        context.write.add(*rows)

    await t.unit(fill, plugin="zoo")


async def run(t: Trial, sql: str) -> None:
    async with t.host.database.transaction() as transaction:
        await transaction.execute(sql, [])


async def stats(t: Trial, selected: str, arguments: str = "") -> Any:
    given = f"({arguments})" if arguments else ""
    return (await t.gql(f"{{ zooAnimalStats{given} {{ {selected} }} }}"))["zooAnimalStats"]


NUMBERS = "count weight { count sum min max avg } price { currency count sum min max avg }"
EURO = {"currency": "EUR", "count": 3, "sum": "12.00", "min": "1.00", "max": "9.99", "avg": "4.000000"}  # fmt: skip
YEN = {"currency": "JPY", "count": 1, "sum": "7", "min": "7", "max": "7", "avg": "7.000000"}


async def test_numbers_are_counted_and_money_by_its_currency(zoo: Trial) -> None:
    found = await stats(zoo, NUMBERS)
    assert found["count"] == 4
    assert found["weight"] == {"count": 3, "sum": "503", "min": "1", "max": "500", "avg": "167.666667"}  # fmt: skip
    assert found["price"] == [EURO, YEN]


async def test_groups_say_the_same_of_their_records_and_nobody_is_left_out(zoo: Trial) -> None:
    found = await stats(zoo, f"{NUMBERS} groups {{ tame diet {NUMBERS} }}", "by: [TAME, DIET]")
    assert found["price"] == [EURO, YEN]
    said = [(each["tame"], each["diet"], each["count"]) for each in found["groups"]]
    assert said == [(False, "MEAT", 1), (False, "PLANTS", 2), (True, "PLANTS", 1)]
    assert found["groups"][0]["price"] == [YEN]
    assert found["groups"][0]["weight"] == {"count": 0, "sum": "0", "min": None, "max": None, "avg": None}  # fmt: skip
    assert found["groups"][1]["price"][0]["sum"] == "2.01"
    assert sum(each["count"] for each in found["groups"]) == found["count"]


async def test_a_filter_is_the_lists_own(zoo: Trial) -> None:
    where = 'where: {customer: {name: {eq: "ada"}}, weight: {lt: 100}}, by: [DIET]'
    found = await stats(zoo, "count groups { diet count } hasMoreGroups", where)
    assert found == {
        "count": 2,
        "groups": [{"diet": "PLANTS", "count": 2}],
        "hasMoreGroups": False,
    }
    assert await stats(zoo, f"{NUMBERS} groups {{ count }}", 'where: {name: {eq: "nobody"}}') == {
        "count": 0,
        "weight": {"count": 0, "sum": "0", "min": None, "max": None, "avg": None},
        "price": [],
        "groups": [],
    }


async def test_periods_hold_days_and_what_has_none_is_a_group(zoo: Trial) -> None:
    found = await stats(zoo, "groups { born count }", "by: [BORN_QUARTER]")
    assert found["groups"] == [
        {"born": "2026-01-01", "count": 2},
        {"born": "2026-04-01", "count": 1},
        {"born": None, "count": 1},
    ]


async def test_groups_agree_in_records_which_are_read_together(zoo: Trial) -> None:
    document = "{ customerStats(by: [STAGE, KIND]) { groups { stage { key } team { name } kind count zooFeed { sum } } } }"
    with zoo.statements() as sent:
        found = await zoo.gql(document)
    assert found["customerStats"]["groups"] == [
        {
            "stage": {"key": "potential"},
            "team": None,
            "kind": "PERSON",
            "count": 2,
            "zooFeed": {"sum": "0"},
        }
    ]
    assert len(sent) == 2


async def test_it_is_one_statement_however_many_groups(zoo: Trial) -> None:
    for arguments in ("", "by: [DIET]", "by: [BORN_DAY, DIET, TAME, CREATED_AT_YEAR]"):
        with zoo.statements() as sent:
            await stats(zoo, f"{NUMBERS} groups {{ {NUMBERS} diet }} hasMoreGroups", arguments)
        assert len(sent) == 1


async def test_a_text_is_grouped_by_its_fold(zoo: Trial) -> None:
    for source in ("Web", "web", "fair"):
        await add_customers(zoo, ["Somebody"], source=source)
    found = await zoo.gql("{ customerStats(by: [SOURCE]) { groups { source count } } }")
    assert [each["source"] for each in found["customerStats"]["groups"]] == ["fair", "web", None]


async def test_what_belongs_to_the_deleted_still_counts(zoo: Trial) -> None:
    found = await zoo.gql('{ customers(where: {name: {eq: "Ada"}}) { nodes { id } } }')
    ada = found["customers"]["nodes"][0]["id"]
    await zoo.gql("mutation ($id: ID!) { deleteCustomer(input: {id: $id}) { __typename } }", id=ada)
    found = await zoo.gql(
        """{ customers { totalCount } zooAnimals { totalCount }
          customerStats { count } zooAnimalStats { count } }"""
    )
    assert found["zooAnimals"]["totalCount"] == 1
    assert (found["customerStats"]["count"], found["zooAnimalStats"]["count"]) == (2, 4)


async def test_it_counts_what_the_actor_reaches_and_no_more(zoo: Trial) -> None:
    def narrow(table: Table, rows: FromClause) -> ColumnElement[bool] | None:
        return rows.c["name"] == "Ada" if table.name == "customer" else None

    hidden = {"zoo_animal": frozenset({"price_minor"})}
    reach = Reach(narrow=(narrow,), hidden=hidden)
    zoo.actor = Actor("somebody", "user", rights=Rights(frozenset(), reach))
    found = await stats(zoo, "count weight { sum } groups { diet count }", "by: [DIET]")
    assert found == {
        "count": 3,
        "weight": {"sum": "503"},
        "groups": [{"diet": "PLANTS", "count": 3}],
    }
    [error] = await zoo.errors("{ zooAnimalStats { price { sum } } }")
    assert error["extensions"]["code"] == "FORBIDDEN"


async def test_sums_are_exact_beyond_what_a_database_holds(zoo: Trial) -> None:
    most = 2**63 - 1
    owners = await add_customers(zoo, ["Rich", "Richer"])
    await run(zoo, "DELETE FROM zoo_pen")
    await keep(zoo, *[Pen(customer_id=each, feed=most) for each in owners])
    found = await zoo.gql("{ customerStats { zooFeed { sum avg min } } }")
    assert found["customerStats"]["zooFeed"]["sum"] == str(2 * most)
    assert found["customerStats"]["zooFeed"]["avg"] == f"{most}.000000"
    await run(zoo, "UPDATE zoo_pen SET feed = -feed - 1")
    found = await zoo.gql("{ customerStats { zooFeed { sum } } }")
    assert found["customerStats"]["zooFeed"]["sum"] == str(-2 * most - 2)


async def test_periods_of_moments_are_those_of_the_organisations_zone(zoo: Trial) -> None:
    """Hour by hour over both changes of the clocks, beside what zoneinfo says."""
    [owner] = await add_customers(zoo, ["Eve"])
    expected: dict[str, dict[date, int]] = defaultdict(lambda: defaultdict(int))
    for begin in (datetime(2026, 3, 28, tzinfo=UTC), datetime(2026, 10, 24, tzinfo=UTC)):
        for minutes in range(0, 60 * 72, 30):
            moment = begin + timedelta(minutes=minutes)
            zoo.clock.set(moment)
            local = moment.astimezone(ZoneInfo("Europe/Berlin")).date()
            expected["DAY"][local] += 1
            expected["WEEK"][local - timedelta(days=local.weekday())] += 1
            expected["MONTH"][local.replace(day=1)] += 1
            expected["YEAR"][local.replace(month=1, day=1)] += 1
            await keep(zoo, animal(owner, "hen", Diet.MEAT, 1))
    for period, days in expected.items():
        arguments = f'where: {{name: {{eq: "hen"}}}}, by: [CREATED_AT_{period}]'
        found = await stats(zoo, "groups { createdAt count }", arguments)
        assert [(each["createdAt"], each["count"]) for each in found["groups"]] == [
            (day.isoformat(), number) for day, number in sorted(days.items())
        ]


async def test_so_many_groups_are_told_and_the_whole_is_all_the_same(zoo: Trial) -> None:
    [owner] = await add_customers(zoo, ["Eve"])
    first = date(2000, 1, 1)
    days = [first + timedelta(days=number) for number in range(GROUPS + 2)]
    await keep(zoo, *[animal(owner, "fly", Diet.MEAT, 1, born=each) for each in days])
    where = 'where: {name: {eq: "fly"}}, by: [BORN_DAY, DIET]'
    found = await stats(zoo, f"{NUMBERS} hasMoreGroups groups {{ born {NUMBERS} }}", where)
    assert found["hasMoreGroups"] is True
    assert [each["born"] for each in found["groups"]] == [each.isoformat() for each in days[:GROUPS]]  # fmt: skip
    assert found["count"] == found["price"][0]["count"] == GROUPS + 2
    assert found["groups"][0]["price"][0]["count"] == 1


async def test_two_periods_of_one_field_are_refused(zoo: Trial) -> None:
    [error] = await zoo.errors("{ zooAnimalStats(by: [BORN_DAY, BORN_YEAR]) { count } }")
    assert error["message"] == "Groups are made by one period of born, not by its day and its year."
    assert error["path"] == ["zooAnimalStats"]
    assert error["extensions"]["problems"][0]["field"] == ["by"]


async def test_a_plan_serves_all_values_of_a_filter(zoo: Trial) -> None:
    document = """query ($least: Int, $by: [ZooAnimalGroupBy!]) {
      zooAnimalStats(where: {weight: {gte: $least}}, by: $by) { count groups { diet count } } }"""
    assert zoo.plans is not None
    before = zoo.plans.misses
    found = [await zoo.gql(document, least=least, by=["DIET"]) for least in (1, 2, 3)]
    assert [each["zooAnimalStats"]["count"] for each in found] == [3, 2, 1]
    assert zoo.plans.misses - before == 1


@pytest.mark.parametrize("url", ["sqlite:///none.db", "postgresql://nobody@nowhere.invalid/none"])
def test_it_is_explained(url: str) -> None:
    settings = Settings()
    schema = schema_of(load_plugins(settings, [Zoo]), settings)
    document = "{ customerStats(by: [STAGE]) { count groups { stage { key } zooFeed { avg } } } }"
    said = explain(schema, settings, dialect_of(url), document, {})
    assert [each.purpose for each in said.statements] == ["stats of customer", "rows of stage"]
    assert "sum(" in said.statements[0].sql
    origins = {each.key: each.origin for each in said.fields}
    assert origins["customerStats"] == "counted of all, of core; statement 1"
    assert origins["stage"] == "CustomerGroup.stage; statement 2"
