"""An upgrade that is killed, held up, or done by two at once; and every migration with data."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, inspect

from crmkit.app import load_plugins, open_crm, schema_of
from crmkit.host import lineages, migrations
from crmkit.host.connections import Patience, connected
from crmkit.host.loaded import Loaded
from crmkit.settings import DatabaseSettings, Settings
from crmkit.testing.contract import fill
from crmkit.testing.trial import Trial
from crmkit.values.clock import ManualClock
from crmkit.values.errors import SetupError

Content = dict[str, list[dict[str, Any]]]

ROOT = Path(__file__).parents[2]

# The long run kills at each statement and tries each migration; the short one kills at some of
# each lineage, and tries its newest migrations and all of them together.
SOAK = bool(os.environ.get("CRMKIT_SOAK"))
STEP = 1 if SOAK else 151
SOON = Patience(whole=0, once=0.05, aside=0)


def _enabled(*plugins: str) -> Settings:
    return Settings.model_validate({"plugins": {"enabled": plugins}})


# What a migration says that it begins anew, with its rows.
ANEW = {("core", "0008"): "audit"}


class Killed(BaseException):
    """What no code of ours may take for an error of its own."""


@pytest.fixture(scope="module")
def loaded() -> Loaded:
    return load_plugins(Settings())


@contextmanager
def killed_at(number: int) -> Iterator[None]:
    """Ends whoever sends this many statements before the last of them."""
    sent = 0

    def count(*_: Any) -> None:
        nonlocal sent
        sent += 1
        if sent == number:
            raise Killed

    event.listen(Engine, "before_cursor_execute", count)
    try:
        yield
    finally:
        event.remove(Engine, "before_cursor_execute", count)


def standing(url: str, loaded: Loaded) -> list[tuple[str, str | None, frozenset[str]]]:
    """Each lineage, where it stands, and which of its tables are there."""
    there = connected(url, lambda connection: set(inspect(connection).get_table_names()))
    return [
        (each.plugin, each.current, frozenset(there & {t.name for t in loaded[each.plugin].tables}))
        for each in lineages.status(url, loaded)
    ]


def test_an_upgrade_that_is_killed_at_any_statement_is_taken_up_again(
    database_url: str, loaded: Loaded
) -> None:
    before, number = standing(database_url, loaded), 1
    while True:
        try:
            with killed_at(number):
                migrations.upgrade(database_url, loaded)
            break
        except Killed:
            after = standing(database_url, loaded)
        # Whoever has moved has all its tables, and the next one is tried from its beginning.
        assert all(len(tables) == len(loaded[name].tables) * bool(at) for name, at, tables in after)
        before, number = after, 1 if after != before else number + STEP
    assert all(each.current == each.head for each in lineages.status(database_url, loaded))
    assert migrations.differences(database_url, "core") == []


@pytest.fixture
def behind(database_url: str) -> Loaded:
    """The core alone, one migration behind."""
    core = load_plugins(_enabled())
    migrations.upgrade(database_url, core)
    migrations.downgrade(database_url, core, "core", "-1")
    return core


def test_an_upgrade_waits_for_locks_a_little_and_then_says_who_may_hold_them(
    behind: Loaded, database_url: str
) -> None:
    with holding(database_url), pytest.raises(SetupError, match="Nothing has been changed; let"):
        migrations.upgrade(database_url, behind, SOON)
    [core] = lineages.status(database_url, behind)
    assert len(core.pending) == 1
    assert migrations.upgrade(database_url, behind, SOON) == [core]


@contextmanager
def holding(url: str) -> Iterator[None]:
    """Somebody has left a transaction open in which the database was written to, or locked."""
    held, ended = threading.Event(), threading.Event()

    def hold(connection: Connection) -> None:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("LOCK TABLE alembic_version IN SHARE MODE")
        held.set()
        ended.wait()

    somebody = threading.Thread(target=connected, args=(url, hold))
    somebody.start()
    held.wait()
    try:
        yield
    finally:
        ended.set()
        somebody.join()


def test_two_that_begin_at_once_add_what_is_lacking_once(database_url: str) -> None:
    migrations.upgrade(database_url, load_plugins(_enabled()))
    asyncio.run(_begin(database_url, 4))
    roles = _rows(database_url)["role"]
    assert len(roles) == len({each["key"] for each in roles}) > 0


async def _begin(url: str, count: int) -> None:
    settings = _enabled().model_copy(update={"database": DatabaseSettings(url=url)})
    schema = schema_of(load_plugins(settings), settings)
    opened = [await open_crm(settings, schema=schema) for _ in range(count)]
    await asyncio.gather(*[each.prepare() for each in opened])
    for each in opened:
        await each.close()


def test_every_migration_goes_down_and_up_with_data(database_url: str, loaded: Loaded) -> None:
    migrations.upgrade(database_url, loaded)
    asyncio.run(_fill(database_url))
    names = [each.plugin for each in lineages.status(database_url, loaded)]
    while names:
        # Those who came later, and may need it, are gone by now.
        left = load_plugins(_enabled(*names[1:]))
        for target in _downwards(left, names[-1]):
            _down_and_up(database_url, left, names[-1], target)
        names.pop()
    assert _rows(database_url) == {}


async def _fill(url: str) -> None:
    crm = await open_crm(Settings.model_validate({"database": {"url": url}}))
    try:
        await crm.prepare()
        await fill(Trial(crm, ManualClock()), 3)
    finally:
        await crm.close()


def _downwards(loaded: Loaded, plugin: str) -> list[str]:
    """The revisions that a lineage can be taken back to, the nearest first."""
    package = loaded[plugin].package
    folder = package / "migrations" if package and plugin != "core" else ROOT / "migrations"
    numbers = sorted(each.name[:4] for each in folder.glob("versions/0*.py"))
    back = numbers[-2::-1]
    return [*(back if SOAK else back[:2]), "base"]


def _down_and_up(url: str, loaded: Loaded, plugin: str, target: str) -> None:
    whole = _rows(url)
    migrations.downgrade(url, loaded, plugin, target)
    below = _rows(url)
    anew = {name for (whose, at), name in ANEW.items() if whose == plugin and _is_below(target, at)}
    _check_kept(whole, below, anew)
    migrations.upgrade(url, loaded)
    _check_kept(below, _rows(url), anew)
    if target == "base":
        assert migrations.differences(url, plugin) == []
    migrations.downgrade(url, loaded, plugin, target)


def _is_below(target: str, revision: str) -> bool:
    return target == "base" or target < revision


def _check_kept(before: Content, after: Content, anew: set[str]) -> None:
    """What is in both, tables and columns, has the same rows in both."""
    for name in before.keys() & after.keys() - anew:
        columns = set[str]().union(*before[name][:1]) & set[str]().union(*after[name][:1])
        kept, found = (
            [{c: row[c] for c in columns} for row in each[name]] for each in (before, after)
        )
        assert sorted(map(repr, kept)) == sorted(map(repr, found)), name


def _rows(url: str) -> Content:
    """Everything that stands in a database, by table, each row by column."""

    def read(connection: Connection) -> Content:
        if connection.dialect.name == "sqlite":
            assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
        names = [each for each in inspect(connection).get_table_names() if "alembic" not in each]
        found = {each: connection.exec_driver_sql(f'SELECT * FROM "{each}"') for each in names}  # noqa: S608
        return {name: [dict(row) for row in rows.mappings()] for name, rows in found.items()}

    return connected(url, read)
