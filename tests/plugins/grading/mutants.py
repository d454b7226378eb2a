"""Rules of grading, each broken in one line, which a test here has to notice."""

from __future__ import annotations

from collections.abc import Mapping

from tests.house.mutants import Broken

MUTANTS: Mapping[str, tuple[Broken, ...]] = {
    "plugins/crmkit_grading/scoring.py": (
        Broken(
            "what limits take is a contribution",
            "    engagement += _limit(Group.ENGAGEMENT, _sum(engagement), config.limits_of(Group.ENGAGEMENT))",
            "    pass",
            "test_rules.py::test_limits_are_contributions_of_their_own",
        ),
        Broken(
            "who is disqualified has the least score",
            "        rest = config.limits.min - _sum(shares)",
            "        rest = 0",
            "test_rules.py::test_whoever_is_disqualified_has_the_least_score",
        ),
        Broken(
            "a rule has a cap",
            "        parts = min((abs(rule.points) or 1) * left, (rule.cap or MOST) * WHOLE)",
            "        parts = (abs(rule.points) or 1) * left",
            "test_rules.py::test_a_half_life_halves_and_the_cap_comes_after_it",
        ),
        Broken(
            "points fade",
            "        rule, share = self._rule, self._share",
            "        rule, share = self._rule, lambda _: WHOLE",
            "test_grades.py::test_a_grade_is_lost_only_well_below_its_least",
        ),
        Broken(
            "a grade is held against flapping",
            "    if reached and held and held.at_least - hysteresis <= points < held.at_least:",
            "    if False:",
            "test_grades.py::test_a_grade_is_lost_only_well_below_its_least",
        ),
    ),
    "plugins/crmkit_grading/service/grading.py": (
        Broken(
            "a change of score is history",
            "        context.write.add(*changes)",
            "        pass",
            "test_commands.py::test_other_rules_are_tried_and_then_applied",
        ),
        Broken(
            "a dry run changes nothing",
            "    if not dry:",
            "    if True:",
            "test_commands.py::test_other_rules_are_tried_and_then_applied",
        ),
    ),
}
