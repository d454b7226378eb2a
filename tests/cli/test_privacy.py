from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from tests.cli.test_import import GOOD, HEADER, asked, imported

if TYPE_CHECKING:
    from tests.cli.conftest import Run


def test_a_customer_is_exported_forgotten_and_kept_away(upgraded: Run, database_url: str) -> None:
    file = f"{HEADER}\n{GOOD}\n".encode()
    imported(upgraded, file)
    who = str(asked(database_url, "SELECT id FROM customer")[0])
    assert upgraded("privacy", "export", who, "--to", "known.json").code == 0
    known = json.loads(Path("known.json").read_text(encoding="utf-8"))
    rows = {each["table"]: each["rows"] for each in known["tables"]}
    assert rows["customer_external_id"][0]["external_id"] == "张伟"
    assert rows["orders_order"][0]["total_minor"] == 1177
    for _ in range(2):
        done = upgraded("privacy", "erase", who, "--yes")
        assert done.code == 0, done.err
        assert f"{who} is forgotten." in done.out
    assert asked(database_url, "SELECT name FROM customer") == ("Erased",)
    assert asked(database_url, "SELECT count(*) FROM customer_external_id") == (0,)
    assert imported(upgraded, file.replace(b"1997", b"1998")).endswith("1 rejected")
    assert "does not say whose id it is" in upgraded("privacy", "lift", "--external-id", "4711").err
    assert "1 to " in upgraded("privacy", "lift").err
    for said in ("Lifted: 1.", "Nobody was kept out"):
        assert said in upgraded("privacy", "lift", "--external-id", "shop:张伟").out
    assert imported(upgraded, file.replace(b"1997", b"1998")).endswith("0 rejected")
    left = json.loads(upgraded("privacy", "export", who).out)["tables"]
    assert next(each for each in left if each["table"] == "customer")["rows"][0]["name"] == "Erased"
    assert "There is no such customer." in upgraded("privacy", "export", "nobody").err
