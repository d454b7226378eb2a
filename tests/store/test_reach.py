from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import (
    Column,
    ColumnElement,
    ForeignKey,
    FromClause,
    MetaData,
    Table,
    Text,
    and_,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    text,
)

from crmkit.store import database as tables
from crmkit.store.database import Scope, table_of
from crmkit.store.reach import EVERYTHING, Reach, is_scoped, scope_of
from crmkit.store.scoping import compiled
from crmkit.store.unit_of_work import Origin, UnitOfWork, run_unit
from crmkit.values.clock import ManualClock
from crmkit.values.errors import Forbidden, SetupError
from tests.store.tables import Balance, Everything, Person, Purchase

if TYPE_CHECKING:
    from crmkit.store.drivers import Database

pytestmark = pytest.mark.anyio

person, purchase, balance = table_of(Person), table_of(Purchase), table_of(Balance)
GONE = datetime(2026, 1, 1, tzinfo=UTC)


def narrowed(table: Table, rows: FromClause) -> ColumnElement[bool] | None:
    return rows.c.name != "Bea" if table is person else None


@pytest.fixture
async def people(database: Database) -> Database:
    """Anna and Bea are here, Cleo was deleted; each has bought something."""
    anna, bea, cleo = Person(name="Anna"), Person(name="Bea"), Person(name="Cleo", deleted_at=GONE)

    async def body(unit: UnitOfWork) -> None:
        for amount, each in enumerate((anna, bea, cleo), 1):
            unit.write.add(each, Balance(person_id=each.id, points=amount))
            unit.write.add(Purchase(person_id=each.id, amount=amount))

    await run_unit(database, ManualClock(), Origin("system", "tests", "request_1"), body)
    return database


async def seen(database: Database, statement: Any, reach: Reach) -> list[Any]:
    return sorted(value for (value,) in await database.fetch(statement, reach))


@pytest.mark.parametrize(
    ("reach", "names"),
    [
        (EVERYTHING, ["Anna", "Bea", "Cleo"]),
        (Reach(), ["Anna", "Bea"]),
        (Reach(deleted=True), ["Anna", "Bea", "Cleo"]),
        (Reach(narrow=(narrowed,)), ["Anna"]),
    ],
)
async def test_a_reach_decides_which_people_are_seen(
    people: Database, reach: Reach, names: list[str]
) -> None:
    assert await seen(people, select(Person.name), reach) == names


@pytest.mark.parametrize("column", [Purchase.amount, Balance.points])
async def test_what_belongs_to_somebody_unseen_is_unseen(people: Database, column: Any) -> None:
    assert await seen(people, select(column), Reach()) == [1, 2]
    assert await seen(people, select(column), Reach(narrow=(narrowed,))) == [1]
    assert await seen(people, select(column), EVERYTHING) == [1, 2, 3]


async def test_no_way_of_reading_a_table_goes_around_its_scope(people: Database) -> None:
    other = person.alias("other")
    cte = select(person.c.name).cte("everybody")
    counted = select(func.count()).select_from(purchase).scalar_subquery()
    ways = {
        "alias": select(other.c.name),
        "join": select(person.c.name).join_from(purchase, person),
        "subquery": select(select(person.c.name).subquery().c.name),
        "cte": select(cte.c.name),
        "union": select(person.c.name).union_all(select(literal("x")).where(literal(1) == 2)),
        "exists": select(person.c.name).where(exists().where(purchase.c.person_id == person.c.id)),
        "correlated": select(person.c.name).where(counted > 0),
        "model": select(person.c.name).select_from(Person),
    }
    for way, statement in ways.items():
        assert await seen(people, statement, Reach()) == ["Anna", "Bea"], way
        assert await seen(people, statement, Reach(narrow=(narrowed,))) == ["Anna"], way


async def test_a_self_join_sees_no_more_on_either_side(people: Database) -> None:
    one, two = person.alias("one"), person.alias("two")
    pairs = select(func.count()).select_from(one.join(two, literal(1) == 1))
    assert await people.fetch(pairs, Reach()) == [(4,)]
    outer = select(func.count(two.c.id)).select_from(one.outerjoin(two, two.c.name == "Cleo"))
    assert await people.fetch(outer, Reach()) == [(0,)]


async def test_what_is_joined_beside_its_owner_looks_for_nobody_again(people: Database) -> None:
    owner, beside = person.alias(), balance.alias()
    joined = owner.outerjoin(beside, beside.c.person_id == owner.c.id)
    statement = select(beside.c.points).select_from(joined)
    assert "EXISTS" not in compiled(statement, people.dialect, Reach()).string
    assert await seen(people, statement, Reach()) == [1, 2]
    assert await seen(people, statement, Reach(narrow=(narrowed,))) == [1]


@pytest.mark.parametrize(
    "way",
    [
        lambda owner, other, beside: owner.join(
            beside, owner.c.id == beside.c.person_id, full=True
        ),
        lambda owner, other, beside: owner.join(beside, literal(1) == 1),
        lambda owner, other, beside: owner.join(beside, beside.c.person_id == owner.c.name),
        lambda owner, other, beside: beside.outerjoin(owner, beside.c.person_id == owner.c.id),
        lambda owner, other, beside: owner.outerjoin(
            beside.join(other, literal(1) == 1), beside.c.person_id == owner.c.id
        ),
    ],
)
async def test_what_is_joined_otherwise_does(people: Database, way: Any) -> None:
    owner, other, beside = person.alias(), person.alias(), balance.alias()
    statement = select(beside.c.points).select_from(way(owner, other, beside))
    assert "EXISTS" in compiled(statement, people.dialect, Reach()).string
    assert 3 not in [points for (points,) in await people.fetch(statement, Reach())]


async def test_what_is_counted_for_its_owner_looks_for_nobody_again(people: Database) -> None:
    counted = select(func.sum(Balance.points)).where(Balance.person_id == Person.id)
    statement = select(counted.scalar_subquery()).select_from(Person)
    assert "EXISTS" not in compiled(statement, people.dialect, Reach()).string
    assert await seen(people, statement, Reach()) == [1, 2]
    assert await seen(people, statement, Reach(narrow=(narrowed,))) == [1]


@pytest.mark.parametrize(
    "condition",
    [
        lambda rows, owner: rows.c.person_id == owner.c.name,
        lambda rows, owner: rows.c.person_id > owner.c.id,
        lambda rows, owner: or_(rows.c.person_id == owner.c.id, rows.c.points > 0),
        # What is known of the rows around is not known of those of another SELECT.
        lambda rows, owner: and_(
            rows.c.person_id == owner.c.id,
            exists(select(balance.c.points).where(balance.c.points == 3).correlate(None)),
        ),
    ],
)
async def test_what_is_counted_otherwise_does(people: Database, condition: Any) -> None:
    owner = person.alias()
    counted = select(func.max(balance.c.points)).where(condition(balance, owner))
    statement = select(counted.correlate(owner).scalar_subquery()).select_from(owner)
    assert "EXISTS (SELECT *" in compiled(statement, people.dialect, Reach()).string.replace(
        "\n", ""
    )
    assert 3 not in [points for (points,) in await people.fetch(statement, Reach())]


async def test_a_hidden_column_may_not_be_named_anywhere(people: Database) -> None:
    reach = Reach(hidden={"person": frozenset({"name"})})
    assert len(await seen(people, select(Person.id), reach)) == 2
    alias = person.alias()
    for statement in (
        select(Person.name),
        select(alias.c.name),
        select(Person.id).where(Person.name == "Anna"),
        select(Person.id).order_by(Person.name),
    ):
        with pytest.raises(Forbidden, match=r"person\.name is hidden"):
            await people.fetch(statement, reach)


async def test_sql_as_text_is_refused_where_scopes_count(people: Database) -> None:
    told = select(text("name")).select_from(person)
    with pytest.raises(Forbidden, match="knows no scope"):
        await people.fetch(told, Reach())
    assert len(await people.fetch(told, EVERYTHING)) == 3


def test_a_scope_follows_the_one_key_that_leads_to_the_root() -> None:
    assert scope_of(purchase) == Scope("through", ("person_id",))
    assert is_scoped(balance)
    assert not is_scoped(table_of(Everything))


@pytest.fixture
def gift() -> Table:
    """A table with two people in each row, which only its test knows."""
    keys = [
        Column("giver_id", Text, ForeignKey(person.c.id), nullable=False),
        Column("taker_id", Text, ForeignKey(person.c.id), nullable=False),
    ]
    return Table("gift", MetaData(), *keys)


def test_two_keys_that_could_decide_are_a_mistake_of_the_model(gift: Table) -> None:
    with pytest.raises(SetupError, match="table gift belongs to others through giver_id, taker_id"):
        scope_of(gift)


@pytest.mark.parametrize(
    ("scope", "seen"),
    [
        (tables.through("giver_id"), 6),
        (tables.both("giver_id", "taker_id"), 4),
        (tables.or_null("giver_id"), 7),
        (tables.unscoped("tests"), 10),
    ],
)
async def test_a_model_can_say_whose_its_rows_are(
    people: Database, gift: Table, scope: Scope, seen: int
) -> None:
    # Everybody gives to everybody, and one gift is nobody's.
    giver, taker = person.alias(), person.alias()
    given = select(giver.c.id.label("giver_id"), taker.c.id.label("taker_id"))
    nobody = select(null().label("giver_id"), null().label("taker_id"))
    pairs = given.select_from(giver.join(taker, literal(1) == 1)).union_all(nobody)
    gift.info["scope"] = scope
    rows = pairs.subquery("gift")
    where = list(Reach().conditions(gift, rows))
    assert await people.fetch(select(func.count()).select_from(rows).where(*where)) == [(seen,)]


async def test_a_text_that_was_compiled_before_has_the_values_of_now(people: Database) -> None:
    async def named(reach: Reach, *names: str) -> list[Any]:
        wanted = select(person.c.name).where(person.c.name.in_(names)).order_by(person.c.name)
        return [name for (name,) in await people.fetch(wanted, reach)]

    assert await named(Reach(), "Anna") == ["Anna"]
    assert await named(Reach(), "Bea", "Cleo", "Dora") == ["Bea"]
    assert await named(EVERYTHING, "Bea", "Cleo", "Dora") == ["Bea", "Cleo"]
    assert await named(Reach(deleted=True), "Cleo") == ["Cleo"]
    assert await named(Reach()) == []


async def test_who_sees_less_has_no_text_of_others(people: Database) -> None:
    names = select(person.c.name).order_by(person.c.name)
    for reach, seen in (
        (Reach(), ["Anna", "Bea"]),
        (Reach(narrow=(narrowed,)), ["Anna"]),
        (Reach(), ["Anna", "Bea"]),
    ):
        assert [name for (name,) in await people.fetch(names, reach)] == seen
    with pytest.raises(Forbidden):
        await people.fetch(names, Reach(hidden={"person": frozenset({"name"})}))


async def test_a_statement_is_compiled_once_whatever_its_values(
    people: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[Any] = []

    def counted(*given: Any) -> Any:
        written.append(given)
        return compiled(*given)

    monkeypatch.setattr("crmkit.store.statements.compiled", counted)
    for amount in range(3):
        wanted = select(purchase.c.id).where(purchase.c.amount >= amount, purchase.c.amount < 9)
        assert len(await people.fetch(wanted)) == 3 - max(amount - 1, 0)
    assert len(written) == 1
