"""The house keeps its own rules."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

TOP = {
    ".ci", ".dockerignore", ".gitignore", "Dockerfile", "Makefile", "README.md", "alembic.ini",
    "crmkit", "deploy", "docs", "examples", "migrations", "plugins", "pyproject.toml", "requirements-run.lock", "requirements.lock", "tests",
}  # fmt: skip

# What a line of a committed file must not say: an address of a package registry, or a
# path that exists on one machine only.
REGISTRY = re.compile(
    r"--(extra-)?index-url|https?://[^ \"]+/simple(/|\"|$)|files\.pythonhosted|registry\.npm"
)
MACHINE = re.compile(r"(^|[^A-Za-z0-9_.])/(work|root|home|Users)/")


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files"],  # noqa: S607  git is found as whoever runs the tests finds it
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("not a checkout")
    return [ROOT / line for line in listed.stdout.splitlines()]


def test_nothing_stands_at_the_top_that_the_design_does_not_name() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in tracked()} <= TOP


def test_no_file_names_a_registry_or_a_path_of_one_machine() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {line[:80]}"
        for path in tracked()
        if path.name != Path(__file__).name and path.suffix not in {".csv", ".png"}
        for line in path.read_text(encoding="utf-8").splitlines()
        if REGISTRY.search(line) or MACHINE.search(line)
    ]
    assert found == []


def test_every_package_says_in_one_sentence_what_it_is_for() -> None:
    for package in [*ROOT.glob("crmkit/**/__init__.py"), *ROOT.glob("plugins/**/__init__.py")]:
        assert package.read_text(encoding="utf-8").startswith('"""'), package
