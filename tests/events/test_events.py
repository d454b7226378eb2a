"""Which events there are, and how long they are kept."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from crmkit.store.database import table_of
from crmkit.store.outbox import Delivery, DeliveryState, Outbox
from crmkit.testing import Trial, add_customers, crm
from crmkit_grading.plugin import Grading

pytestmark = pytest.mark.anyio


async def counts(t: Trial) -> tuple[int, int]:
    of = [select(func.count()).select_from(table_of(each)) for each in (Outbox, Delivery)]
    [(events,)], [(deliveries,)] = [await t.host.database.fetch(each) for each in of]
    return events, deliveries


async def test_the_catalog_says_of_each_event_its_form_and_who_listens(engine: str) -> None:
    async with crm(Grading, engine=engine) as t:
        asked = "{ eventCatalog { name plugin version description payload handlers } }"
        found = {each["name"]: each for each in (await t.gql(asked))["eventCatalog"]}
    created = found["core.CustomersCreated"]
    assert (created["plugin"], created["version"]) == ("core", 1)
    assert created["description"]
    assert created["payload"]["properties"]["record"] == {"title": "Record", "type": "string"}
    assert created["handlers"] == ["grading.grade"]
    assert found["grading.CustomersGraded"]["handlers"] == []


async def test_what_everybody_was_told_of_is_forgotten_and_what_was_given_up_is_not(
    engine: str,
) -> None:
    async with crm(Grading, engine=engine) as t:
        await add_customers(t, ["Ada"])
        await t.drain()
        assert await counts(t) == (1, 1)
        t.clock.move(days=6)
        await t.drain()
        assert await counts(t) == (1, 1)
        async with t.host.database.transaction() as transaction:
            await transaction.run(table_of(Delivery).update().values(state=DeliveryState.DEAD))
        t.clock.move(days=3)
        await t.drain()
        assert await counts(t) == (1, 1)
        async with t.host.database.transaction() as transaction:
            await transaction.run(table_of(Delivery).update().values(state=DeliveryState.DONE))
        t.clock.move(days=1)
        await t.drain()
        assert await counts(t) == (0, 0)
