"""Rules of orders, each broken in one line, which a test here has to notice."""

from __future__ import annotations

from collections.abc import Mapping

from tests.house.mutants import Broken

MUTANTS: Mapping[str, tuple[Broken, ...]] = {
    "plugins/crmkit_orders/service.py": (
        Broken(
            "an order is refunded once",
            "        if placed.pop(draft.input.order_id, OrderState.REFUNDED) is OrderState.REFUNDED:",
            "        if False:",
            "test_import.py::test_lines_become_orders_of_customers_named_by_their_external_id",
        ),
        Broken(
            "of two refunds at one time one passes",
            "        guard=OrderRow.state == OrderState.PLACED,",
            "        guard=OrderRow.id != '',",
            "test_import.py::test_lines_become_orders_of_customers_named_by_their_external_id",
        ),
    ),
}
