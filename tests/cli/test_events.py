from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from crmkit.cli.running import opened
from crmkit.graph.endpoint import GraphQL
from crmkit.settings import load_settings
from crmkit.store.database import table_of
from crmkit.store.outbox import Delivery, DeliveryState

if TYPE_CHECKING:
    from tests.cli.conftest import Run

CREATE = 'mutation { createCustomer(input: {kind: PERSON, name: "Ada"}) { customer { id } } }'
delivery = table_of(Delivery)


def states(*, kill: bool = False) -> set[DeliveryState]:
    """Delivers all there is, then says how deliveries stand; `kill` has all of them given up."""

    async def look() -> set[DeliveryState]:
        async with opened(load_settings()) as crm:
            await crm.host.drain()
            if kill:
                async with crm.host.database.transaction() as transaction:
                    await transaction.run(update(delivery).values(state=DeliveryState.DEAD))
            return {state for (state,) in await crm.host.database.fetch(select(delivery.c.state))}

    return asyncio.run(look())


def create() -> None:
    async def ask() -> None:
        async with opened(load_settings()) as crm:
            answered = await GraphQL(crm.schema, crm.host).execute(CREATE)
            assert "errors" not in answered

    asyncio.run(ask())


def test_events_are_followed_listed_when_given_up_and_told_again(upgraded: Run) -> None:
    create()
    assert states() == {DeliveryState.DONE}
    assert "core.CustomersCreated" in upgraded("events", "tail").out
    assert "Say of what" in upgraded("events", "replay").err
    assert "made again: 2." in upgraded("events", "replay", "--name", "core.CustomersCreated").out
    assert states(kill=True) == {DeliveryState.DEAD}
    assert "grading.grade" in upgraded("events", "dead").out
    assert (
        "made again: 1." in upgraded("events", "dead", "--again", "--handler", "grading.grade").out
    )
    assert states() == {DeliveryState.DEAD, DeliveryState.DONE}
    assert "no moment" in upgraded("events", "replay", "--since", "yesterday").err
