from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from crmkit import sdk
from crmkit.testing import crm
from crmkit_loyalty import api
from crmkit_loyalty.plugin import Loyalty
from tests.plugins.loyalty.ledger import account, adjust, balance, redeem
from tests.plugins.shop import add_customer

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = pytest.mark.anyio


class Quiz(sdk.Plugin):
    """Rewards interactions, and takes it back when the customer leaves."""

    name = "quiz"
    version = "1.0"
    depends_on = ("loyalty>=1",)

    @sdk.hook
    async def customers_updated(
        self, context: sdk.Context[Any], drafts: Sequence[sdk.Draft[Any, Any]]
    ) -> None:
        for draft in drafts:
            api.grant(context, draft.row.id, 7, cause_id=draft.row.id, reason="Won the quiz")

    @sdk.hook
    async def customers_deleted(
        self, context: sdk.Context[Any], drafts: Sequence[sdk.Draft[Any, Any]]
    ) -> None:
        for _ in range(2):
            await api.reverse(context, [draft.row.id for draft in drafts])


async def test_loyalty_works_without_orders(engine: str) -> None:
    async with crm(Loyalty, engine=engine) as t:
        anna = await add_customer(t)
        await adjust(t, anna, 5)
        await redeem(t, anna, 2)
        assert await balance(t, anna) == 3
        types = await t.gql("{ __schema { types { name } } }")
        assert "Order" not in {each["name"] for each in types["__schema"]["types"]}


async def test_a_new_customer_is_welcomed_with_points(engine: str) -> None:
    async with crm(Loyalty, config={"loyalty": {"welcome_points": 50}}, engine=engine) as t:
        anna = await add_customer(t)
        found = await t.gql("{ loyaltyEntries { nodes { points cause { id } } } }")
        assert found["loyaltyEntries"]["nodes"] == [{"points": "50", "cause": {"id": anna}}]
        assert await balance(t, anna) == 50


async def test_other_plugins_grant_points_and_take_them_back_once(engine: str) -> None:
    async with crm(Loyalty, Quiz, engine=engine) as t:
        anna = await add_customer(t)
        update = 'mutation ($id: ID!) { updateCustomer(input: {id: $id, name: "A"}) { customer { id } } }'
        await t.gql(update, id=anna)
        found = await account(t, anna)
        assert (found["loyaltyPoints"], found["pointsEarned"]) == ("7", "7")
        delete = "mutation ($id: ID!) { deleteCustomer(input: {id: $id}) { deletedCustomerId } }"
        await t.gql(delete, id=anna)
        await t.gql(
            "mutation ($id: ID!) { restoreCustomer(input: {id: $id}) { customer { id } } }", id=anna
        )
        assert await balance(t, anna) == 0
