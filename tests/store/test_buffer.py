"""The promise of the buffer: whatever is said takes effect in the order it was said.

A hundred programs are run on each engine, with `CRMKIT_SOAK=1` two thousand.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from crmkit.settings import DatabaseSettings
from crmkit.store.database import table_of
from crmkit.store.drivers import Database, open_database
from crmkit.store.unit_of_work import Origin, UnitOfWork, run_unit
from crmkit.testing.databases import PATIENT
from crmkit.values.clock import ManualClock
from crmkit.values.errors import Failure
from tests.store.tables import Balance, Person, Purchase, create_tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crmkit.store.write import Write

PROGRAMS = 2_000 if os.environ.get("CRMKIT_SOAK") else 100
PEOPLE = ["person_a", "person_b"]
NAMES = ["Ada", "BOB"]
ORIGIN = Origin("system", "tests.buffer", "request_1")


class Impossible(Exception):
    """The program breaks a rule of its tables, so its unit has to fail."""


class TooEarly(Exception):
    """A row is said before the one that it points to, which the buffer may let through."""


@dataclass
class Model:
    """What the tables hold, as plain dictionaries, changed one step after the other."""

    people: dict[str, list[Any]] = field(default_factory=dict)
    balances: dict[str, list[int]] = field(default_factory=dict)
    purchases: list[tuple[str, int]] = field(default_factory=list)


Step = tuple[Callable[["Write"], None], Callable[[Model], None]]


def add_person(who: str, number: int) -> Step:
    name = NAMES[number % 2]

    def say(write: Write) -> None:
        person = Person(name=name)
        person.id = who
        write.add(person)

    def do(model: Model) -> None:
        require(who not in model.people)
        model.people[who] = [name, 0, 1]

    return say, do


def rename(who: str, number: int) -> Step:
    name = NAMES[number % 2]

    def do(model: Model) -> None:
        require(who in model.people)
        person = model.people[who]
        model.people[who] = [name, person[1], person[2] + 1]

    return lambda write: write.change(Person, who, set={Person.name: name}), do


def visit(who: str, times: int) -> Step:
    def do(model: Model) -> None:
        require(who in model.people)
        name, visits, version = model.people[who]
        model.people[who] = [name, visits + times, version + 1]

    return lambda write: write.change(Person, who, add={Person.visits: times}), do


def visit_all(_: str, times: int) -> Step:
    name = NAMES[times % 2]

    def do(model: Model) -> None:
        for person in model.people.values():
            if person[0] == name:
                person[1:] = [person[1] + times, person[2] + 1]

    where = Person.name == name
    return lambda write: write.update(Person, where=where, add={Person.visits: times}), do


def visit_rich(_: str, points: int) -> Step:
    """Reads another table than the one that it changes."""
    rich = select(Balance.person_id).where(Balance.points > points)

    def do(model: Model) -> None:
        for who, person in model.people.items():
            if who in model.balances and model.balances[who][0] > points:
                person[1:] = [person[1] + 1, person[2] + 1]

    where = Person.id.in_(rich)
    return lambda write: write.update(Person, where=where, add={Person.visits: 1}), do


def open_balance(who: str, points: int) -> Step:
    def do(model: Model) -> None:
        point_to(who, model)
        require(who not in model.balances)
        model.balances[who] = [points, 0]

    return lambda write: write.add(Balance(person_id=who, points=points)), do


def ensure_balance(who: str, points: int) -> Step:
    def do(model: Model) -> None:
        point_to(who, model)
        model.balances.setdefault(who, [points, 0])

    row = [who, points]
    return lambda write: write.upsert(Balance, [_balance(row)], key=Balance.person_id), do


def credit(who: str, points: int) -> Step:
    def say(write: Write) -> None:
        rows = [_balance([who, points]), _balance([who, 1])]
        write.upsert(Balance, rows, key=Balance.person_id, add=[Balance.points])

    def do(model: Model) -> None:
        point_to(who, model)
        model.balances.setdefault(who, [0, 0])[0] += points + 1

    return say, do


def earn(who: str, points: int) -> Step:
    def do(model: Model) -> None:
        require(who in model.balances)
        model.balances[who][0] += points
        model.balances[who][1] += points

    add = {Balance.points: points, Balance.earned: points}
    return lambda write: write.change(Balance, who, add=add), do


def step_guarded(who: str, points: int) -> Step:
    def do(model: Model) -> None:
        require(who in model.balances and model.balances[who][0] + points >= 0)
        model.balances[who][0] += points

    add = {Balance.points: points}
    return lambda write: write.change(Balance, who, add=add, at_least=0), do


def close_balance(who: str, _: int) -> Step:
    where = Balance.person_id == who
    return lambda write: write.delete(Balance, where=where), lambda m: _drop(m.balances, who)


def close_poor(_: str, points: int) -> Step:
    def do(model: Model) -> None:
        model.balances = {k: v for k, v in model.balances.items() if v[0] >= points}

    return lambda write: write.delete(Balance, where=Balance.points < points), do


def buy(who: str, amount: int) -> Step:
    def do(model: Model) -> None:
        point_to(who, model)
        model.purchases.append((who, amount))

    return lambda write: write.add(Purchase(person_id=who, amount=amount)), do


def pass_on(who: str, amount: int) -> Step:
    """Gives purchases to another person, who may have been said a moment ago."""

    def do(model: Model) -> None:
        point_to(who, model)
        model.purchases = [(who, n) if n == amount else (p, n) for p, n in model.purchases]

    where, to = Purchase.amount == amount, {Purchase.person_id: who}
    return lambda write: write.update(Purchase, where=where, set=to), do


def forget(who: str, _: int) -> Step:
    def do(model: Model) -> None:
        used = who in model.balances or any(each[0] == who for each in model.purchases)
        require(who not in model.people or not used)
        _drop(model.people, who)

    return lambda write: write.delete(Person, where=Person.id == who), do


def forget_the_idle(_: str, __: int) -> Step:
    """Reads two tables besides the one from which it deletes."""
    idle = ~Person.id.in_(select(Balance.person_id)) & ~Person.id.in_(select(Purchase.person_id))

    def do(model: Model) -> None:
        used = {*model.balances, *[who for who, _ in model.purchases]}
        model.people = {who: each for who, each in model.people.items() if who in used}

    return lambda write: write.delete(Person, where=idle), do


def barrier(_: str, __: int) -> Step:
    return lambda write: write.then(), lambda _: None


def _balance(row: list[Any]) -> Balance:
    return Balance(person_id=row[0], points=row[1])


def _drop(rows: dict[str, Any], key: str) -> None:
    rows.pop(key, None)


def require(holds: bool) -> None:
    if not holds:
        raise Impossible


def point_to(who: str, model: Model) -> None:
    if who not in model.people:
        raise TooEarly


KINDS = [
    add_person, rename, visit, visit_all, visit_rich, open_balance, ensure_balance, credit, earn,
    step_guarded, close_balance, close_poor, buy, pass_on, forget, forget_the_idle, barrier,
]  # fmt: skip
# A program of few kinds has more to do with itself than one of all.
steps = st.lists(st.sampled_from(KINDS), min_size=2, max_size=6, unique=True).flatmap(
    lambda kinds: st.lists(
        st.builds(
            lambda kind, *given: kind(*given),
            st.sampled_from(kinds),
            st.sampled_from(PEOPLE),
            st.integers(-5, 9),
        ),
        min_size=6,
        max_size=20,
    )
)


@pytest.fixture
def loop() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


def test_any_program_of_writes_is_as_if_said_one_after_the_other(
    database_url: str, loop: asyncio.Runner
) -> None:
    database = loop.run(_opened(database_url))

    @settings(max_examples=PROGRAMS, suppress_health_check=list(HealthCheck))
    @given(steps, steps, st.booleans())
    def holds(first: list[Step], second: list[Step], fails: bool) -> None:
        first = [add_person(PEOPLE[0], 0), open_balance(PEOPLE[0], 3), *first]
        loop.run(_compare(database, first, second, fails=fails))

    try:
        holds()
    finally:
        loop.run(database.close())


async def _opened(url: str) -> Database:
    database = await open_database(DatabaseSettings(url=url, **PATIENT))
    await create_tables(database)
    return database


async def _compare(database: Database, *programs: list[Step], fails: bool) -> None:
    """Runs each program as one unit, and as steps on a model; both must agree."""
    async with database.transaction() as transaction:
        for table in (Balance, Purchase, Person):
            await transaction.run(delete(table_of(table)))
    model = Model()
    for program in programs:
        kept, made, possible = _done(model, program, fails)
        assert await _happened(database, kept) == possible
        model = made if possible else model
        assert await _read(database) == _sorted(model)


def _done(model: Model, program: list[Step], fails: bool) -> tuple[list[Step], Model, bool]:
    """What of a program makes sense, what it makes, and whether it ends well.

    What is impossible is left out, or, if it is to fail, nothing said later may save it.
    """
    made, kept = model, []
    for place, step in enumerate(program):
        after = deepcopy(made)
        try:
            step[1](after)
        except TooEarly:
            continue
        except Impossible:
            if fails:
                return [*kept, *program[place:]], made, False
            continue
        made = after
        kept.append(step)
    return kept, made, True


async def _happened(database: Database, program: list[Step]) -> bool:
    async def body(unit: UnitOfWork) -> None:
        for say, _ in program:
            say(unit.write)

    try:
        await run_unit(database, ManualClock(datetime(2026, 1, 1, tzinfo=UTC)), ORIGIN, body)
    except Failure:
        return False
    return True


async def _read(database: Database) -> tuple[list[Any], list[Any], list[Any]]:
    person, balance, purchase = map(table_of, (Person, Balance, Purchase))
    c = person.c
    people = await database.fetch(select(c.id, c.name, c.visits, c.version, c.name_fold))
    balances = await database.fetch(select(balance.c.person_id, balance.c.points, balance.c.earned))
    purchases = await database.fetch(select(purchase.c.person_id, purchase.c.amount))
    return sorted(people), sorted(balances), sorted(purchases)


def _sorted(model: Model) -> tuple[list[Any], list[Any], list[Any]]:
    people = [(who, *each, each[0].lower()) for who, each in model.people.items()]
    balances = [(who, *each) for who, each in model.balances.items()]
    return sorted(people), sorted(balances), sorted(model.purchases)
