"""What holds of every plugin, as tests: `test_contract = plugin_contract(Loyalty)`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from graphql import validate_schema
from packaging.requirements import Requirement
from sqlalchemy import Text

from crmkit.app import load_plugins
from crmkit.engine.fields import ListOf, ToMany
from crmkit.host import migrations
from crmkit.host.discovery import discover, imported
from crmkit.host.manifest import Plugin
from crmkit.settings import Settings
from crmkit.store.column_types import Code, Json
from crmkit.store.database import personal_columns
from crmkit.store.erasing import nothing
from crmkit.testing.databases import databases
from crmkit.testing.everything import UNLIMITED, everything
from crmkit.testing.rows import add_customers, add_rows
from crmkit.testing.trial import crm

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence
    from contextlib import AbstractAsyncContextManager

    from sqlalchemy import Column

    from crmkit.host.loaded import Loaded
    from crmkit.testing.trial import Trial

    Claim = Callable[["Candidate"], Awaitable[None]]


_HIRE = """mutation {
  createUser(input: {name: "Somebody", mail: "somebody@example.com"}) { user { id } }
}"""


def plugin_contract(
    plugin: type[Plugin], *, config: Mapping[str, Mapping[str, Any]] | None = None
) -> Any:
    """Makes a test of everything that crmkit promises of a plugin, on both engines.

    Assign it to a name that begins with `test_`.

    Args:
        plugin: Its class.
        config: The sections of crmkit.toml that it cannot do without, by the plugin's name.
    """

    @pytest.mark.anyio
    @pytest.mark.parametrize("claim", CLAIMS, ids=lambda each: each.__name__)
    async def test(claim: Claim, engine: str) -> None:
        await claim(Candidate(plugin, engine, config or {}))

    return test


@dataclass(frozen=True)
class Candidate:
    """A plugin of which something is claimed, on one engine and under these settings."""

    plugin: type[Plugin]
    engine: str
    config: Mapping[str, Mapping[str, Any]]

    def alone(self) -> AbstractAsyncContextManager[Trial]:
        """An app with nothing beside the plugin but what it depends on."""
        return crm(*_needed(self.plugin), engine=self.engine, config=self.config)

    def with_all(self) -> AbstractAsyncContextManager[Trial]:
        """An app with every installed plugin."""
        installed = {each.name: imported(each) for each in discover()}
        # Where it stands among them, so that all who are installed ask one schema.
        plugins = {**installed, self.plugin.name: self.plugin}.values()
        return crm(*plugins, engine=self.engine, config=self.config, graphql=UNLIMITED)

    def loaded(self) -> Loaded:
        settings = Settings.model_validate({"plugins": self.config})
        return load_plugins(settings, _needed(self.plugin))


async def loads_alone(candidate: Candidate) -> None:
    """It runs with nothing beside it but what it depends on."""
    async with candidate.alone() as t:
        assert not validate_schema(t.crm.schema.core)
        await t.gql("{ customers { totalCount } }")


async def loads_with_all(candidate: Candidate) -> None:
    """It runs beside every installed plugin."""
    async with candidate.with_all() as t:
        assert not validate_schema(t.crm.schema.core)
        await t.gql("{ customers { totalCount } }")


async def asks_as_often_for_many_as_for_few(candidate: Candidate) -> None:
    """A list with all its fields takes as many statements for 50 customers as for 5."""
    plugin = candidate.plugin.name
    async with candidate.with_all() as t:
        await fill(t, 50)
        query = everything(t.crm.schema.core, "customers", without=_of_others(t, plugin))
        with t.statements() as for_few:
            await t.gql(query, first=5)
        with t.statements() as for_many:
            found = await t.gql(query, first=50)
        assert len(for_few) == len(for_many)
        _check_filled(found["customers"].get("nodes", ()), _relations(t, plugin))


async def migrates_up_down_and_up(candidate: Candidate) -> None:
    """Its lineage makes what its models say, guards what never changes, and can begin again."""
    loaded, name = candidate.loaded(), candidate.plugin.name
    address = await asyncio.to_thread(databases().empty, candidate.engine)

    def migrate() -> None:
        migrations.upgrade(address, loaded)
        assert migrations.differences(address, name) == []
        if loaded[name].tables:
            migrations.downgrade(address, loaded, name)
            migrations.upgrade(address, loaded)
        assert migrations.differences(address, name) == []
        assert migrations.unguarded(address, loaded) == []

    await asyncio.to_thread(migrate)
    databases().drop(address)


async def says_what_is_personal(candidate: Candidate) -> None:
    """Every column that can hold text says whether it can be about a person."""
    tables = candidate.loaded()[candidate.plugin.name].tables
    columns = [each for table in tables for each in table.columns]
    assert [str(each) for each in columns if _is_text(each) and _is_silent(each)] == []


async def can_be_merged_and_forgotten(candidate: Candidate) -> None:
    """What is personal can be emptied, and rows that never change hold nothing of it."""
    for table in candidate.loaded()[candidate.plugin.name].tables:
        personal = [each for each in personal_columns(table) if "companion_of" not in each.info]
        assert not (table.info["append_only"] and personal), f"{table.name} never changes"
        for each in personal:
            nothing(each)


CLAIMS: tuple[Claim, ...] = (
    loads_alone,
    loads_with_all,
    asks_as_often_for_many_as_for_few,
    migrates_up_down_and_up,
    says_what_is_personal,
    can_be_merged_and_forgotten,
)


async def fill(t: Trial, customers: int) -> None:
    """Adds customers to an app, and rows of every plugin to each of them."""
    await add_customers(t, [f"Customer {number}" for number in range(customers)])
    await t.gql(_HIRE)  # Rows of plugins may be some colleague's.
    await add_rows(t)


def _needed(plugin: type[Plugin]) -> tuple[type[Plugin], ...]:
    """The plugin after those that it cannot do without."""
    installed = {each.name: each for each in discover()}
    names = [Requirement(each).name for each in plugin.depends_on]
    below = [each for name in names for each in _needed(imported(installed[name]))]
    return (*dict.fromkeys(below), plugin)


def _of_others(t: Trial, plugin: str) -> frozenset[str]:
    """The coordinates of the fields that somebody else declares."""
    registry = t.crm.schema.registry
    fields = [
        (spec.name, each)
        for spec in registry.nodes.values()
        for each in registry.fields_of(spec.cls)
    ]
    return frozenset(
        f"{kind}.{registry.name(each)}" for kind, each in fields if each.owner != plugin
    )


def _check_filled(customers: Sequence[Mapping[str, Any]], relations: Iterator[str]) -> None:
    """That a statement for each record would have been seen: there are several of each kind."""
    for name in relations:
        assert len(customers) == 50
        assert all(len(_rows(each[name])) >= 2 for each in customers), f"{name} holds too few rows"


def _relations(t: Trial, plugin: str) -> Iterator[str]:
    """The relations that the plugin adds to customers."""
    registry = t.crm.schema.registry
    for each in registry.fields_of(registry.named("Customer").cls):
        if each.owner == plugin and isinstance(each.source, ToMany | ListOf):
            yield registry.name(each)


def _rows(relation: Any) -> list[Any]:
    return list(relation if isinstance(relation, list) else relation["nodes"])


def _is_text(column: Column[Any]) -> bool:
    kind = isinstance(column.type, Text | Code | Json)
    return kind and not (column.primary_key or column.foreign_keys)


def _is_silent(column: Column[Any]) -> bool:
    return "companion_of" not in column.info and column.info.get("personal") is None
