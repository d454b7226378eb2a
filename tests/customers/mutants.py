"""Rules of customers, each broken in one line, which a test here has to notice."""

from __future__ import annotations

from collections.abc import Mapping

from tests.house.mutants import Broken

MUTANTS: Mapping[str, tuple[Broken, ...]] = {
    "crmkit/customers/service/moves.py": (
        Broken(
            "customers move as the ladder allows",
            "        if row is not None and (row.stage_id, each.input.stage_id) not in allowed:",
            "        if False:",
            "test_lifecycle.py::test_the_ladder_refuses_a_step_it_does_not_have",
        ),
        Broken(
            "who leaves a stage has left it",
            "        set={models.StageStay.left_at: context.clock.now()},",
            "        set={models.StageStay.reason: None},",
        ),
    ),
}
