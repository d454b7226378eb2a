from __future__ import annotations

import pytest

from crmkit.host.discovery import discover, imported
from crmkit.testing import crm
from crmkit.testing.contract import fill
from crmkit.testing.everything import UNLIMITED, everything


@pytest.mark.anyio
async def test_all_that_everybody_adds_is_asked_as_often_for_many_as_for_few(engine: str) -> None:
    bundled = [imported(each) for each in discover() if each.bundled]
    async with crm(*bundled, engine=engine, graphql=UNLIMITED) as t:
        await fill(t, 50)
        query = everything(t.crm.schema.core, "customers")
        counts = []
        for first in (5, 50):
            with t.statements() as sent:
                found = await t.gql(query, first=first)
            assert len(found["customers"]["nodes"]) == first
            counts.append(len(sent))
    assert counts[0] == counts[1] > 40
