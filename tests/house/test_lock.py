from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
# An entry is a line at the margin and the indented lines that continue it.
ENTRIES = re.findall(r"^[a-z].*(?:\n .*)*", LOCK, flags=re.MULTILINE)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def asked_for() -> list[str]:
    project = PROJECT["project"]
    extras = project["optional-dependencies"].values()
    listed = [*project["dependencies"], *(each for extra in extras for each in extra)]
    return [*listed, *PROJECT["build-system"]["requires"]]


def locked() -> dict[str, str]:
    pins = (re.match(r"([a-z0-9._-]+)(?:\[.*\])?==([^ ]+)", entry) for entry in ENTRIES)
    return {canonicalize_name(pin[1]): pin[2] for pin in pins if pin}


@pytest.mark.parametrize("line", asked_for())
def test_what_the_project_asks_for_is_locked(line: str) -> None:
    requirement = Requirement(line)
    version = locked().get(canonicalize_name(requirement.name))
    assert version is not None, "run `make lock`"
    assert requirement.specifier.contains(version), "run `make lock`"


def test_every_entry_has_one_version_and_hashes() -> None:
    assert len(locked()) == len(ENTRIES)
    assert [entry for entry in ENTRIES if "--hash=sha256:" not in entry] == []


def test_the_lock_names_no_host() -> None:
    assert "://" not in LOCK
    assert "index-url" not in LOCK
