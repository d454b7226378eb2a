from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
NPM = ROOT / "crmkit" / "graph" / "graphiql" / "npm"
NODE = [NPM, ROOT / "tests" / "benchmarks" / "postgraphile"]
RUN = ROOT / "requirements-run.lock"
TOOLS = [
    NPM / "node.lock",
    ROOT / "tests/benchmarks/requirements.lock",
    ROOT / "tests/browser/requirements.lock",
]
LOCKS = [ROOT / "requirements.lock", RUN, *TOOLS]


def _place(lock: Path) -> str:
    return str(lock.relative_to(ROOT))


def entries(lock: Path) -> list[str]:
    # An entry is a line at the margin and the indented lines that continue it.
    text = lock.read_text(encoding="utf-8")
    return re.findall(r"^[a-z].*(?:\n .*)*", text, flags=re.MULTILINE)


PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def asked_for() -> list[str]:
    project = PROJECT["project"]
    extras = project["optional-dependencies"].values()
    listed = [*project["dependencies"], *(each for extra in extras for each in extra)]
    return [*listed, *PROJECT["build-system"]["requires"]]


def locked(lock: Path = LOCKS[0]) -> dict[str, str]:
    pins = (re.match(r"([a-z0-9._-]+)(?:\[.*\])?==([^ ]+)", entry) for entry in entries(lock))
    return {canonicalize_name(pin[1]): pin[2] for pin in pins if pin}


@pytest.mark.parametrize("line", asked_for())
def test_what_the_project_asks_for_is_locked(line: str) -> None:
    requirement = Requirement(line)
    version = locked().get(canonicalize_name(requirement.name))
    assert version is not None, "run `make lock`"
    assert requirement.specifier.contains(version), "run `make lock`"


@pytest.mark.parametrize("lock", LOCKS, ids=_place)
def test_every_entry_has_one_version_and_hashes(lock: Path) -> None:
    found = entries(lock)
    assert 0 < len(locked(lock)) == len(found)
    assert [entry for entry in found if "--hash=sha256:" not in entry] == []


def test_what_it_takes_to_run_is_part_of_what_it_takes_to_work_on_it() -> None:
    running = locked(RUN)
    assert running.items() < locked().items(), "run `make lock`"
    for line in [*PROJECT["project"]["dependencies"], *PROJECT["build-system"]["requires"]]:
        assert canonicalize_name(Requirement(line).name) in running, "run `make lock`"


@pytest.mark.parametrize("lock", TOOLS, ids=_place)
def test_what_tools_ask_for_is_locked(lock: Path) -> None:
    for line in lock.with_suffix(".in").read_text(encoding="utf-8").splitlines():
        requirement = Requirement(line)
        assert requirement.specifier.contains(locked(lock)[requirement.name]), "run `make lock`"


@pytest.mark.parametrize(
    "lock", [*LOCKS, *(each / "package-lock.json" for each in NODE)], ids=_place
)
def test_no_lock_names_a_host(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    if lock.suffix == ".json":
        said = json.loads(text)
        # Where a package's authors take gifts is no place to fetch from.
        packages = [{**each, "funding": None} for each in said["packages"].values()]
        text = json.dumps({**said, "packages": packages})
    assert "://" not in text
    assert "index-url" not in text


@pytest.mark.parametrize("folder", NODE, ids=_place)
def test_what_is_asked_of_npm_is_locked_with_its_digest(folder: Path) -> None:
    asked = json.loads((folder / "package.json").read_text(encoding="utf-8"))["dependencies"]
    lock = json.loads((folder / "package-lock.json").read_text(encoding="utf-8"))
    root, packages = lock["packages"].pop(""), lock["packages"]
    assert root["dependencies"] == asked
    for name, version in asked.items():
        assert packages[f"node_modules/{name}"]["version"] == version, "run `make lock`"
    assert [name for name, each in packages.items() if len(each["integrity"]) < 95] == []
