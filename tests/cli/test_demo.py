from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


def demo(folder: Path) -> list[dict[str, Any]]:
    """Runs the demo as a newcomer does, and returns the answers that it shows."""
    command = [sys.executable, "-m", "crmkit", "demo", "--port", "0", "--no-serve"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    _, *asked = done.stdout.split("\n$ curl ")
    return [json.loads(each.partition("\n")[2])["data"] for each in asked]


def test_the_demo_shows_five_answers_and_the_same_ones_when_it_starts_again(
    tmp_path: Path,
) -> None:
    best, zhang, welcome, whole, loop = demo(tmp_path)
    assert best["customers"]["totalCount"] == 2657
    assert [each["name"] for each in zhang["customers"]["nodes"]] == ["张伟", "章伟"]
    assert welcome["createCustomer"]["customer"]["name"] == "Μαρία Καλλέργη"
    assert [each.name for each in tmp_path.iterdir()] == [".demo"]
    again = demo(tmp_path)
    assert again[0]["customers"]["totalCount"] == 2658
    assert again[1:] == [zhang, welcome, whole, loop]
    [customer] = whole["customers"]["nodes"]
    assert {"Order", "LoyaltyEntry"} <= {
        each["__typename"] for each in customer["timeline"]["nodes"]
    }
    [entry] = loop["customers"]["nodes"][0]["timeline"]["nodes"]
    assert [each["__typename"] for each in entry["consequences"]] == ["LoyaltyEntry"]
