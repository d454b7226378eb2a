"""The audit's chain: what was committed is sealed in order, and what is altered is found."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from crmkit.store.audit import Auditor, Origin
from crmkit.store.database import table_of
from crmkit.store.seals import AuditSeal, Head, Sealer
from crmkit.store.unit_of_work import UnitOfWork, run_unit
from crmkit.store.verification import Verdict, Verification
from crmkit.values.clock import ManualClock
from tests.store.tables import Person

if TYPE_CHECKING:
    from crmkit.store.drivers import Database

pytestmark = pytest.mark.anyio

clock = ManualClock()
auditor = Auditor("a secret")
ORIGIN = Origin("user_1", "greet", "request_1")


async def greet(database: Database, *names: str) -> None:
    for name in names:

        async def body(unit: UnitOfWork, name: str = name) -> None:
            unit.write.add(Person(name=name))

        await run_unit(database, clock, ORIGIN, body, auditor=auditor)


async def rename(database: Database) -> None:
    """A change of which the audit tells personal text."""
    [(key, *_)] = await database.fetch(select(table_of(Person).c.id).limit(1))

    async def body(unit: UnitOfWork) -> None:
        was = {Person.name: "Ada"}
        unit.write.change(Person, key, set={Person.name: "Ada Lovelace"}, was=was)

    await run_unit(database, clock, ORIGIN, body, auditor=auditor)


def sealer(database: Database) -> Sealer:
    return Sealer(database, clock, auditor)


async def verified(database: Database, kept: Head | None = None) -> Verdict:
    return await Verification(database, auditor, sealer(database)).run(kept)


async def execute(database: Database, *statements: str) -> None:
    async with database.transaction() as transaction:
        for each in statements:
            await transaction.execute(each, [])


async def sealed(database: Database) -> Head:
    """Three seals over four entries, and their head."""
    await greet(database, "Ada", "Bo")
    await sealer(database).drain()
    await greet(database, "Cy")
    await sealer(database).drain()
    await rename(database)
    await sealer(database).drain()
    return (await verified(database)).head


async def test_what_is_committed_is_sealed_and_stands_the_verification(database: Database) -> None:
    head = await sealed(database)
    assert (head.seq, head.total) == (3, 4)
    await greet(database, "Di")
    verdict = await verified(database, head)
    assert (verdict.faults, verdict.unsealed, verdict.head) == ([], 1, head)
    await sealer(database).drain()
    assert (await verified(database, head)).unsealed == 0


FORGERIES = {
    "edit": ["UPDATE audit SET actor = 'somebody' WHERE id = (SELECT max(id) FROM audit)"],
    "edit of what it tells": [
        "UPDATE audit SET changes = '[]' WHERE id = (SELECT min(id) FROM audit)"
    ],
    "edit of the text": ["UPDATE audit_text SET said = '{\"a\": {}}'"],
    "delete in the middle": [
        "DELETE FROM audit WHERE id = (SELECT id FROM audit ORDER BY id LIMIT 1 OFFSET 1)"
    ],
    "delete of a seal": ["DELETE FROM audit_seal WHERE seq = 2"],
    "cut tail": [
        "DELETE FROM audit_text",
        "DELETE FROM audit WHERE id = (SELECT max(id) FROM audit)",
        "DELETE FROM audit_seal WHERE seq = 3",
    ],
    "reorder": [
        "UPDATE audit_seal SET seq = -1 WHERE seq = 2",
        "UPDATE audit_seal SET seq = 2 WHERE seq = 1",
        "UPDATE audit_seal SET seq = 1 WHERE seq = -1",
    ],
    "insert": [
        "INSERT INTO audit (id, created_at, actor, operation, request_id, changes, count, mac) "
        "SELECT 'audit_0', created_at, actor, operation, request_id, changes, count, mac "
        "FROM audit WHERE id = (SELECT min(id) FROM audit)"
    ],
}


@pytest.mark.parametrize("forgery", FORGERIES)
async def test_what_somebody_alters_by_sql_is_found(database: Database, forgery: str) -> None:
    head = await sealed(database)
    assert (await verified(database, head)).faults == []
    await execute(database, *FORGERIES[forgery])
    assert (await verified(database, head)).faults


async def test_without_a_head_the_end_can_be_cut_off_unseen(database: Database) -> None:
    await sealed(database)
    await execute(database, *FORGERIES["cut tail"])
    assert (await verified(database)).faults == []


async def test_another_order_of_the_entries_under_a_seal_is_found(database: Database) -> None:
    await sealed(database)
    seal = table_of(AuditSeal)
    [(ids,)] = await database.fetch(select(seal.c.entries).where(seal.c.seq == 1))
    turned = '["' + '", "'.join(reversed(ids)) + '"]'
    await execute(database, f"UPDATE audit_seal SET entries = '{turned}' WHERE seq = 1")  # noqa: S608
    assert any("Seal 1 does not fit" in each for each in (await verified(database)).faults)


async def test_erasing_what_is_told_of_a_person_leaves_the_chain_valid(database: Database) -> None:
    head = await sealed(database)
    assert (await verified(database)).erased == 0
    await execute(database, "UPDATE audit_text SET said = NULL")
    verdict = await verified(database, head)
    assert (verdict.faults, verdict.erased) == ([], 1)


async def test_with_another_secret_nobody_vouches_for_anything(database: Database) -> None:
    await sealed(database)
    other = Auditor("another")
    found = await Verification(database, other, Sealer(database, clock, other)).run()
    assert len(found.faults) == 4 + 3


async def test_two_sealers_make_one_chain(database: Database) -> None:
    first, second = sealer(database), sealer(database)
    for name, turn in (
        ("Ada", [first]),
        ("Bo", [second]),
        ("Cy", [first]),
        ("Di", [first, second]),
    ):
        await greet(database, name)
        # Whoever seals again thinks that the chain ends where he has left it.
        await asyncio.gather(*[each.drain() for each in turn])
    verdict = await verified(database)
    assert (verdict.faults, verdict.head.seq, verdict.head.total) == ([], 4, 4)


@pytest.mark.parametrize("engine", ["postgresql"])
async def test_a_lower_number_that_is_committed_later_is_sealed_too(database: Database) -> None:
    await run_unit(database, clock, ORIGIN, _waits_for(database), auditor=auditor)
    await sealer(database).drain()
    verdict = await verified(database)
    assert (verdict.faults, verdict.unsealed, verdict.head.total) == ([], 0, 2)


def _waits_for(database: Database) -> Any:
    """A unit in which another one comes, is committed and waits to be sealed."""

    async def body(unit: UnitOfWork) -> None:
        unit.write.add(Person(name="Ada"))
        await unit.read(select(table_of(Person).c.id))
        await greet(database, "Bo")
        await sealer(database).drain()
        assert (await verified(database)).head.total == 0

    return body


@pytest.mark.parametrize("engine", ["postgresql"])
async def test_a_chain_goes_on_in_a_server_that_counts_from_the_beginning(
    database: Database,
) -> None:
    await greet(database, "Ada", "Bo", "Cy")
    await execute(database, "UPDATE audit SET transaction = transaction + 1000000000")
    await execute(database, "CREATE TABLE aside AS SELECT * FROM audit ORDER BY id DESC LIMIT 1")
    await execute(database, "DELETE FROM audit WHERE id = (SELECT id FROM aside)")
    await sealer(database).drain()
    await execute(database, "INSERT INTO audit SELECT * FROM aside")
    for name in ("Di", "Ed"):
        await greet(database, name)
        await sealer(database).drain()
    verdict = await verified(database)
    assert (verdict.faults, verdict.unsealed, verdict.head.total) == ([], 0, 5)
