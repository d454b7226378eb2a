"""Whatever a company picks: each subset of the bundled plugins is a whole product.

None, each alone, each pair, all but one, and all are tried; with `CRMKIT_SOAK=1` every subset.
"""

from __future__ import annotations

import os
from itertools import chain, combinations

import pytest
from graphql import validate_schema
from sqlalchemy import select

from crmkit.host.discovery import Available, discover, imported
from crmkit.host.manifest import Plugin
from crmkit.store.outbox import Delivery, DeliveryState
from crmkit.testing import add_customers, crm
from crmkit.testing.everything import everything
from crmkit.testing.rows import add_rows
from tests.plugins.shop import buy, refund

BUNDLED: list[Available] = [each for each in discover() if each.bundled]

_UNTOLD = Delivery.state != DeliveryState.DONE
_TALK = """mutation ($customer: ID!) {
  recordInteraction(input: {customerId: $customer, channel: "phone", direction: INBOUND, kind: "question"}) {
    interaction { id }
  }
}"""
_HIRE = """mutation {
  createUser(input: {name: "Somebody", mail: "somebody@example.com"}) { user { id } }
}"""


def subsets() -> list[tuple[Available, ...]]:
    most = len(BUNDLED)
    sizes = range(most + 1) if os.environ.get("CRMKIT_SOAK") else (0, 1, 2, most - 1, most)
    return list(chain.from_iterable(combinations(BUNDLED, size) for size in sizes))


def test_no_bundled_plugin_needs_another() -> None:
    assert {each.name: imported(each).depends_on for each in BUNDLED} == dict.fromkeys(
        (each.name for each in BUNDLED), ()
    )


@pytest.mark.anyio
@pytest.mark.parametrize(
    "chosen", subsets(), ids=lambda each: "+".join(p.name for p in each) or "none"
)
async def test_a_subset_starts_and_answers_for_all_that_it_added(
    chosen: tuple[Available, ...],
) -> None:
    plugins: list[type[Plugin]] = [imported(each) for each in chosen]
    async with crm(*plugins) as t:
        assert not validate_schema(t.crm.schema.core)
        [ada, _] = await add_customers(t, ["Ada", "Grace"])
        await t.gql(_HIRE)
        await t.gql(_TALK, customer=ada)
        if "orders" in [each.name for each in plugins]:
            await refund(t, await buy(t, ada))
        await t.drain()
        told = await t.host.database.fetch(
            select(Delivery.handler, Delivery.problem).where(_UNTOLD)
        )
        await add_rows(t)
        found = await t.gql(everything(t.crm.schema.core, "customers", depth=1), first=2)
    assert told == []
    assert sorted(each["name"] for each in found["customers"]["nodes"]) == ["Ada", "Grace"]
