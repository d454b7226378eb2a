"""What `crmkit doctor` finds, each with its cure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from crmkit.host.checks import not_wal, too_old
from tests.cli.texting import CREATE, asked, enable, run_sql

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Run

CLASHING = """
from crmkit import sdk

class Entry(sdk.Plugin):
    name = "sms"
    version = "1.0"

    def register_schema(self, schema: sdk.SchemaBuilder) -> None:
        from crmkit_orders.types import Order
        schema.add(Order)

    def register_permissions(self, permissions: sdk.PermissionBuilder) -> None:
        permissions.add("sms.order.read", "See orders.")
"""


def complaint(run: Run) -> str:
    """What is wrong, as one line of text."""
    ended = run("doctor")
    assert ended.code == 1, ended.out
    assert "Nothing is to be mended" not in ended.out
    return " ".join(ended.out.split())


def test_a_healthy_app_is_told_so(upgraded: Run) -> None:
    assert asked(CREATE)["data"]["createCustomer"]
    ended = upgraded("doctor")
    assert (ended.code, ended.out.strip()) == (0, "Nothing is to be mended.")


def test_a_database_that_is_not_there_is_not_made(run: Run) -> None:
    assert complaint(run) == (
        "wrong database: There is no file crmkit.db yet. cure: run crmkit db upgrade"
    )
    assert not Path("crmkit.db").exists()


def test_a_server_that_does_not_answer(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRMKIT_DATABASE__URL", "postgresql://nobody@127.0.0.1:1/nothing")
    said = complaint(run)
    assert said.startswith("wrong database: It does not answer: ")
    assert said.endswith("cure: start it, or correct database.url")


def test_an_empty_database_is_behind(
    run: Run, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRMKIT_DATABASE__URL", database_url)
    Path("crmkit.db").touch()
    said = complaint(run)
    assert "wrong lineages: The tables of core are at nothing, and the code is at 0" in said
    assert "cure: run crmkit db upgrade" in said


def test_everything_that_is_wrong_is_said_at_once(
    upgraded: Run, install: Callable[..., None], database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked(CREATE)
    run_sql(
        database_url,
        "DELETE FROM loyalty_account",
        "INSERT INTO delivery (event, handler, record, state, tries, due) "
        "SELECT seq, 'orders.late', 'r', 'dead', 5, at FROM outbox",
        "DROP TRIGGER append_only_delete_interaction"
        if database_url.startswith("sqlite")
        else "ALTER TABLE interaction DISABLE TRIGGER append_only_rows",
    )
    install("sms", plugin="import twilio_api")
    enable("orders", "loyalty", "sms")
    monkeypatch.setenv("CRMKIT_PROFILE", "production")
    said = complaint(upgraded)
    for each in (
        "production needs a secret of its own: set CRMKIT_SECRET",
        "wrong plugins: The plugin sms (ajax_sms.plugin:Entry) cannot be imported",
        "take sms out of [plugins] enabled",
        "wrong side rows: 1 of the table customer have no row in loyalty_account.",
        "cure: run crmkit db upgrade, which adds them",
        "wrong triggers: Nothing stops changes of rows that never change, in interaction.",
        "wrong deliveries: 1 events never reached orders.late",
        "cure: mend the handler, then run crmkit events dead --again",
    ):
        assert each in said
    assert said.count("wrong ") == 5


def test_an_upgrade_adds_the_rows_that_a_new_side_table_begins_with(
    upgraded: Run, database_url: str
) -> None:
    asked(CREATE)
    run_sql(database_url, "DELETE FROM loyalty_account")
    assert "side rows" in complaint(upgraded)
    assert upgraded("db", "upgrade").code == 0
    assert upgraded("doctor").code == 0


def test_a_schema_that_does_not_fit_together(upgraded: Run, install: Callable[..., None]) -> None:
    install("sms", plugin=CLASHING)
    enable("orders", "sms")
    assert "wrong schema: The type Order is declared by the plugins orders and sms" in complaint(
        upgraded
    )


@pytest.mark.parametrize(("version", "major"), [(139999, 13), (90624, 9), (140000, None)])
def test_servers_older_than_14_are_too_old(version: int, major: int | None) -> None:
    found = too_old(version)
    assert (found and found.problem) == (
        major and f"The server is PostgreSQL {major}, and crmkit needs 14 or newer."
    )


def test_a_file_without_a_write_ahead_log_is_told() -> None:
    assert not_wal("wal") is None
    found = not_wal("delete")
    assert found is not None
    assert "journal mode delete" in found.problem
