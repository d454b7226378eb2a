"""What is declared append-only cannot be changed by whoever has the database, on both engines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import inspect, select

from crmkit.app import load_plugins
from crmkit.host import lineages, migrations
from crmkit.interactions.models import Interaction
from crmkit.settings import Settings
from crmkit.store.database import Base
from crmkit.store.violations import Violation
from crmkit.testing import crm
from crmkit.testing.databases import databases
from crmkit.testing.rows import add_customers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crmkit.host.loading import Loaded
    from crmkit.testing.trial import Trial

CHANGES = [
    "DELETE FROM interaction",
    "UPDATE interaction SET kind = 'letter'",
    "UPDATE interaction SET kind = 'letter', customer_id = (SELECT max(id) FROM customer)",
    "UPDATE interaction SET supersedes_id = id",
]

MIGRATED: dict[str, str] = {}


@pytest.fixture(scope="module")
def loaded() -> Loaded:
    return load_plugins(Settings())


@pytest.fixture
def migrated(engine: str, loaded: Loaded) -> Iterator[str]:
    """A database that migrations have made, a copy of the first."""
    if engine not in MIGRATED:
        MIGRATED[engine] = databases().empty(engine)
        migrations.upgrade(MIGRATED[engine], loaded)
    address = databases().empty(engine)
    databases().fill(address, MIGRATED[engine])
    yield address
    databases().drop(address)


@pytest.fixture
async def told(engine: str) -> Any:
    """An app of two customers, one of whom has said something."""
    async with crm(engine=engine) as t:
        first, second = await add_customers(t, ["Ada", "Bo"])
        record = """mutation ($id: ID!) { recordInteraction(input: {
          customerId: $id, channel: "email", direction: INBOUND, kind: "note"
        }) { interaction { id } } }"""
        await t.gql(record, id=first)
        yield t, first, second


@pytest.mark.anyio
@pytest.mark.parametrize("sql", CHANGES)
async def test_nobody_changes_what_was_said(told: Any, sql: str) -> None:
    t, first, _ = told
    with pytest.raises(Violation, match="check"):
        await run(t, sql)
    columns = select(Interaction.customer_id, Interaction.kind, Interaction.supersedes_id)
    assert await t.host.database.fetch(columns) == [(first, "note", None)]


@pytest.mark.anyio
async def test_nobody_empties_or_replaces_what_was_said(told: Any) -> None:
    t, _, _ = told
    if t.host.database.name == "postgresql":
        sql = "TRUNCATE interaction CASCADE"
    else:
        sql = "INSERT OR REPLACE INTO interaction SELECT * FROM interaction"
    with pytest.raises(Violation, match="check"):
        await run(t, sql)
    assert len(await t.host.database.fetch(select(Interaction.id))) == 1


@pytest.mark.anyio
async def test_a_merge_moves_what_was_said_and_changes_nothing_else(told: Any) -> None:
    t, first, second = told

    async def move(context: Any) -> None:
        mine = Interaction.customer_id == first
        context.write.update(Interaction, where=mine, set={Interaction.customer_id: second})

    async def rewrite(context: Any) -> None:
        context.write.update(Interaction, where=Interaction.id != "", set={Interaction.kind: "x"})

    await t.unit(move)
    assert await t.host.database.fetch(select(Interaction.customer_id)) == [(second,)]
    with pytest.raises(TypeError, match="Rows of interaction never change"):
        await t.unit(rewrite)


def test_after_every_migration_each_declared_table_that_is_there_is_guarded(
    loaded: Loaded, migrated: str
) -> None:
    declared = {name for name, each in Base.metadata.tables.items() if each.info["append_only"]}
    assert declared >= {"audit", "interaction", "loyalty_entry", "feedback_message"}
    ours = {table.name for plugin in loaded.plugins for table in plugin.tables}
    assert guarded(migrated) == declared & ours
    for plugin in reversed(loaded.plugins):
        for revision in revisions(plugin.name, loaded, migrated):
            migrations.downgrade(migrated, loaded, plugin.name, revision)
            assert guarded(migrated) == declared & ours & tables(migrated)
    assert guarded(migrated) == set()


def test_an_upgrade_guards_what_an_older_version_left_alone(loaded: Loaded, migrated: str) -> None:
    before = guarded(migrated)
    where = "" if migrated.startswith("sqlite") else " ON loyalty_entry"
    name = "append_only_rows" if where else "append_only_update_loyalty_entry"
    execute(migrated, f"DROP TRIGGER {name}{where}")
    assert migrations.unguarded(migrated, loaded) == ["loyalty_entry"]
    migrations.upgrade(migrated, loaded)
    assert migrations.unguarded(migrated, loaded) == []
    assert guarded(migrated) == before


def test_a_table_that_was_made_anew_is_guarded_again(loaded: Loaded, migrated: str) -> None:
    """As batch migrations of SQLite do, whose triggers go with the old table."""
    anew = "CREATE TABLE anew AS SELECT * FROM loyalty_entry"
    drop = f"DROP TABLE loyalty_entry{'' if migrated.startswith('sqlite') else ' CASCADE'}"
    for sql in (anew, drop, "ALTER TABLE anew RENAME TO loyalty_entry"):
        execute(migrated, sql)
    assert "loyalty_entry" not in guarded(migrated)
    migrations.upgrade(migrated, loaded)
    assert "loyalty_entry" in guarded(migrated)


async def run(t: Trial, sql: str) -> None:
    async with t.host.database.transaction() as transaction:
        await transaction.execute(sql, [])


def execute(url: str, sql: str) -> None:
    migrations.connected(url, lambda connection: connection.exec_driver_sql(sql).close())


def revisions(plugin: str, loaded: Loaded, url: str) -> list[str]:
    """The revisions below where a lineage stands, the newest first."""
    [standing] = [each for each in lineages.status(url, loaded) if each.plugin == plugin]
    return [*(f"{number:04d}" for number in range(int(standing.head or 0) - 1, 0, -1)), "base"]


def tables(url: str) -> set[str]:
    return set(migrations.connected(url, lambda c: inspect(c).get_table_names()))


def guarded(url: str) -> set[str]:
    """The tables on which every trigger is, as the engine's own catalog tells them."""
    sql, wanted = (
        (
            "SELECT tbl_name, sql FROM sqlite_master WHERE type = 'trigger'",
            {"BEFORE DELETE ON", "BEFORE UPDATE ON"},
        )
        if url.startswith("sqlite")
        else (
            "SELECT event_object_table, action_timing || ' ' || event_manipulation || ' ON' "
            "FROM information_schema.triggers UNION ALL SELECT relname, 'BEFORE TRUNCATE ON' "
            "FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid WHERE tgtype & 32 > 0",
            {"BEFORE DELETE ON", "BEFORE UPDATE ON", "BEFORE TRUNCATE ON"},
        )
    )
    rows = migrations.connected(url, lambda connection: connection.exec_driver_sql(sql).all())
    found: dict[str, set[str]] = {}
    for table, text in rows:
        found.setdefault(table, set()).update(each for each in wanted if each in text)
    return {table for table, events in found.items() if events == wanted}
