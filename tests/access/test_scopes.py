"""What rules decide does not depend on who asks, and what they refuse tells him nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import ColumnElement, FromClause, Table

from crmkit import sdk
from crmkit.host.actors import SYSTEM
from crmkit.testing import Trial, crm
from crmkit_loyalty.plugin import Loyalty
from crmkit_orders.models import Order
from crmkit_orders.plugin import Orders
from crmkit_referrals.plugin import Referrals
from tests.plugins.referrals.circle import code_of, referrals, sign_up, step

pytestmark = pytest.mark.anyio

UPSERT = """mutation ($c: UpsertCustomerInput!) { upsertCustomer(input: $c) {
  customer { id name } } }"""
CREATE = """mutation ($c: CreateCustomerInput!) { createCustomer(input: $c) {
  customer { id owner { id } team { id } } } }"""
RESTORE = "mutation ($id: ID!) { restoreCustomer(input: {id: $id}) { customer { id } } }"


@pytest.fixture
async def t(engine: str) -> AsyncIterator[Trial]:
    async with crm(Orders, Discreet, engine=engine) as t:
        yield t


class Discreet(sdk.Plugin):
    """A company whose large orders only managers see."""

    name = "discreet"
    version = "1.0"
    requires_sdk = ">=1,<2"

    def row_scope(
        self, reader: sdk.Reader, table: Table, rows: FromClause
    ) -> ColumnElement[bool] | None:
        if table.name != Order.__tablename__ or reader.may("orders.order.refund"):
            return None
        return rows.c.total_minor < 100_000


async def colleague(t: Trial, name: str) -> tuple[str, str]:
    made = await t.gql(f'mutation {{ createTeam(input: {{name: "{name}"}}) {{ team {{ id }} }} }}')
    team = str(made["createTeam"]["team"]["id"])
    made = await t.gql(
        f'mutation {{ createUser(input: {{name: "{name}", mail: "{name}@example.com", '
        f'teamId: "{team}"}}) {{ user {{ id }} }} }}'
    )
    return str(made["createUser"]["user"]["id"]), team


def person(name: str, **more: Any) -> dict[str, Any]:
    return {"kind": "PERSON", "name": name, **more}


async def test_whoever_sees_his_own_alone_looks_after_whom_he_adds(t: Trial) -> None:
    user, team = await colleague(t, "uma")
    t.become("sales", user=user, team=team, scope="team")
    made = (await t.gql(CREATE, c=person("Cy")))["createCustomer"]["customer"]
    assert (made["owner"]["id"], made["team"]["id"]) == (user, team)


async def test_an_external_id_of_somebody_unseen_is_taken_and_no_more_is_said(t: Trial) -> None:
    shop = {"source": "shop", "externalId": "7"}
    made = await t.gql(UPSERT, c=person("Hidden Hanna", externalIds=[shop]))
    hanna = made["upsertCustomer"]["customer"]["id"]
    user, team = await colleague(t, "uma")
    t.become("sales", user=user, team=team, scope="team")
    [error] = await t.errors(UPSERT, c=person("Other", externalIds=[shop]))
    assert error["extensions"]["reason"] == "core.external_id_taken"
    assert hanna not in str(error)
    t.actor = SYSTEM
    found = await t.gql("{ customers { nodes { name } } }")
    assert found["customers"]["nodes"] == [{"name": "Hidden Hanna"}]


async def test_a_mailbox_of_somebody_unseen_makes_a_customer_of_ones_own(t: Trial) -> None:
    mail = [{"address": "h@example.com"}]
    made = await t.gql(UPSERT, c=person("Hidden Hanna", emails=mail))
    hanna = made["upsertCustomer"]["customer"]["id"]
    user, team = await colleague(t, "uma")
    t.become("sales", user=user, team=team, scope="team")
    made = (await t.gql(UPSERT, c=person("Mine", emails=mail)))["upsertCustomer"]["customer"]
    assert (made["name"], made["id"] == hanna) == ("Mine", False)


async def test_who_was_deleted_comes_back_only_for_those_who_saw_him(t: Trial) -> None:
    made = await t.gql(CREATE, c=person("Hidden Hanna"))
    hanna = made["createCustomer"]["customer"]["id"]
    delete = "mutation ($id: ID!) { deleteCustomer(input: {id: $id}) { deletedCustomerId } }"
    await t.gql(delete, id=hanna)
    t.become("manager", user="app_user_nobody", scope="team")
    unseen = await t.errors(RESTORE, id=hanna)
    unknown = await t.errors(RESTORE, id="customer_01h455vb4pex5vsknk084sn02q")
    assert unseen == unknown
    t.become("manager")
    assert (await t.gql(RESTORE, id=hanna))["restoreCustomer"]["customer"]["id"] == hanna


async def test_a_plugin_narrows_what_roles_reach(t: Trial) -> None:
    made = await t.gql(CREATE, c=person("Cy"))
    cy = made["createCustomer"]["customer"]["id"]
    for amount in ("10.00", "5000.00"):
        total = {"amount": amount, "currency": "EUR"}
        await t.gql(
            "mutation ($o: RecordOrderInput!) { recordOrder(input: $o) { order { id } } }",
            o={"customerId": cy, "total": total},
        )
    counts = "{ orders { totalCount } orderStats { count } customers { nodes { orders { totalCount } } } }"
    for role, seen in (("sales", 1), ("manager", 2)):
        t.become(role)
        found = await t.gql(counts)
        assert found["orders"]["totalCount"] == found["orderStats"]["count"] == seen
        assert found["customers"]["nodes"][0]["orders"]["totalCount"] == seen


async def test_a_cap_counts_what_the_one_who_asks_does_not_see(engine: str) -> None:
    """Ada may bring one friend. Who registers the second does not see Ada, nor the first."""
    config = {"referrals": {"cap": 1}}
    async with crm(Referrals, config=config, engine=engine) as t:
        code = await code_of(t, await sign_up(t, "Ada"))
        await sign_up(t, "Ben", code)
        [first] = await referrals(t)
        await step(t, "qualifyReferral", first["id"])
        user, team = await colleague(t, "uma")
        t.become("manager", user=user, team=team, scope="own")
        assert await referrals(t) == []
        await sign_up(t, "Cleo", code)
        assert await referrals(t) == []
        t.actor = SYSTEM
        second = next(each for each in await referrals(t) if each["id"] != first["id"])
        assert (await step(t, "qualifyReferral", second["id"]))["fault"] == "CAP_REACHED"


@pytest.mark.parametrize("scope", ["all", "own"])
async def test_a_balance_is_the_same_whoever_spends_it(engine: str, scope: str) -> None:
    async with crm(Loyalty, engine=engine) as t:
        user, team = await colleague(t, "uma")
        t.become("admin", user=user, team=team, scope=scope)
        made = await t.gql(CREATE, c=person("Cy"))
        cy = made["createCustomer"]["customer"]["id"]
        points = """mutation ($c: ID!, $n: BigInt!) { adjustPoints(input: {customerId: $c, points: $n,
            reason: "goodwill"}) { entry { id } } }"""
        await t.gql(points, c=cy, n="10")
        spend = """mutation ($c: ID!, $n: BigInt!) { redeemPoints(input: {customerId: $c, points: $n}) {
            entry { customer { loyaltyPoints } } } }"""
        [error] = await t.errors(spend, c=cy, n="11")
        assert error["extensions"]["reason"] == "loyalty.insufficient_points"
        spent = (await t.gql(spend, c=cy, n="10"))["redeemPoints"]["entry"]["customer"]
        assert spent == {"loyaltyPoints": "0"}


async def test_within_a_scope_a_record_is_found_by_its_id_and_nobody_else_is_read() -> None:
    async with crm() as t:
        made = await t.gql(CREATE, c=person("Cy"))
        t.become("manager", scope="team")
        cy = made["createCustomer"]["customer"]["id"]
        with t.statements() as sent:
            await t.gql("query ($id: ID!) { node(id: $id) { ... on Customer { name } } }", id=cy)
        arguments = ["[]", *["x"] * (sent[0].count("?") - 1)]
        plan = await t.host.database.rows(f"EXPLAIN QUERY PLAN {sent[0]}", arguments)
        searches = [each[3] for each in plan if "customer" in each[3]]
        assert searches == ["SEARCH customer_2 USING INDEX sqlite_autoindex_customer_1 (id=?)"]
