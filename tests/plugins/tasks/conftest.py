from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crmkit.testing import crm
from crmkit_tasks.plugin import Tasks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from crmkit.testing import Trial


@pytest.fixture
async def t(engine: str) -> AsyncIterator[Trial]:
    async with crm(Tasks, engine=engine) as t:
        yield t
