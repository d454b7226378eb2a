"""`crmkit audit`: what it vouches for, and what it finds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tests.cli.texting import CREATE, asked, run_sql

if TYPE_CHECKING:
    from tests.cli.conftest import Run

SQLITE = ["DROP TRIGGER append_only_delete_audit", "DROP TRIGGER append_only_delete_audit_seal"]
POSTGRESQL = [
    "DROP TRIGGER append_only_rows ON audit",
    "DROP TRIGGER append_only_rows ON audit_seal",
]
GONE = ["DELETE FROM audit_seal", "DELETE FROM audit_text", "DELETE FROM audit"]


def test_an_export_holds_the_entries_and_the_head_that_a_cut_end_is_noticed_by(
    upgraded: Run, database_url: str
) -> None:
    asked(CREATE)
    assert "0 entries under 0 seals; 4 entries wait" in upgraded("audit", "verify").out
    exported = upgraded("audit", "export", "audit.jsonl")
    assert "holds 4 entries and the head of the chain, seal 1" in exported.out
    assert "createCustomer" in Path("audit.jsonl").read_text(encoding="utf-8").splitlines()[3]
    ended = upgraded("audit", "verify", "--head", "audit.jsonl")
    assert (ended.code, "4 entries under 1 seals" in ended.out) == (0, True)
    run_sql(database_url, *(SQLITE if database_url.startswith("sqlite") else POSTGRESQL), *GONE)
    ended = upgraded("audit", "verify", "--head", "audit.jsonl")
    assert (ended.code, "its end was cut off" in ended.out) == (1, True)


def test_what_is_no_export_is_refused(upgraded: Run) -> None:
    Path("other.jsonl").write_text("{}\n", encoding="utf-8")
    ended = upgraded("audit", "verify", "--head", "other.jsonl")
    assert (ended.code, "does not end as crmkit audit export" in ended.err) == (1, True)
