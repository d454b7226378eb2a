"""One lineage per plugin, on both engines, through alembic as everybody knows it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Column, Text, inspect
from sqlalchemy.exc import DBAPIError

from crmkit.host import lineages, migrations
from crmkit.host.lineages import Lineage
from crmkit.host.loading import load
from crmkit.store.database import Base
from crmkit.values.errors import SetupError
from tests.host.tiny import NUMBERS, Core, plugin, settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from crmkit.host.loading import Loaded

ROOT = Path(__file__).parents[2]

SMS = """
from datetime import datetime
from enum import Enum
from typing import Any

from sqlalchemy import ForeignKey, Index, Text, text
from sqlalchemy.orm import Mapped

from crmkit.host.manifest import Plugin
from crmkit.store.column_types import Choice, Code, Json
from crmkit.store.database import (Record, Versioned, column, unscoped)

class State(Enum):
    SENT = "sent"

class Entry(Plugin):
    name = "sms"
    version = "1.0"

class Sms{number}(Versioned):
    __tablename__ = "sms_sender"
    __scope__ = unscoped("tested without data")
    __table_args__ = (
        Index("ix_sms_sender_open", "at", sqlite_where=text("at IS NULL"), postgresql_where=text("at IS NULL")),
    )
    label: Mapped[str] = column(Text, personal=False, filterable=True)
    key: Mapped[str] = column(Code, unique=True)
    state: Mapped[State] = column(Choice(State), default=State.SENT)
    at: Mapped[datetime | None] = column(default=None, filterable=True)
    free: Mapped[dict[str, Any]] = column(Json, default_factory=dict)
    count: Mapped[int] = column(default=0)

class Message{number}(Record):
    __tablename__ = "sms_message"
    __scope__ = unscoped("tested without data")
    sender_id: Mapped[str] = column(ForeignKey("sms_sender.id"))
"""


@pytest.fixture
def loaded(install: Callable[..., None]) -> Loaded:
    install("sms", plugin=SMS.replace("{number}", str(next(NUMBERS))))
    return load(settings("sms", profile="production"), extra=[Core])


@pytest.fixture
def migrated(loaded: Loaded, database_url: str) -> Loaded:
    migrations.revision(database_url, loaded, "sms", "messages")
    migrations.upgrade(database_url, loaded)
    return loaded


def test_a_migration_written_from_models_makes_exactly_their_tables(
    migrated: Loaded, database_url: str
) -> None:
    assert tables(database_url) >= {"sms_sender", "sms_message", "alembic_version_sms"}
    assert migrations.differences(database_url, "sms") == []
    assert migrations.revision(database_url, migrated, "sms", "again") is None


def test_a_migration_names_our_column_types_as_plugins_do(
    migrated: Loaded, database_url: str
) -> None:
    [written] = migrated["sms"].package.glob("migrations/versions/*.py")  # type: ignore[union-attr]
    text = written.read_text()
    assert written.name == "0001_messages.py"
    assert "from crmkit import sdk" in text
    for kind in ("sdk.Code()", "sdk.UtcDateTime()", "sdk.Json()"):
        assert kind in text
    assert "crmkit.store" not in text


def test_a_lineage_goes_down_to_nothing_and_up_again(migrated: Loaded, database_url: str) -> None:
    migrations.downgrade(database_url, migrated, "sms")
    assert not {each for each in tables(database_url) if each.startswith("sms")}
    [moved] = migrations.upgrade(database_url, migrated)
    assert (moved.plugin, moved.current, moved.pending) == ("sms", None, ["0001"])
    assert migrations.differences(database_url, "sms") == []


def test_the_status_says_where_each_lineage_stands(migrated: Loaded, database_url: str) -> None:
    core, sms = lineages.status(database_url, migrated)
    assert core.current == core.head
    assert sms == Lineage("sms", "0001", "0001", [])


def test_a_new_column_becomes_the_next_migration(migrated: Loaded, database_url: str) -> None:
    table = Base.metadata.tables["sms_message"]
    table.append_column(Column("body", Text, nullable=True))
    written = migrations.revision(database_url, migrated, "sms", "bodies")
    assert written is not None
    assert written.name == "0002_bodies.py"
    assert lineages.status(database_url, migrated)[1].pending == ["0002"]
    migrations.upgrade(database_url, migrated)
    assert migrations.differences(database_url, "sms") == []


def test_the_core_does_not_touch_the_tables_of_plugins(migrated: Loaded, database_url: str) -> None:
    touched = str(migrations.differences(database_url, "core"))
    assert "sms" not in touched


def test_a_migration_that_fails_leaves_nothing_behind(loaded: Loaded, database_url: str) -> None:
    written = migrations.revision(database_url, loaded, "sms", "messages")
    assert written is not None
    half = written.read_text().replace(
        "def downgrade", "    op.execute('no SQL')\n\n\ndef downgrade"
    )
    written.write_text(half)
    with pytest.raises(DBAPIError, match="no SQL"):
        migrations.upgrade(database_url, loaded)
    assert not {each for each in tables(database_url) if each.startswith("sms")}


def test_a_migration_is_written_on_top_of_all_others(migrated: Loaded, database_url: str) -> None:
    migrations.downgrade(database_url, migrated, "sms")
    with pytest.raises(SetupError, match="behind the migrations of sms; upgrade it first"):
        migrations.revision(database_url, migrated, "sms", "again")


def test_tables_without_a_migration_stop_the_upgrade(loaded: Loaded, database_url: str) -> None:
    with pytest.raises(SetupError, match="run crmkit db revision --plugin sms"):
        migrations.upgrade(database_url, loaded)


def test_a_plugin_of_one_file_has_no_lineage(database_url: str) -> None:
    loaded = load(settings(), extra=[Core, plugin("birthdays")])
    assert [each.plugin for each in lineages.status(database_url, loaded)] == ["core"]
    with pytest.raises(SetupError, match="The plugin birthdays is one file"):
        migrations.revision(database_url, loaded, "birthdays", "cakes")


def test_tables_that_a_newer_version_has_made_are_left_alone(
    migrated: Loaded, database_url: str
) -> None:
    [written] = migrated["sms"].package.glob("migrations/versions/*.py")  # type: ignore[union-attr]
    written.write_text(written.read_text().replace('"0001"', '"0000"').replace("'0001'", "'0000'"))
    assert lineages.status(database_url, migrated)[1] == Lineage("sms", "0001", "0000", [])
    with pytest.raises(SetupError, match="The tables of sms are at 0001, which no migration here"):
        migrations.upgrade(database_url, migrated)


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("revision = '0002'\ndown_revision = None", "migrations of the plugin sms follow nothing"),
        ("revision: str = '0003'\ndown_revision: str = '0002'", "follows 0002, which is none of"),
        ("revision = NEXT\ndown_revision = '0001'", "The revision of .* is not written as a text"),
    ],
)
def test_migrations_that_do_not_follow_each_other_are_named(
    migrated: Loaded, database_url: str, said: str, sentence: str
) -> None:
    folder = migrated["sms"].package / "migrations" / "versions"  # type: ignore[operator]
    (folder / "0002_later.py").write_text(said)
    with pytest.raises(SetupError, match=sentence):
        lineages.status(database_url, migrated)


def test_plain_alembic_upgrades_the_core(database_url: str) -> None:
    environment = {**os.environ, "CRMKIT_DATABASE__URL": database_url}
    done = subprocess.run(
        [sys.executable, "-m", "alembic", "upgrade", "head"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "alembic_version" in tables(database_url)


def tables(url: str) -> set[str]:
    return set(migrations.connected(url, lambda connection: inspect(connection).get_table_names()))


def test_a_migration_of_what_does_not_run_is_refused(loaded: Loaded, database_url: str) -> None:
    with pytest.raises(SetupError, match="No plugin smss runs here"):
        migrations.revision(database_url, loaded, "smss", "messages")
