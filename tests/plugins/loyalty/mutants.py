"""Rules of loyalty, each broken in one line, which a test here has to notice."""

from __future__ import annotations

from collections.abc import Mapping

from tests.house.mutants import Broken

MUTANTS: Mapping[str, tuple[Broken, ...]] = {
    "plugins/crmkit_loyalty/service.py": (
        Broken(
            "nobody spends what is not there",
            "        at_least=0 if spends else None,",
            "        at_least=None,",
            "test_bad_inputs.py::test_bad_inputs_are_named_and_change_nothing",
        ),
        Broken(
            "what is taken back was earned",
            "        back = min(points, max(left[customer_id], 0)) if forgiving else points",
            "        back = points + 1",
            "test_ledger.py::test_a_balance_is_always_the_sum_of_its_entries",
        ),
        Broken(
            "several orders of one customer add up",
            "            sums[customer_id] += points",
            "            sums[customer_id] = points",
        ),
        Broken(
            "an order earns points",
            "            earned.append((order.customer_id, points, order.id))",
            "            pass",
            "test_ledger.py::test_a_balance_is_always_the_sum_of_its_entries",
        ),
    ),
}
