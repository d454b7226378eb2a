"""Rules of grading, each broken in one line, which a test here has to notice."""

from __future__ import annotations

from collections.abc import Mapping

from tests.house.mutants import Broken

MUTANTS: Mapping[str, tuple[Broken, ...]] = {
    "plugins/crmkit_grading/scoring.py": (
        Broken(
            "what limits take is a contribution",
            "        shares += _limit(group, _sum(shares), config.limits_of(group))",
            "        pass",
        ),
        Broken(
            "who is disqualified has the least score",
            "        rest = config.limits.min - _sum(shares)",
            "        rest = 0",
        ),
        Broken(
            "a rule has a cap",
            "        self._most = (rule.cap or MOST) * WHOLE",
            "        self._most = MOST * WHOLE",
        ),
        Broken(
            "points fade",
            "        share = self._rule.share",
            "        share = lambda _: WHOLE",
        ),
        Broken(
            "a grade is held against flapping",
            "    if reached and held and held.at_least - hysteresis <= points < held.at_least:",
            "    if False:",
        ),
    ),
    "plugins/crmkit_grading/service/grading.py": (
        Broken(
            "a change of score is history",
            "        context.write.add(*changes)",
            "        pass",
        ),
        Broken(
            "a dry run changes nothing",
            "        if not dry:",
            "        if True:",
        ),
    ),
}
