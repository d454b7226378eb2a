"""A plugin that is added here is named wherever bundled plugins are."""

from __future__ import annotations

import tomllib
from configparser import RawConfigParser
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

ROOT = Path(__file__).parents[2]
CONTRACTS = {
    "room": "containers",
    "core-knows-no-plugin": "forbidden_modules",
    "neighbours": "modules",
    "graphql-above": "source_modules",
    "pluggy-in-the-host": "source_modules",
}
"""The lists of import-linter's contracts that cannot be written without names."""


def places() -> Iterator[tuple[str, Collection[str]]]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    points = project["project"]["entry-points"]["crmkit.plugins"].values()
    yield "the entry points crmkit.plugins", {each.partition(".")[0] for each in points}
    linter = project["tool"]["importlinter"]
    yield "the root_packages of import-linter", linter["root_packages"]
    contracts = {each["id"]: each for each in linter["contracts"]}
    for name, key in CONTRACTS.items():
        yield f"the {key} of import-linter's contract {name}", contracts[name][key]
    alembic = RawConfigParser()
    alembic.read(ROOT / "alembic.ini", encoding="utf-8")
    yield "alembic.ini, as a section", {f"crmkit_{each}" for each in alembic.sections()}


def test_every_plugin_is_named_in_every_place() -> None:
    packages = sorted(each.name for each in (ROOT / "plugins").glob("crmkit_*"))
    assert len(packages) >= 6
    missing = [
        f"Name {package} in {place}."
        for place, named in places()
        for package in packages
        if package not in named
    ]
    assert missing == []
