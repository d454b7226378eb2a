from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Run


def test_help_lists_every_command_and_imports_none_of_them() -> None:
    asked = (
        "import sys; sys.argv[1:] = ['--help']; from crmkit.cli import main\n"
        "try: main()\n"
        "finally: print(*sorted({each.partition('.')[0] for each in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    for command in (
        "demo",
        "serve",
        "db",
        "plugins",
        "schema",
        "import",
        "user",
        "token",
        "loyalty",
        "tasks",
    ):
        assert command in done.stdout
    assert not {"pydantic", "sqlalchemy", "strawberry", "uvicorn"} & {*done.stderr.split()}


def test_a_server_imports_nothing_that_only_others_need() -> None:
    asked = (
        "import sys, crmkit.cli.serving\n"
        "print(*sorted({each.partition('.')[0] for each in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    for_migrations, for_postgresql = {"alembic", "mako"}, {"asyncpg"}
    for_addresses = {"email_validator", "phonenumbers"}
    unneeded = for_migrations | for_postgresql | for_addresses
    assert not unneeded & {*done.stdout.split()}


def test_upgrading_twice_does_nothing_the_second_time(upgraded: Run) -> None:
    assert upgraded("db", "upgrade").out.strip() == "Every table is as the code wants it."
    status = upgraded("db", "status").out
    assert all(lineage in status for lineage in ("core", "orders", "loyalty", "tasks"))


def test_no_migration_is_written_while_models_and_tables_agree(upgraded: Run) -> None:
    ended = upgraded("db", "revision", "--plugin", "orders", "-m", "Nothing")
    assert ended.out.strip() == "The tables of orders are what its models say."


def test_plugins_are_listed_with_what_they_add(upgraded: Run) -> None:
    listed = " ".join(upgraded("plugins").out.split())
    assert "loyalty 1.0 crmkit loaded 0001 Customer: loyaltyPoints" in listed
    assert "orders_recorded" in listed


def test_a_plugin_that_is_not_enabled_is_listed_as_such_and_adds_nothing(run: Run) -> None:
    Path("crmkit.toml").write_text('[plugins]\nenabled = ["orders"]\n', encoding="utf-8")
    assert "loyalty crmkit off" in " ".join(run("plugins").out.split())
    printed = run("schema", "print").out
    assert "recordOrder(" in printed
    assert "loyaltyPoints" not in printed


def test_a_command_of_a_plugin_that_is_not_enabled_says_so(run: Run) -> None:
    Path("crmkit.toml").write_text("[plugins]\nenabled = []\n", encoding="utf-8")
    ended = run("loyalty", "verify")
    assert ended.code == 1
    assert ended.err.strip() == "The plugin loyalty is not enabled; add it to [plugins] enabled."


def test_a_database_behind_the_code_is_not_served(run: Run) -> None:
    ended = run("serve", "--port", "0")
    assert ended.code == 1
    assert "run crmkit db upgrade" in ended.err


def test_an_address_of_another_machine_is_said(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRMKIT_SERVER__HOST", "192.0.2.1")
    ended = run("serve")
    assert ended.code == 1
    assert ended.err.startswith("server.host 192.0.2.1 cannot be listened at: ")


def test_a_port_that_is_taken_is_said(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        ended = run("serve", "--port", str(port))
    assert ended.err.strip() == f"The port {port} is taken; say another with --port."


def test_a_mistake_in_the_settings_is_one_sentence(run: Run) -> None:
    Path("crmkit.toml").write_text('[organisation]\ncurrency = "Euro"\n', encoding="utf-8")
    ended = run("plugins")
    assert (ended.code, ended.out, ended.err.count("\n")) == (1, "", 1)
    assert "organisation.currency" in ended.err
