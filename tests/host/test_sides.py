from __future__ import annotations

import pytest
from sqlalchemy import delete

from crmkit import testing
from crmkit.host import host
from crmkit.store.database import table_of
from crmkit.testing import add_customers
from crmkit_loyalty.models import Account
from crmkit_loyalty.plugin import Loyalty

pytestmark = pytest.mark.anyio


async def test_a_start_adds_the_rows_that_a_plugin_lacks_since_it_was_off(
    engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host, "SOME", 3)
    account = table_of(Account)
    async with testing.crm(Loyalty, engine=engine) as t:
        ids = await add_customers(t, [f"Anna {n}" for n in range(8)])
        async with t.host.database.transaction() as transaction:
            await transaction.run(delete(account).where(account.c.customer_id.in_(ids[1:])))
        await t.crm.prepare()
        found = await t.gql("{ customers { nodes { loyaltyPoints } } }")
        assert [each["loyaltyPoints"] for each in found["customers"]["nodes"]] == ["0"] * 8

        said: list[str] = []
        t.host.database.watchers.append(said.append)
        await t.crm.prepare()
        assert not [each for each in said if each.startswith("INSERT")]
