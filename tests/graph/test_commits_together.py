"""Mutations that end in the same moment share a transaction of PostgreSQL, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from typing import Any

import pytest
from sqlalchemy import select, update

from crmkit.customers.models import Customer
from crmkit.host.actors import SYSTEM
from crmkit.store.audit import Audit
from crmkit.store.drivers.database import dialect_of
from crmkit.store.drivers.postgres_commits import Commits
from crmkit.store.parts import Texts
from crmkit.store.premises import absent
from crmkit.testing import Trial, add_customers, crm
from crmkit.values.errors import Unavailable

pytestmark = pytest.mark.anyio

RECORD = """mutation ($input: RecordInteractionInput!) {
  recordInteraction(input: $input) { interaction { id kind } } }"""
DELETE = "mutation ($id: ID!) { deleteCustomer(input: {id: $id}) { deletedCustomerId } }"
TEAM = "mutation ($name: String!) { createTeam(input: {name: $name}) { team { id } } }"
USER = "mutation ($input: CreateUserInput!) { createUser(input: $input) { user { id } } }"


@pytest.fixture
async def t() -> AsyncIterator[Trial]:
    async with crm(engine="postgresql") as t:
        yield t


def recording(t: Trial, customer: str, **more: Any) -> Awaitable[dict[str, Any]]:
    given = {"channel": "email", "direction": "INBOUND", "kind": "note", **more}
    return t.answer(RECORD, {"input": given | {"customerId": customer}})


async def company(t: Trial) -> list[str]:
    """Customers, and a server that has seen a mutation like those that follow."""
    ids = await add_customers(t, ["Ada", "Bob", "Cyd", "Dan"])
    await recording(t, ids[0])
    return ids


async def transactions(t: Trial, operation: str) -> list[int]:
    of = Audit.operation == operation
    found = await t.host.database.fetch(select(Audit.transaction).where(of).order_by(Audit.id))
    return [each for (each,) in found]


async def statements(t: Trial, table: str = "interaction") -> list[Any]:
    """The statements that wrote the rows of a table."""
    sql = f"SELECT xmin::text, cmin::text FROM {table}"  # noqa: S608
    return [tuple(each) for each in await t.host.database.rows(sql, [])]


async def colleague(t: Trial, name: str) -> tuple[str, str]:
    """A user in a team of his own, by their ids."""
    team = (await t.gql(TEAM, name=name))["createTeam"]["team"]["id"]
    given = {"name": name, "mail": f"{name}@example.com", "teamId": team}
    return (await t.gql(USER, input=given))["createUser"]["user"]["id"], team


async def recording_by(t: Trial, who: tuple[str, str], customer: str, scope: str) -> dict[str, Any]:
    user, team = who
    t.become("sales", user=user, team=team, scope=scope)
    return await recording(t, customer)


async def kinds(t: Trial) -> list[str]:
    found = await t.gql("{ interactions { nodes { kind } } }")
    return sorted([each["kind"] for each in found["interactions"]["nodes"]])


async def test_mutations_of_one_moment_share_a_transaction(t: Trial) -> None:
    ids = await company(t)
    answers = await asyncio.gather(*[recording(t, each) for each in ids])
    assert len({each["data"]["recordInteraction"]["interaction"]["id"] for each in answers}) == 4
    first, *together = await transactions(t, "recordInteraction")
    assert len(together) == 4
    assert len({*together}) == 1
    await recording(t, ids[0])
    assert len({*await transactions(t, "recordInteraction"), first}) == 3


async def test_each_is_told_as_many_statements_as_alone(t: Trial) -> None:
    ids = await company(t)
    with t.statements() as alone:
        await recording(t, ids[0])
    with t.statements() as sent:
        await asyncio.gather(*[recording(t, each) for each in ids])
    assert sorted(sent) == sorted(alone * 4)


async def test_who_fails_takes_nobody_along(t: Trial) -> None:
    ids = await company(t)
    nobody = "customer_00000000000000000000000000"
    alone = await recording(t, nobody, kind="lost")
    lost, *kept = await asyncio.gather(
        *[recording(t, each, kind="kept") for each in [nobody, *ids]]
    )
    assert lost["errors"][0]["extensions"]["code"] == "NOT_FOUND"
    assert lost["errors"][0]["message"] == alone["errors"][0]["message"]
    assert not any("errors" in each for each in kept)
    assert await kinds(t) == ["kept"] * 4 + ["note"]


async def test_a_key_that_is_sent_at_once_takes_effect_once(t: Trial) -> None:
    ids = await company(t)
    same = [recording(t, ids[0], idempotencyKey="once") for _ in range(6)]
    found = await asyncio.gather(*same, *[recording(t, each) for each in ids[1:]])
    assert len({each["data"]["recordInteraction"]["interaction"]["id"] for each in found[:6]}) == 1
    assert await kinds(t) == ["note"] * 5


async def test_mutations_of_one_moment_are_one_statement(t: Trial) -> None:
    ids = await company(t)
    [alone] = await statements(t)
    await asyncio.gather(*[recording(t, each) for each in [*ids, *ids]])
    assert len({*await statements(t)} - {alone}) == 1
    assert await kinds(t) == ["note"] * 9


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        ({"subject": "a\0b"}, "INVALID"),
        ({"customer": "deleted"}, "NOT_FOUND"),
        ({"idempotencyKey": "taken"}, "IDEMPOTENCY_MISMATCH"),
    ],
)
async def test_what_is_wrong_with_one_is_told_to_him(
    t: Trial, bad: dict[str, Any], code: str
) -> None:
    *ids, gone = await company(t)
    await t.gql(DELETE, id=gone)
    await recording(t, ids[0], kind="first", idempotencyKey="taken")
    given: dict[str, Any] = {"kind": "kept", "idempotencyKey": "new"} | bad
    customer = gone if given.pop("customer", None) else ids[1]
    keyed = [recording(t, each, kind="kept", idempotencyKey=each) for each in ids]
    *kept, lost = await asyncio.gather(*keyed, recording(t, customer, **given))
    assert lost["errors"][0]["extensions"]["code"] == code
    assert not any("errors" in each for each in kept)
    assert await kinds(t) == ["first"] + ["kept"] * 3 + ["note"]


@pytest.mark.parametrize("scope", ["team", "own"])
async def test_each_is_held_to_his_own_row_scope(t: Trial, scope: str) -> None:
    await company(t)
    [alone] = await statements(t)
    users = [await colleague(t, name) for name in ("uma", "vic")]
    ids = []
    for user, team in users:
        t.become("sales", user=user, team=team, scope=scope)
        ids += await add_customers(t, ["Ada", "Bob"])
    uma, vic = [ids[:2], ids[2:]]
    by = partial(recording_by, t, scope=scope)
    own = [(users[0], each) for each in uma] + [(users[1], each) for each in vic]
    answers = await asyncio.gather(*[by(who, each) for who, each in own])
    assert not any("errors" in each for each in answers)
    assert len({*await statements(t)} - {alone}) == 1
    lost, *kept = await asyncio.gather(*[by(who, each) for who, each in [(users[0], vic[0]), *own]])
    assert lost["errors"][0]["extensions"]["code"] == "NOT_FOUND"
    assert not any("errors" in each for each in kept)
    t.actor = SYSTEM
    assert await kinds(t) == ["note"] * 9


async def test_other_mutations_of_one_moment_are_statements_of_their_own(t: Trial) -> None:
    ids = await company(t)
    teams = [t.answer(TEAM, {"name": f"Team {number}"}) for number in range(4)]
    answers = await asyncio.gather(*teams, *[recording(t, each) for each in ids])
    assert not any("errors" in each for each in answers)
    found = await t.gql("{ teams { nodes { name } } }")
    assert [each["name"] for each in found["teams"]["nodes"]] == [f"Team {n}" for n in range(4)]
    assert len({*await statements(t, "team")}) == 1
    assert len({*await statements(t)}) == 2


@pytest.mark.parametrize("turns", [1, 2, 3])
async def test_who_leaves_takes_nobody_along(t: Trial, turns: int) -> None:
    ids = await company(t)
    tasks = [asyncio.ensure_future(recording(t, each)) for each in ids]
    for _ in range(turns):
        await asyncio.sleep(0)
    tasks[0].cancel()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(found[0], asyncio.CancelledError)
    assert ["errors" in each for each in found[1:] if isinstance(each, dict)] == [False] * 3
    assert await kinds(t) in (["note"] * 4, ["note"] * 5)  # He may have been committed with them.


async def test_units_that_change_rows_go_alone(t: Trial) -> None:
    ids = await company(t)

    async def renamed(context: Any, customer: str) -> None:
        context.write.change(Customer, customer, set={Customer.source: "fair"})

    work = [
        t.host.run_unit("core", partial(renamed, customer=each), operation="tag") for each in ids
    ]
    await asyncio.gather(*work, *[recording(t, each) for each in ids])
    assert len({*await transactions(t, "tag")}) == 4
    assert len({*await transactions(t, "recordInteraction")}) == 2


async def test_who_waits_for_a_row_holds_nobody_up_who_came_with_him(t: Trial) -> None:
    ids = await company(t)

    async def renamed(context: Any) -> None:
        context.write.change(Customer, ids[0], set={Customer.source: "fair"})

    async with t.host.database.transaction() as holding:
        change = update(Customer).where(Customer.id == ids[0]).values(source="held")
        await holding.run(change)
        waiting = asyncio.ensure_future(t.host.run_unit("core", renamed, operation="tag"))
        answers = await asyncio.gather(*[recording(t, each) for each in ids[1:]])
        assert not any("errors" in each for each in answers)
        assert not waiting.done()
    await waiting
    assert len(await transactions(t, "tag")) == 1


async def test_nobody_tries_again_where_nobody_knows_what_was_committed() -> None:
    dialect, asked = dialect_of("postgresql:"), []

    async def lent(ask: Callable[[Any], Awaitable[Any]]) -> Any:
        asked.append(ask)
        raise Unavailable("The database does not answer at the moment.")

    def parts() -> Sequence[Any]:
        return [absent(Customer, ["customer_1"], dialect)]

    commits = Commits(Texts(dialect), lent, lambda _: None)
    found = await asyncio.gather(*[commits.commit(parts) for _ in range(3)], return_exceptions=True)
    assert [type(each) for each in found] == [Unavailable] * 3
    assert len(asked) == 1
