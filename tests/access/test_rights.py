"""Nobody names, finds or changes what his roles do not grant, and nothing runs before that is known."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from crmkit import sdk
from crmkit.testing import Trial, crm
from crmkit_loyalty.plugin import Loyalty
from crmkit_orders.plugin import Orders

pytestmark = pytest.mark.anyio

NAMES = "{ customers { totalCount nodes { name orders { totalCount } } } }"
MONEY = '{amount: "10.00", currency: "EUR"}'


@pytest.fixture
async def t(engine: str) -> AsyncIterator[Trial]:
    """Two teams with a user and a customer each, one order a customer."""
    async with crm(Orders, Loyalty, engine=engine) as t:
        for name in ("North", "South"):
            team = await made(t, f'createTeam(input: {{name: "{name}"}}) {{ team {{ id }} }}')
            user = await made(
                t,
                f'createUser(input: {{name: "{name} Uma", mail: "{name}@example.com", '
                f'teamId: "{team}"}}) {{ user {{ id }} }}',
            )
            customer = await made(
                t,
                f'createCustomer(input: {{kind: PERSON, name: "{name} Cy", ownerId: "{user}", '
                f'teamId: "{team}"}}) {{ customer {{ id }} }}',
            )
            await made(
                t,
                f'recordOrder(input: {{customerId: "{customer}", total: {MONEY}}}) {{ order {{ id }} }}',
            )
        yield t


async def made(t: Trial, mutation: str) -> str:
    [payload] = (await t.gql(f"mutation {{ {mutation} }}")).values()
    [record] = payload.values()
    return str(record["id"])


async def ids(t: Trial, name: str) -> str:
    found = await t.gql(
        f'{{ {name}(where: {{name: {{startsWith: "North"}}}}) {{ nodes {{ id }} }} }}'
    )
    return str(found[name]["nodes"][0]["id"])


def forbidden(errors: list[dict[str, Any]]) -> list[str]:
    assert {each["extensions"]["code"] for each in errors} == {"FORBIDDEN"}
    named: list[str] = errors[0]["extensions"]["problems"][0]["params"]["coordinates"]
    return named


async def test_a_scope_narrows_lists_counts_lookups_and_what_belongs_to_customers(t: Trial) -> None:
    team, user, customer = [await ids(t, each) for each in ("teams", "users", "customers")]
    both = (await t.gql("{ customers { nodes { id } } }"))["customers"]["nodes"]
    t.become("sales", user=user, team=team, scope="team")
    seen = await t.gql(NAMES)
    assert seen["customers"] == {
        "totalCount": 1,
        "nodes": [{"name": "North Cy", "orders": {"totalCount": 1}}],
    }
    assert (await t.gql("{ orders { totalCount } orderStats { count } }")) == {
        "orders": {"totalCount": 1},
        "orderStats": {"count": 1},
    }
    [other] = [each["id"] for each in both if each["id"] != customer]
    assert (await t.gql(f'{{ node(id: "{other}") {{ id }} }}'))["node"] is None
    order = f'recordOrder(input: {{customerId: "{other}", total: {MONEY}}}) {{ order {{ id }} }}'
    [error] = await t.errors(f"mutation {{ {order} }}")
    assert error["extensions"]["code"] == "NOT_FOUND"


async def test_an_own_scope_without_any_customer_of_ones_own_shows_nobody(t: Trial) -> None:
    t.become("sales", user="app_user_nobody", scope="own")
    assert (await t.gql(NAMES))["customers"]["totalCount"] == 0


async def test_what_takes_a_permission_is_refused_before_anything_runs(t: Trial) -> None:
    t.become("public_form")
    with t.statements() as sent:
        assert forbidden(await t.errors(NAMES))[0] == "Customer.name"
        errors = await t.errors('mutation { createTeam(input: {name: "West"}) { team { id } } }')
        assert "Mutation.createTeam" in forbidden(errors)
    assert sent == []


async def test_a_kind_that_may_not_be_read_is_no_node(t: Trial) -> None:
    user = await ids(t, "users")
    t.become("public_form")
    assert (await t.gql(f'{{ node(id: "{user}") {{ id }} }}'))["node"] is None


@pytest.mark.parametrize(
    ("document", "coordinate"),
    [
        ("{ customers { nodes { loyaltyPoints } } }", "Customer.loyaltyPoints"),
        (
            '{ customers(where: {loyaltyPoints: {gt: "1"}}) { totalCount } }',
            "CustomerWhere.loyaltyPoints",
        ),
        (
            "{ customers(orderBy: [LOYALTY_POINTS_ASC]) { nodes { id } } }",
            "CustomerOrderBy.LOYALTY_POINTS_ASC",
        ),
        ("{ customerStats { loyaltyPoints { sum } } }", "CustomerStats.loyaltyPoints"),
        (
            '{ orders(where: {customer: {not: {loyaltyPoints: {eq: "1"}}}}) { totalCount } }',
            "CustomerWhere.loyaltyPoints",
        ),
    ],
)
async def test_a_hidden_field_can_neither_be_read_nor_asked_by(
    t: Trial, document: str, coordinate: str
) -> None:
    t.become("manager", hidden=["Customer.loyaltyPoints"])
    assert forbidden(await t.errors(document)) == [coordinate]


async def test_a_hidden_field_cannot_be_asked_by_in_a_variable(t: Trial) -> None:
    t.become("manager", hidden=["Customer.loyaltyPoints"])
    document = """query ($w: CustomerWhere, $o: [CustomerOrderBy!]) {
        customers(where: $w, orderBy: $o) { totalCount } }"""
    where = {"or": [{"name": {"eq": "x"}}, {"loyaltyPoints": {"gt": "1"}}]}
    assert forbidden(await t.errors(document, w=where)) == ["CustomerWhere.loyaltyPoints"]
    order = ["LOYALTY_POINTS_DESC"]
    assert forbidden(await t.errors(document, o=order)) == ["CustomerOrderBy.LOYALTY_POINTS_DESC"]
    assert (await t.gql(document, w={"name": {"startsWith": "North"}}))["customers"] == {
        "totalCount": 1
    }


async def test_a_value_of_a_hidden_field_cannot_be_tried_by_writing_it(t: Trial) -> None:
    """A refusal of a mailbox that somebody has, or a record recognised by it, would tell it."""
    t.become("manager", hidden=["Customer.emails"])
    document = """mutation ($c: UpsertCustomerInput!) {
        upsertCustomer(input: $c) { customer { id } } }"""
    given = {"kind": "PERSON", "name": "Cy", "emails": [{"address": "cy@example.com"}]}
    assert forbidden(await t.errors(document, c=given)) == ["UpsertCustomerInput.emails"]
    items = "mutation ($i: [UpsertCustomerItem!]!) { upsertCustomers(input: {items: $i}) { results { index } } }"
    assert forbidden(await t.errors(items, i=[given])) == ["UpsertCustomerItem.emails"]
    written = 'emails: [{address: "cy@example.com"}]'
    text = f'mutation {{ createCustomer(input: {{kind: PERSON, name: "Cy", {written}}}) {{ customer {{ id }} }} }}'
    assert forbidden(await t.errors(text)) == ["CreateCustomerInput.emails"]


async def test_a_list_keeps_its_order_from_whoever_must_not_see_by_what(t: Trial) -> None:
    t.become("manager", hidden=["User.name", "Customer.name"])
    assert len((await t.gql("{ users { nodes { id } } }"))["users"]["nodes"]) == 2
    found = (await t.gql("{ users { nodes { id createdAt } } }"))["users"]["nodes"]
    assert found == sorted(found, key=lambda each: each["id"])


async def test_a_field_is_open_where_one_of_the_roles_shows_it(t: Trial) -> None:
    presets, requirements = t.host.loaded.presets, t.crm.schema.requirements
    hiding = sdk.Grant(presets["sales"], hidden=frozenset({"Customer.name"}))
    for grants, hidden in (
        ([hiding], {"Customer.name"}),
        ([hiding, sdk.Grant(presets["support"])], ()),
    ):
        assert requirements.rights(grants).hidden == frozenset(hidden)


async def test_each_role_reaches_as_far_as_it_says_with_its_own_permissions(t: Trial) -> None:
    """Support sees all customers, sales the orders of its own team alone."""
    team, user = [await ids(t, each) for each in ("teams", "users")]
    requirements = t.crm.schema.requirements
    everybody = sdk.Grant(frozenset({"core.customer.read"}))
    own = sdk.Grant(frozenset({"orders.order.read"}), scope="team")
    rights = requirements.rights([everybody, own])
    t.actor = sdk.Actor(user, "user", rights=rights, values={"user": user, "team": team})
    seen = (await t.gql(NAMES))["customers"]
    assert seen["totalCount"] == 2
    assert sorted(each["orders"]["totalCount"] for each in seen["nodes"]) == [0, 1]
    # Joined beside its customer, an order is looked at all the same.
    found = await t.gql("{ orders { totalCount nodes { customer { name } } } }")
    assert found["orders"]["totalCount"] == 1


async def test_actors_with_the_same_rights_share_plans(t: Trial) -> None:
    team, user = [await ids(t, each) for each in ("teams", "users")]
    t.become("sales", user=user, team=team, scope="team")
    await t.gql(NAMES)
    assert t.plans is not None
    before = t.plans.misses
    t.become("sales", user="app_user_other", team=None, scope="team")
    assert (await t.gql(NAMES))["customers"]["totalCount"] == 0
    assert t.plans.misses == before


async def test_whoever_may_only_read_changes_nothing(t: Trial) -> None:
    rights = t.crm.schema.requirements.rights(
        [sdk.Grant(t.host.loaded.presets["admin"])], read_only=True
    )
    t.actor = sdk.Actor("reader", "user", rights=rights)
    assert (await t.gql(NAMES))["customers"]["totalCount"] == 2
    errors = await t.errors('mutation { createTeam(input: {name: "West"}) { team { id } } }')
    assert forbidden(errors) == ["Mutation.createTeam"]
