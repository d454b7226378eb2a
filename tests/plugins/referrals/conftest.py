from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crmkit.testing import crm
from crmkit_loyalty.plugin import Loyalty
from crmkit_orders.plugin import Orders
from crmkit_referrals.plugin import Referrals

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from crmkit.testing import Trial


@pytest.fixture
async def t(engine: str) -> AsyncIterator[Trial]:
    quiet = {"loyalty": {"points_per_unit": 0}}
    async with crm(Referrals, Loyalty, Orders, config=quiet, engine=engine) as t:
        yield t
