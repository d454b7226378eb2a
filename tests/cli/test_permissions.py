"""`crmkit permissions`: who may do what, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Run

ORDERS = "{ customers { nodes { name orders { totalCount } } } }"


@pytest.fixture
def there(run: Run) -> Run:
    assert run("db", "upgrade").code == 0
    return run


def test_every_permission_is_listed_with_the_roles_that_begin_with_it(run: Run) -> None:
    said = run("permissions", "list").out
    [line] = [each for each in said.splitlines() if "loyalty.points.redeem" in each]
    assert line.split()[-5:] == ["customers.", "admin,", "manager,", "sales,", "support"]


def test_an_operation_is_explained_for_a_role(there: Run) -> None:
    said = there("permissions", "explain", "sales", ORDERS)
    assert said.code == 0
    assert "Customer.orders" in said.out
    assert "sales (team)" in said.out
    assert said.out.splitlines()[-1] == "sales: allowed"


def test_what_is_refused_names_the_permission_that_nobody_grants(there: Run) -> None:
    said = there("permissions", "explain", "public", ORDERS)
    assert said.code == 1
    assert "no role grants core.customer.read" in said.out
    assert said.out.splitlines()[-1] == "public: refused"


def test_nobody_is_explained_who_is_not_there(there: Run) -> None:
    said = there("permissions", "explain", "zoe@example.com", ORDERS)
    assert (said.code, said.err.count("zoe@example.com")) == (1, 1)
