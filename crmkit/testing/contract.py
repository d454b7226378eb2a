"""What holds of every plugin, as tests: `test_contract = plugin_contract(Loyalty)`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from graphql import validate_schema
from packaging.requirements import Requirement
from sqlalchemy import Text

from crmkit.app import load_plugins
from crmkit.engine.fields import ListOf, ToMany
from crmkit.host import migrations
from crmkit.host.discovery import discover, imported
from crmkit.settings import Settings
from crmkit.store.column_types import Code, Json
from crmkit.testing.databases import databases
from crmkit.testing.everything import UNLIMITED, everything
from crmkit.testing.rows import add_customers, add_rows
from crmkit.testing.trial import crm

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from sqlalchemy import Column

    from crmkit.host.manifest import Plugin
    from crmkit.testing.trial import Trial

    Claim = Callable[[type[Plugin], str], Awaitable[None]]


_HIRE = """mutation {
  createUser(input: {name: "Somebody", mail: "somebody@example.com"}) { user { id } }
}"""


def plugin_contract(plugin: type[Plugin]) -> Any:
    """Makes a test of everything that crmkit promises of a plugin, on both engines.

    Assign it to a name that begins with `test_`.
    """

    @pytest.mark.anyio
    @pytest.mark.parametrize("claim", CLAIMS, ids=lambda each: each.__name__)
    async def test(claim: Claim, engine: str) -> None:
        await claim(plugin, engine)

    return test


async def loads_alone(plugin: type[Plugin], engine: str) -> None:
    """It runs with nothing beside it but what it depends on."""
    async with crm(*_needed(plugin), engine=engine) as t:
        assert not validate_schema(t.crm.schema.core)
        await t.gql("{ customers { totalCount } }")


async def loads_with_all(plugin: type[Plugin], engine: str) -> None:
    """It runs beside every installed plugin."""
    async with crm(*_all_with(plugin), engine=engine) as t:
        assert not validate_schema(t.crm.schema.core)
        await t.gql("{ customers { totalCount } }")


async def asks_as_often_for_many_as_for_few(plugin: type[Plugin], engine: str) -> None:
    """A list with all fields takes as many statements for 50 customers as for 5."""
    few, many = [await _statements(plugin, engine, customers) for customers in (5, 50)]
    assert few == many


async def migrates_up_down_and_up(plugin: type[Plugin], engine: str) -> None:
    """Its lineage makes what its models say, leaves nothing behind, and can begin again."""
    loaded = load_plugins(Settings(), _needed(plugin))
    address = await asyncio.to_thread(databases().empty, engine)

    def migrate() -> None:
        migrations.upgrade(address, loaded)
        assert migrations.differences(address, plugin.name) == []
        if loaded[plugin.name].tables:
            migrations.downgrade(address, loaded, plugin.name)
            migrations.upgrade(address, loaded)
        assert migrations.differences(address, plugin.name) == []

    await asyncio.to_thread(migrate)
    databases().drop(address)


async def says_what_is_personal(plugin: type[Plugin], engine: str) -> None:
    """Every column that can hold text says whether it can be about a person."""
    loaded = load_plugins(Settings(), _needed(plugin))
    columns = [each for table in loaded[plugin.name].tables for each in table.columns]
    assert [str(each) for each in columns if _is_text(each) and _is_silent(each)] == []


CLAIMS: tuple[Claim, ...] = (
    loads_alone,
    loads_with_all,
    asks_as_often_for_many_as_for_few,
    migrates_up_down_and_up,
    says_what_is_personal,
)


def _needed(plugin: type[Plugin]) -> tuple[type[Plugin], ...]:
    """The plugin after those that it cannot do without."""
    installed = {each.name: each for each in discover()}
    names = [Requirement(each).name for each in plugin.depends_on]
    below = [each for name in names for each in _needed(imported(installed[name]))]
    return (*dict.fromkeys(below), plugin)


def _all_with(plugin: type[Plugin]) -> tuple[type[Plugin], ...]:
    others = [imported(each) for each in discover() if each.name != plugin.name]
    return (*others, plugin)


async def _statements(plugin: type[Plugin], engine: str, customers: int) -> int:
    """How many statements a list of customers with all fields takes."""
    async with crm(*_all_with(plugin), engine=engine, graphql=UNLIMITED) as t:
        await add_customers(t, [f"Customer {number}" for number in range(customers)])
        await t.gql(_HIRE)  # Rows of plugins may be some colleague's.
        await add_rows(t)
        with t.statements() as sent:
            found = await t.gql(everything(t.crm.schema.core, "customers", customers))
    nodes = found["customers"]["nodes"]
    assert len(nodes) == customers
    for name in _relations(t, plugin):
        assert all(len(_rows(each[name])) >= 2 for each in nodes), f"{name} holds too few rows"
    return len(sent)


def _relations(t: Trial, plugin: type[Plugin]) -> Iterator[str]:
    """The relations that the plugin adds to customers."""
    registry = t.crm.schema.registry
    for each in registry.fields_of(registry.named("Customer").cls):
        if each.owner == plugin.name and isinstance(each.source, ToMany | ListOf):
            yield registry.name(each)


def _rows(relation: Any) -> list[Any]:
    return list(relation if isinstance(relation, list) else relation["nodes"])


def _is_text(column: Column[Any]) -> bool:
    kind = isinstance(column.type, Text | Code | Json)
    return kind and not (column.primary_key or column.foreign_keys)


def _is_silent(column: Column[Any]) -> bool:
    return "companion_of" not in column.info and column.info.get("personal") is None
