from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from crmkit.store.database import Base, Frozen, table_of
from crmkit.store.unit_of_work import Origin, UnitOfWork, run_unit
from crmkit.values.clock import ManualClock
from crmkit.values.errors import Conflict, Invalid, NotFound, Refused
from tests.store.tables import Balance, Everything, Person, Purchase

if TYPE_CHECKING:
    from collections.abc import Callable

    from crmkit.store.drivers import Database
    from crmkit.store.write import Write

pytestmark = pytest.mark.anyio

ORIGIN = Origin("system", "tests.write", "request_1")
SIDES = {table_of(Person): (Balance,)}
TooFew = Refused


async def written(database: Database, say: Callable[[Write], Any]) -> list[str]:
    """Runs one unit and returns the statements that its rows took."""
    told: list[str] = []

    async def body(unit: UnitOfWork) -> None:
        say(unit.write)

    database.watchers.append(told.append)
    try:
        await run_unit(database, ManualClock(), ORIGIN, body, sides=SIDES)
    finally:
        database.watchers.remove(told.append)
    return [each for each in told if "INTO audit" not in each]


async def rows(database: Database, model: type[Base], *names: str) -> list[tuple[Any, ...]]:
    columns = [table_of(model).c[name] for name in names]
    return sorted(await database.fetch(select(*columns)))


async def anna(database: Database) -> str:
    person = Person(name="Anna", email="anna@example.com")
    await written(database, lambda write: write.add(person))
    return person.id


async def test_five_and_seven_are_twelve_in_one_statement(database: Database) -> None:
    key = await anna(database)

    def say(write: Write) -> None:
        write.change(Balance, key, add={Balance.points: 5})
        write.change(Balance, key, add={Balance.points: 7})

    assert len(await written(database, say)) == 1
    assert await rows(database, Balance, "person_id", "points") == [(key, 12)]


async def test_a_row_that_is_changed_before_it_was_written_is_written_once(
    database: Database,
) -> None:
    person = Person(name="Anna")

    def say(write: Write) -> None:
        write.add(person)
        write.change(Person, person.id, set={Person.name: "ANNE"}, add={Person.visits: 2})
        write.change(Balance, person.id, add={Balance.points: 3})

    assert len(await written(database, say)) == 2
    assert await rows(database, Person, "name", "name_fold", "visits", "version") == [
        ("ANNE", "anne", 2, 2)
    ]
    assert await rows(database, Balance, "points") == [(3,)]


async def test_what_was_ensured_can_be_added_to(database: Database) -> None:
    person = Person(name="Anna")
    await run_unit(database, ManualClock(), ORIGIN, lambda unit: _said(unit.write.add, person))

    def say(write: Write) -> None:
        for _ in range(2):
            write.upsert(Balance, [Balance(person_id=person.id)], key=Balance.person_id)
        write.change(Balance, person.id, add={Balance.points: 5})
        write.change(Balance, person.id, add={Balance.points: 7})

    assert len(await written(database, say)) == 2
    assert len(await written(database, say)) == 2
    assert await rows(database, Balance, "points") == [(24,)]


async def _said(say: Callable[..., None], *arguments: Any) -> None:
    say(*arguments)


async def test_two_rows_of_one_key_in_one_upsert_are_both_counted(database: Database) -> None:
    key = await anna(database)

    def say(write: Write) -> None:
        both = [
            Balance(person_id=key, points=5, earned=1),
            Balance(person_id=key, points=7, earned=2),
        ]
        write.upsert(
            Balance, both, key=Balance.person_id, add=[Balance.points], set=[Balance.earned]
        )

    assert len(await written(database, say)) == 1
    assert await rows(database, Balance, "points", "earned") == [(12, 2)]


async def test_an_upsert_counts_versions_and_keeps_the_fold_of_what_it_sets(
    database: Database,
) -> None:
    def say(*names: str) -> Callable[[Write], None]:
        people = [Person(name=name, email="a@example.com") for name in names]
        return lambda write: write.upsert(Person, people, key=Person.email, set=[Person.name])

    # An upsert knows no side rows, so this unit is given none.
    async def body(unit: UnitOfWork, *names: str) -> None:
        say(*names)(unit.write)

    await run_unit(database, ManualClock(), ORIGIN, lambda unit: body(unit, "Anna", "BEA"))
    await run_unit(database, ManualClock(), ORIGIN, lambda unit: body(unit, "CLEO"))
    assert await rows(database, Person, "name_fold", "version") == [("cleo", 3)]
    with pytest.raises(ValueError, match="side rows"):
        await written(database, say("Dora"))


async def test_what_is_deleted_then_added_is_there(database: Database) -> None:
    key = await anna(database)

    def say(write: Write) -> None:
        write.change(Balance, key, add={Balance.points: 1})
        write.delete(Balance, where=Balance.person_id == key)
        write.add(Balance(person_id=key, points=3))
        write.change(Balance, key, add={Balance.points: 1})

    assert len(await written(database, say)) == 3
    assert await rows(database, Balance, "points") == [(4,)]


async def test_an_update_sees_the_rows_that_were_said_before_it(database: Database) -> None:
    def say(write: Write) -> None:
        people = [Person(name=f"P{n}") for n in range(3)]
        write.add(*people)
        write.update(Person, where=Person.visits == 0, add={Person.visits: 5}, expect=3)
        write.add(Person(name="late"))
        write.change(Person, people[0].id, add={Person.visits: 1})

    await written(database, say)
    assert await rows(database, Person, "visits", "version") == [(0, 1), (5, 2), (5, 2), (6, 3)]


async def test_children_and_parents_said_in_turn_take_two_statements(database: Database) -> None:
    def say(write: Write) -> None:
        for n in range(3):
            person = Person(name=f"P{n}")
            write.add(person, Purchase(person_id=person.id, amount=n))

    assert len(await written(database, say)) == 3  # people, their side rows, purchases
    assert await rows(database, Purchase, "amount") == [(0,), (1,), (2,)]


async def test_a_side_row_that_is_said_comes_in_the_place_of_the_empty_one(
    database: Database,
) -> None:
    def say(write: Write) -> None:
        first, second = Person(name="P1"), Person(name="P2")
        write.add(first, second, Balance(person_id=second.id, points=7))

    assert len(await written(database, say)) == 2  # people, all their side rows
    assert await rows(database, Balance, "points") == [(0,), (7,)]


async def test_the_text_of_a_statement_does_not_depend_on_how_many_rows_it_has(
    database: Database,
) -> None:
    def people(count: int) -> Callable[[Write], None]:
        return lambda write: write.add(*[Person(name=f"P{n}") for n in range(count)])

    assert await written(database, people(2)) == await written(database, people(50))


async def test_a_change_waits_for_the_new_row_that_it_points_to(database: Database) -> None:
    first, second = await anna(database), Person(name="Bea")
    bought = [Purchase(person_id=first, amount=n) for n in range(2)]
    await written(database, lambda write: write.add(*bought))

    def say(write: Write) -> None:
        write.change(Purchase, bought[0].id, set={Purchase.person_id: first})
        write.add(second)
        write.change(Purchase, bought[1].id, set={Purchase.person_id: second.id})

    await written(database, say)
    assert await rows(database, Purchase, "person_id") == sorted([(first,), (second.id,)])


async def test_a_change_waits_for_an_update_that_reads_its_table(database: Database) -> None:
    key = await anna(database)
    rich = select(Balance.person_id).where(Balance.points > 5)

    def say(write: Write) -> None:
        write.change(Balance, key, add={Balance.points: 5})
        write.update(Person, where=Person.id.in_(rich), add={Person.visits: 1})
        write.change(Balance, key, add={Balance.points: 5})

    await written(database, say)
    assert await rows(database, Person, "visits") == [(0,)]
    assert await rows(database, Balance, "points") == [(10,)]


async def test_a_row_is_not_changed_in_the_buffer_where_an_update_would_have_seen_it(
    database: Database,
) -> None:
    person = Person(name="Anna")

    def say(write: Write) -> None:
        write.add(person)
        write.update(Person, where=Person.visits == 0, set={Person.name: "Nobody yet"})
        write.change(Person, person.id, add={Person.visits: 1})

    await written(database, say)
    assert await rows(database, Person, "name", "visits") == [("Nobody yet", 1)]


async def test_equal_deletes_are_one(database: Database) -> None:
    key = await anna(database)

    def say(write: Write) -> None:
        write.delete(Purchase, where=Purchase.person_id == key)
        write.add(Person(name="Bea"))
        write.delete(Purchase, where=Purchase.person_id == key)
        write.delete(Purchase, where=Purchase.person_id == "another")

    assert len([each for each in await written(database, say) if "DELETE" in each]) == 2


async def test_after_then_nothing_joins_what_was_said_before(database: Database) -> None:
    key = await anna(database)

    def say(write: Write) -> None:
        write.change(Balance, key, add={Balance.points: 5})
        write.then()
        write.change(Balance, key, add={Balance.points: 7})

    assert len(await written(database, say)) == 2
    assert await rows(database, Balance, "points") == [(12,)]


async def test_steps_down_stop_at_the_floor_and_say_whose_step_it_was(database: Database) -> None:
    first, second = await anna(database), Person(name="Bea")
    await written(database, lambda write: write.add(second))
    await written(database, lambda write: write.change(Balance, first, add={Balance.points: 10}))

    def take(write: Write, key: str, points: int, name: str) -> None:
        add, otherwise = {Balance.points: -points}, TooFew(name)
        write.change(Balance, key, add=add, at_least=0, otherwise=otherwise)

    def say(write: Write) -> None:
        take(write, first, 4, "the first")
        take(write, first, 6, "the second")
        take(write, second.id, 0, "nothing at all")
        take(write, second.id, 1, "the last")

    with pytest.raises(TooFew, match="the last"):
        await written(database, say)
    with pytest.raises(TooFew, match="twice"):
        await written(
            database, lambda write: [take(write, first, 6, "once"), take(write, first, 6, "twice")]
        )
    assert await rows(database, Balance, "points") == [(0,), (10,)]


async def test_a_step_below_the_floor_is_not_saved_by_a_later_one_up(database: Database) -> None:
    key = await anna(database)
    await written(database, lambda write: write.change(Balance, key, add={Balance.points: 3}))

    def say(write: Write) -> None:
        for step in (-7, 5):
            write.change(Balance, key, add={Balance.points: step}, at_least=0)

    with pytest.raises(Refused, match="below 0"):
        await written(database, say)
    assert await rows(database, Balance, "points") == [(3,)]


async def test_guarded_steps_up_are_not_summed_either(database: Database) -> None:
    key = await anna(database)
    await written(database, lambda write: write.change(Balance, key, add={Balance.points: -5}))

    def say(write: Write) -> None:
        for step in (2, 9):
            write.change(Balance, key, add={Balance.points: step}, at_least=0)

    with pytest.raises(Refused, match="below 0"):
        await written(database, say)


async def test_a_guard_holds_for_a_row_that_was_just_said(database: Database) -> None:
    person = Person(name="Anna")

    def say(write: Write) -> None:
        write.add(person)
        write.change(Balance, person.id, add={Balance.points: -1}, at_least=0)

    with pytest.raises(Refused):
        await written(database, say)
    assert await rows(database, Person, "id") == []


async def test_a_stale_version_is_a_conflict_that_tells_the_current_one(database: Database) -> None:
    key = await anna(database)

    def rename(name: str, version: int) -> Callable[[Write], None]:
        return lambda write: write.change(
            Person, key, set={Person.name: name}, expect_version=version
        )

    await written(database, rename("Bea", 1))
    with pytest.raises(Conflict) as caught:
        await written(database, rename("Cleo", 1))
    assert caught.value.problems[0].params == {"current": 2}
    assert await rows(database, Person, "name", "version") == [("Bea", 2)]


async def test_a_version_is_met_once_in_a_unit(database: Database) -> None:
    key = await anna(database)

    def say(write: Write) -> None:
        for name in ("Bea", "Cleo"):
            write.change(Person, key, set={Person.name: name}, expect_version=1)

    with pytest.raises(Conflict):
        await written(database, say)


async def test_a_row_that_is_not_there_is_not_found_unless_said_otherwise(
    database: Database,
) -> None:
    await anna(database)
    with pytest.raises(NotFound, match="There is no person nobody"):
        await written(database, lambda w: w.change(Person, "nobody", add={Person.visits: 1}))
    with pytest.raises(Conflict, match="gone"):
        await written(
            database,
            lambda write: write.change(
                Person, "nobody", add={Person.visits: 1}, otherwise=Conflict("It is gone.")
            ),
        )


async def test_an_update_that_meets_fewer_rows_than_expected_says_so(database: Database) -> None:
    key = await anna(database)

    def say(write: Write) -> None:
        write.update(
            Person,
            where=Person.id == key,
            guard=Person.visits > 0,
            set={Person.visits: Person.visits + 9},
            expect=1,
            otherwise=Refused("She never came."),
        )

    with pytest.raises(Refused, match="never came"):
        await written(database, say)
    with pytest.raises(NotFound):
        await written(database, lambda w: w.delete(Person, where=Person.id == "x", expect=1))


async def test_a_taken_key_is_a_conflict_in_words_of_ours(database: Database) -> None:
    await anna(database)
    with pytest.raises(Conflict) as caught:
        await written(database, lambda w: w.add(Person(name="Bea", email="anna@example.com")))
    assert str(caught.value) == "Another person has this email already."


async def test_a_key_that_points_nowhere_is_not_found(database: Database) -> None:
    with pytest.raises(NotFound) as caught:
        await written(database, lambda w: w.add(Purchase(person_id="nobody", amount=1)))
    assert str(caught.value) == "A record that this purchase points to is not there."


async def test_what_others_point_to_cannot_be_deleted(database: Database) -> None:
    key = await anna(database)
    with pytest.raises(Conflict, match="still in use"):
        await written(database, lambda write: write.delete(Person, where=Person.id == key))


async def test_of_an_added_row_the_buffer_tells_the_values_only_while_it_is_sure(
    database: Database,
) -> None:
    person = Person(name="Anna", email="anna@example.com")

    def say(write: Write) -> None:
        write.add(person)
        write.change(Person, person.id, set={Person.name: "Änne"})
        assert write.added[person.id]["name"] == "Änne"
        write.update(Person, where=Person.name == "Änne", set={Person.name: "Anna"})
        assert write.added == {person.id: {"id": person.id}}

    await written(database, say)


async def test_an_added_row_is_frozen(database: Database) -> None:
    person = Person(name="Anna")
    await written(database, lambda write: write.add(person))
    with pytest.raises(Frozen):
        person.name = "Bea"


HARD = {
    "text": "'; DROP -- \\u0000 \\\" 章伟 \U0001f600\n",
    "code": "00001",
    "number": -(2**63),
    "flag": True,
    "moment": datetime(1999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    "day": date(1, 1, 1),
    "free": {"big": 2**53 + 1, "null": None, "text": '"quoted"', "list": [True, 1.5, {}]},
    "raw": b"\x00'\xff",
}


async def test_values_of_every_type_travel_right_in_arrays(database: Database) -> None:
    full, empty, largest = (
        Everything(**HARD),
        Everything(),
        Everything(number=2**63 - 1, flag=False),
    )
    await written(database, lambda write: write.add(full, empty, largest))
    columns = [table_of(Everything).c[name] for name in HARD]
    found = await database.fetch(select(*columns).order_by(table_of(Everything).c.id))
    assert found[0] == tuple(HARD.values())
    assert set(found[1]) == {None}
    assert found[2][2:4] == (2**63 - 1, False)

    async def change() -> None:
        swapped = {getattr(Everything, name): None for name in HARD}
        back = {getattr(Everything, name): value for name, value in HARD.items()}
        await written(database, lambda write: write.change(Everything, full.id, set=swapped))
        await written(database, lambda write: write.change(Everything, empty.id, set=back))

    await change()
    found = await database.fetch(select(*columns).order_by(table_of(Everything).c.id))
    assert set(found[0]) == {None}
    assert found[1] == tuple(HARD.values())


@pytest.mark.parametrize("value", [{"text": "a\0b"}, {"text": "\ud800"}, {"number": 2**63}])
async def test_what_cannot_be_stored_is_invalid(database: Database, value: dict[str, Any]) -> None:
    with pytest.raises(Invalid, match="stored"):
        await written(database, lambda write: write.add(Everything(**value)))
