"""The list of mutants is kept: each breaks a line that is there, and has tests to notice."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.house.mutants import MUTANTS, Mutant, broken

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda each: each.rule)
def test_a_mutant_is_a_rule_broken_in_one_line_that_is_still_python(mutant: Mutant) -> None:
    text = broken(mutant, ROOT)
    ast.parse(text)
    assert text != (ROOT / mutant.file).read_text(encoding="utf-8")
    tests = ROOT / mutant.tests
    assert tests.is_file() or any(tests.rglob("test_*.py"))


def test_no_two_mutants_break_one_line() -> None:
    lines = [(each.file, each.line) for each in MUTANTS]
    assert len(set(lines)) == len(lines)
