from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from crmkit.demo.stories import STORIES

if TYPE_CHECKING:
    from pathlib import Path

_QUIETLY = ("--port", "0", "--no-serve")


def demo(folder: Path) -> tuple[str, list[dict[str, Any]]]:
    """Runs the demo as a newcomer does, and returns what it says and the answers it shows."""
    command = [sys.executable, "-m", "crmkit", "demo", "--size", "small", *_QUIETLY]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    said, *asked = done.stdout.split("\n$ curl ")
    said, keys = re.subn(r"crm_\w{75}", "crm_…", said)
    assert keys == 2
    return said, [json.loads(each.partition("\n")[2])["data"] for each in asked]


def test_the_demo_shows_five_answers_and_the_same_ones_when_it_starts_again(
    tmp_path: Path,
) -> None:
    said, [best, zhang, welcome, whole, loop] = demo(tmp_path)
    assert best["customers"]["totalCount"] == 69
    assert int(best["customers"]["nodes"][0]["loyaltyPoints"]) > 1_000
    assert [each["name"] for each in zhang["customers"]["nodes"]] == ["张伟", "章伟"]
    assert welcome["createCustomer"]["customer"]["name"] == "Μαρία Καλλέργη"
    assert [each.title for each in STORIES if each.title in said] == [
        each.title for each in STORIES
    ]
    assert said.count("customer_") == len(STORIES)
    assert [each.name for each in tmp_path.iterdir()] == [".demo"]
    once_more, again = demo(tmp_path)
    assert once_more in said
    assert again[0]["customers"]["totalCount"] == 70
    assert again[1:3] == [zhang, welcome]
    [customer] = whole["customers"]["nodes"]
    assert {"Order", "Interaction"} <= {
        each["__typename"] for each in customer["timeline"]["nodes"]
    }
    [entry] = loop["customers"]["nodes"][0]["timeline"]["nodes"]
    assert "LoyaltyEntry" in [each["__typename"] for each in entry["consequences"]]


def test_what_an_interrupted_start_left_behind_is_begun_anew(tmp_path: Path) -> None:
    folder = tmp_path / ".demo" / "small"
    folder.mkdir(parents=True)
    (folder / "crmkit.db").write_text("half of something")
    (tmp_path / "crmkit.toml").write_text("[plugins]\nenabled = []\n")
    said, [zhang, welcome] = demo(tmp_path)
    assert [each["name"] for each in zhang["customers"]["nodes"]] == ["张伟", "章伟"]
    assert "orders" not in said
    assert welcome["createCustomer"]["customer"]["id"].startswith("customer_")
