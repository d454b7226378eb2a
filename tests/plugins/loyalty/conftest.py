from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crmkit.testing import crm
from crmkit_loyalty.plugin import Loyalty
from crmkit_orders.plugin import Orders

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from crmkit.testing import Trial


@pytest.fixture
async def t(engine: str) -> AsyncIterator[Trial]:
    async with crm(Loyalty, Orders, engine=engine) as t:
        yield t
