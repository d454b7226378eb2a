"""The list of mutants is kept: each breaks a line that is there, and has tests to notice."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.house.mutants import Mutant, mutants

ROOT = Path(__file__).parents[2]
MUTANTS = list(mutants())


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda each: each.rule)
def test_a_mutant_is_a_rule_broken_in_one_line_that_is_still_python(mutant: Mutant) -> None:
    text = mutant.text(ROOT)
    ast.parse(text)
    assert text != (ROOT / mutant.file).read_text(encoding="utf-8")


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda each: each.rule)
def test_the_test_that_is_known_to_notice_a_mutant_is_there(mutant: Mutant) -> None:
    file, _, test = mutant.broken.killer.partition("::")
    told = (ROOT / mutant.tests / file).read_text(encoding="utf-8") if file else ""
    assert f"def {test.partition('[')[0]}" in told or not test


def test_no_two_mutants_break_one_line_in_one_way() -> None:
    broken = [(each.file, *each.broken[1:3]) for each in MUTANTS]
    assert len(set(broken)) == len(broken)
