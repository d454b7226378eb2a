"""What becomes of a plugin that is taken out, uninstalled, and purged."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from crmkit.testing.databases import databases
from tests.cli.texting import CREATE, SMS, asked, enable, rows, run_sql, tables, text_ada_twice
from tests.host.tiny import NUMBERS

if TYPE_CHECKING:
    from tests.cli.conftest import Run

Install = Callable[..., None]

DEPENDENT = """
from crmkit import sdk

class Entry(sdk.Plugin):
    name = "mail"
    version = "1.0"
    depends_on = ("sms",)
"""
SENT = {"data": {"customers": {"nodes": [{"name": "Ada", "smsSent": "2"}]}}}
ALL = "{ customers { nodes { name smsSent } } }"


@pytest.fixture
def texted(
    run: Run,
    install: Install,
    uninstall: Install,
    engine: str,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Run:
    """Runs commands where a plugin has made tables, and Ada was texted twice."""
    install("sms", plugin=SMS.replace("{n}", str(next(NUMBERS))))
    enable("sms")
    versions = Path("ajax_sms/migrations/versions")
    if engine not in _TEXTED:
        address = databases().empty(engine)
        monkeypatch.setenv("CRMKIT_DATABASE__URL", address)
        assert run("db", "revision", "--plugin", "sms", "-m", "texts").code == 0
        assert run("db", "upgrade").code == 0
        text_ada_twice()
        [written] = versions.glob("*.py")
        _TEXTED[engine] = address, written.name, written.read_text(encoding="utf-8")
    address, name, migration = _TEXTED[engine]
    versions.mkdir(parents=True, exist_ok=True)
    (versions / name).write_text(migration, encoding="utf-8")
    databases().fill(database_url, address)
    monkeypatch.setenv("CRMKIT_DATABASE__URL", database_url)
    return run


_TEXTED: dict[str, tuple[str, str, str]] = {}
"""A database of each engine in which that has happened once, and the plugin's migration."""


def listed(run: Run) -> str:
    ended = run("plugins")
    assert ended.code == 0, ended.err
    return " ".join(ended.out.split())


def test_a_plugin_taken_out_is_off_and_finds_its_rows_when_it_comes_back(texted: Run) -> None:
    enable()
    assert "sms ajax off 0001" in listed(texted)
    assert "smsSent" not in texted("schema", "print").out
    assert "errors" in asked(ALL)
    assert asked("{ customers { nodes { name } } }")["data"]["customers"]["nodes"] == [
        {"name": "Ada"}
    ]
    enable("sms")
    assert asked(ALL) == SENT


def test_a_plugin_uninstalled_is_orphaned_and_everything_else_works(
    texted: Run, uninstall: Install, database_url: str
) -> None:
    enable("orders")
    uninstall("sms")
    assert "sms nothing installed orphaned 0001" in listed(texted)
    assert texted("db", "upgrade").code == 0
    assert "sms" not in texted("db", "status").out
    assert "errors" not in asked(CREATE)
    assert rows(database_url, "SELECT body FROM sms_message") == [("Guten Tag, 世界",)] * 2
    told = texted("doctor")
    assert told.code == 0
    assert "note orphans: The plugin sms is not installed any more" in told.out
    assert "crmkit plugins purge sms" in told.out


def test_a_plugin_still_named_after_it_was_uninstalled_is_skipped_in_development(
    texted: Run, uninstall: Install
) -> None:
    uninstall("sms")
    assert "sms nothing installed orphaned 0001" in listed(texted)
    assert "errors" not in asked(CREATE)


@pytest.mark.parametrize("gone", [False, True], ids=["off", "orphaned"])
def test_a_purge_says_what_there_is_saves_it_and_leaves_nothing(
    texted: Run, uninstall: Install, database_url: str, gone: bool
) -> None:
    enable()
    if gone:
        uninstall("sms")
    ended = texted("plugins", "purge", "sms", "--yes", "--export", "sms.jsonl")
    assert ended.code == 0, ended.err
    said = " ".join(ended.out.split())
    # The second delivery of an event is that of the customer's creation.
    for each in ("sms_account 1", "sms_message 2", "outbox 2", "delivery 3"):
        assert each in said
    assert "3 rows written to sms.jsonl" in said
    assert not [each for each in tables(database_url) if "sms" in each]
    assert rows(database_url, "SELECT name FROM outbox") == [("core.CustomersCreated",)]
    assert rows(database_url, "SELECT handler FROM delivery") == []
    assert rows(database_url, "SELECT name FROM customer") == [("Ada",)]
    assert ("sms ajax off –" in listed(texted)) is not gone
    assert "orphaned" not in listed(texted)
    ended = texted("plugins", "purge", "sms", "--yes")
    assert ended.err.strip() == "The database has nothing of a plugin sms."


def test_what_was_purged_stands_in_the_export_alike_on_both_engines(
    texted: Run, database_url: str
) -> None:
    enable()
    [(ada,)] = rows(database_url, "SELECT id FROM customer")
    texted("plugins", "purge", "sms", "--yes", "--export", "sms.jsonl")
    lines = Path("sms.jsonl").read_text(encoding="utf-8").splitlines()
    account, *messages = [json.loads(each) for each in lines]
    assert account == {"table": "sms_account", "row": {"customer_id": ada, "sent": 2}}
    for each in messages:
        assert each["table"] == "sms_message"
        assert each["row"].pop("id").startswith("sms_message_")
        assert each["row"].pop("created_at").endswith("Z")
        assert each["row"] == {
            "customer_id": ada,
            "body": "Guten Tag, 世界",
            "day": "2026-01-31",
            "urgent": True,
            "code": "00ff",
        }


def test_a_purged_plugin_can_begin_again(texted: Run) -> None:
    enable()
    assert texted("plugins", "purge", "sms", "--yes").code == 0
    enable("sms")
    assert "sms: nothing → 0001" in texted("db", "upgrade").out
    assert asked(ALL)["data"]["customers"]["nodes"] == [{"name": "Ada", "smsSent": "0"}]


def test_a_purge_asks_first_and_no_is_no(
    texted: Run, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    enable()
    before = tables(database_url)
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert texted("plugins", "purge", "sms", "--export", "sms.jsonl").code == 1
    assert tables(database_url) == before
    assert not Path("sms.jsonl").exists()
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert texted("plugins", "purge", "sms").code == 0
    assert "sms_message" not in tables(database_url)


def refused(run: Run, *arguments: str) -> str:
    ended = run("plugins", "purge", *arguments, "--yes")
    assert ended.code == 1
    return ended.err.strip()


def test_what_is_used_is_not_purged(
    texted: Run, install: Install, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert refused(texted, "sms") == (
        "The plugin sms is enabled; say [plugins] enabled without it first."
    )
    install("mail", distribution="other", plugin=DEPENDENT)
    enable("mail")
    assert refused(texted, "sms") == (
        "The plugin mail is enabled and depends on sms; say [plugins] enabled without mail first."
    )
    Path("crmkit.toml").unlink()
    assert refused(texted, "orders").startswith("The plugin orders is enabled")
    assert refused(texted, "core").startswith("The core is no plugin")
    assert refused(texted, "smss") == (
        "The database has nothing of a plugin smss (did you mean sms?)."
    )
    monkeypatch.setenv("CRMKIT_SAFE_MODE", "1")
    assert refused(texted, "sms").startswith("In safe mode no plugin is read")
    assert rows(database_url, "SELECT count(*) FROM sms_message") == [(2,)]


def test_what_tables_of_another_refer_to_is_not_purged(texted: Run, database_url: str) -> None:
    enable()
    run_sql(
        database_url,
        "CREATE TABLE alembic_version_mail (version_num TEXT PRIMARY KEY)",
        "CREATE TABLE mail_copy (message_id TEXT REFERENCES sms_message (id))",
    )
    assert refused(texted, "sms") == (
        "The table mail_copy refers to sms_message; purge mail before sms."
    )
    assert texted("plugins", "purge", "mail", "--yes").code == 0
    assert texted("plugins", "purge", "sms", "--yes").code == 0


def test_tables_of_a_plugin_with_a_longer_name_are_not_taken_for_its_own(
    texted: Run, database_url: str
) -> None:
    enable()
    run_sql(
        database_url,
        "CREATE TABLE alembic_version_sms_extra (version_num TEXT PRIMARY KEY)",
        "CREATE TABLE sms_extra_thing (id TEXT PRIMARY KEY)",
    )
    assert texted("plugins", "purge", "sms", "--yes").code == 0
    left = {each for each in tables(database_url) if "sms" in each}
    assert left == {"alembic_version_sms_extra", "sms_extra_thing"}


def test_a_file_that_is_there_is_not_written_over_and_nothing_is_purged(
    texted: Run, database_url: str
) -> None:
    enable()
    Path("sms.jsonl").write_text("mine", encoding="utf-8")
    assert refused(texted, "sms", "--export", "sms.jsonl") == (
        "There is a sms.jsonl already; say another --export."
    )
    assert Path("sms.jsonl").read_text(encoding="utf-8") == "mine"
    assert "sms_message" in tables(database_url)


def test_migrations_that_cannot_be_taken_back_are_told_and_dropped_without_the_package(
    texted: Run, uninstall: Install, database_url: str, tmp_path: Path
) -> None:
    enable()
    [written] = tmp_path.glob("ajax_sms/migrations/versions/*.py")
    text = written.read_text(encoding="utf-8")
    broken = text.replace("def downgrade() -> None:\n", "def downgrade() -> None:\n    1 / 0\n")
    assert broken != text
    written.write_text(broken, encoding="utf-8")
    assert refused(texted, "sms") == (
        "The migrations of sms cannot be taken back, ZeroDivisionError: division by zero; "
        "uninstall ajax, and its tables are dropped as they are."
    )
    assert rows(database_url, "SELECT count(*) FROM sms_message") == [(2,)]
    uninstall("sms")
    assert texted("plugins", "purge", "sms", "--yes").code == 0
    assert "sms_message" not in tables(database_url)


# -- safe mode ------------------------------------------------------------------------


@pytest.mark.parametrize("profile", ["development", "production"])
def test_in_safe_mode_no_plugin_is_imported_however_broken_it_is(
    upgraded: Run, install: Install, monkeypatch: pytest.MonkeyPatch, profile: str
) -> None:
    install("sms", plugin="raise SystemExit('imported')")
    enable("sms", "gone")
    with Path("crmkit.toml").open("a", encoding="utf-8") as file:
        file.write("[plugins.gone]\nkey = 1\n")
    monkeypatch.setenv("CRMKIT_PROFILE", profile)
    monkeypatch.setenv("CRMKIT_SECRET", "s" * 32)
    monkeypatch.setenv("CRMKIT_SAFE_MODE", "1")
    assert "sms ajax off, safe mode" in listed(upgraded)
    assert upgraded("db", "upgrade").code == 0
    told = upgraded("doctor")
    assert told.code == 0
    assert "safe mode: No plugin runs, and events wait." in told.out
    assert "ajax_sms.plugin" not in sys.modules


def test_safe_mode_serves_the_core_alone_and_no_plugins_command(
    texted: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    enable("sms", "loyalty")
    monkeypatch.setenv("CRMKIT_SAFE_MODE", "1")
    assert asked("{ customers { nodes { name } } }")["data"]["customers"]["nodes"] == [
        {"name": "Ada"}
    ]
    assert "errors" in asked(ALL)
    ended = texted("loyalty", "verify")
    assert (ended.code, ended.err.strip()) == (
        1,
        "In safe mode no plugin runs, so loyalty has no commands; unset CRMKIT_SAFE_MODE.",
    )
    monkeypatch.delenv("CRMKIT_SAFE_MODE")
    enable("sms")
    assert asked(ALL) == SENT
