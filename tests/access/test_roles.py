"""Roles are data: made, changed, given and taken, and nobody gives what he has not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from crmkit import sdk
from crmkit.access.service import grants_of
from crmkit.testing import Trial, crm
from crmkit_loyalty.plugin import Loyalty

pytestmark = pytest.mark.anyio

CREATE = """mutation ($role: CreateRoleInput!) { createRole(input: $role) {
  role { id version key name preset scope permissions hiddenFields } } }"""
UPDATE = """mutation ($role: UpdateRoleInput!) { updateRole(input: $role) {
  role { version name preset scope permissions } } }"""
GRANT = """mutation ($user: ID!, $role: ID!) { grantRole(input: {userId: $user, roleId: $role}) {
  user { roles { role { key } } } } }"""
REVOKE = GRANT.replace("grantRole", "revokeRole")


@pytest.fixture
async def t(engine: str) -> AsyncIterator[Trial]:
    async with crm(Loyalty, engine=engine) as t:
        yield t


async def user(t: Trial, name: str = "uma") -> str:
    made = await t.gql(
        f'mutation {{ createUser(input: {{name: "{name}", mail: "{name}@example.com"}}) '
        "{ user { id } } }"
    )
    return str(made["createUser"]["user"]["id"])


async def role(t: Trial, key: str) -> str:
    found = await t.gql("{ roles { nodes { id key } } }")
    return str(next(each["id"] for each in found["roles"]["nodes"] if each["key"] == key))


async def clerk(t: Trial, **said: Any) -> dict[str, Any]:
    given = {"key": "clerk", "name": "Clerk", "permissions": ["core.customer.read"], **said}
    made: dict[str, Any] = (await t.gql(CREATE, role=given))["createRole"]["role"]
    return made


def reason(errors: list[dict[str, Any]]) -> tuple[str, list[Any]]:
    said = errors[0]["extensions"]
    return said.get("reason") or said["code"], said["problems"][0]["field"]


async def test_an_app_begins_with_roles_that_know_the_permissions_of_every_plugin(
    t: Trial,
) -> None:
    found = await t.gql("{ roles { nodes { key preset scope } } }")
    scopes = {each["key"]: each["scope"] for each in found["roles"]["nodes"]}
    assert scopes["sales"] == "team"
    assert len(scopes) == 8
    uma = await user(t)
    await t.gql(GRANT, user=uma, role=await role(t, "sales"))
    [grant] = await grants_of(t.host, uma)
    assert "loyalty.points.redeem" in grant.permissions
    assert "loyalty.points.adjust" not in grant.permissions


async def test_a_role_is_made_changed_given_taken_and_deleted(t: Trial) -> None:
    made = await clerk(t, scope="own", hiddenFields=["Customer.loyaltyPoints"])
    assert made["permissions"] == ["core.customer.read"]
    assert made["hiddenFields"] == ["Customer.loyaltyPoints"]
    changed = {"id": made["id"], "scope": "team", "preset": "support", "version": made["version"]}
    assert (await t.gql(UPDATE, role=changed))["updateRole"]["role"]["scope"] == "team"
    assert reason(await t.errors(UPDATE, role=changed))[0] == "CONFLICT"
    uma = await user(t)
    for _ in range(2):
        given = await t.gql(GRANT, user=uma, role=made["id"])
        assert given["grantRole"]["user"]["roles"] == [{"role": {"key": "clerk"}}]
    delete = "mutation ($id: ID!) { deleteRole(input: {id: $id}) { deletedRoleId } }"
    assert reason(await t.errors(delete, id=made["id"])) == ("core.role_in_use", ["input", "id"])
    taken = await t.gql(REVOKE, user=uma, role=made["id"])
    assert taken["revokeRole"]["user"]["roles"] == []
    assert (await t.gql(delete, id=made["id"]))["deleteRole"]["deletedRoleId"] == made["id"]


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"permissions": ["core.customer.raed"]}, ["permissions", 0]),
        ({"scope": "everywhere"}, ["scope"]),
        ({"preset": "boss"}, ["preset"]),
        ({"hiddenFields": ["Customer.id"]}, ["hiddenFields", 0]),
        ({"hiddenFields": ["Customer.phone"]}, ["hiddenFields", 0]),
        ({"key": "A clerk"}, ["key"]),
    ],
)
async def test_names_that_nobody_knows_are_no_part_of_a_role(
    t: Trial, said: dict[str, Any], field: list[Any]
) -> None:
    given = {"key": "clerk", "name": "Clerk", **said}
    assert reason(await t.errors(CREATE, role=given)) == ("INVALID", ["input", *field])


async def test_nobody_gives_what_he_has_not(t: Trial) -> None:
    uma, admin, sales = await user(t), await role(t, "admin"), await role(t, "sales")
    narrow = await clerk(t, scope="team")
    rights = t.host.rights.rights(
        [
            sdk.Grant(
                frozenset({"core.role.create", "core.role.update", "core.role.grant",
                           "core.role.read", "core.user.read", "core.customer.read"}),
                "team",
                frozenset({"Customer.loyaltyPoints"}),
            )
        ]
    )  # fmt: skip
    t.actor = sdk.Actor(uma, "user", rights=rights, values={"user": uma, "team": None})
    for wider in (admin, sales, narrow["id"]):
        assert reason(await t.errors(GRANT, user=uma, role=wider)) == (
            "core.wider_than_own",
            ["input", "roleId"],
        )
    hidden = ["Customer.loyaltyPoints"]
    for said in (
        {"permissions": ["loyalty.points.adjust"], "hiddenFields": hidden, "scope": "team"},
        {"permissions": ["core.customer.read"], "hiddenFields": hidden, "scope": "all"},
        {"permissions": ["core.customer.read"], "hiddenFields": [], "scope": "team"},
    ):
        errors = await t.errors(CREATE, role={"key": "wide", "name": "Wide", **said})
        assert reason(errors)[0] == "core.wider_than_own"
    errors = await t.errors(UPDATE, role={"id": narrow["id"], "scope": "own"})
    assert reason(errors)[0] == "core.wider_than_own"
    own = {"key": "own", "name": "Own", "permissions": ["core.customer.read"]}
    made = await t.gql(CREATE, role={**own, "scope": "own", "hiddenFields": hidden})
    assert await t.gql(GRANT, user=uma, role=made["createRole"]["role"]["id"])


async def test_the_last_admin_stays(t: Trial) -> None:
    first, second, admin = await user(t, "ann"), await user(t, "bo"), await role(t, "admin")
    for each in (first, second):
        await t.gql(GRANT, user=each, role=admin)
    await t.gql(REVOKE, user=first, role=admin)
    assert reason(await t.errors(REVOKE, user=second, role=admin))[0] == "core.last_admin"
    errors = await t.errors(UPDATE, role={"id": admin, "scope": "team"})
    assert reason(errors)[0] == "core.role_stays"


async def test_somebody_may_ask_who_he_is_and_what_he_may(t: Trial) -> None:
    uma = await user(t)
    t.become("sales", user=uma, hidden=["Customer.loyaltyPoints"])
    me = (await t.gql("{ me { kind user { name } team { name } permissions hiddenFields } }"))["me"]
    assert (me["kind"], me["user"], me["team"]) == ("user", {"name": "uma"}, None)
    assert me["hiddenFields"] == ["Customer.loyaltyPoints"]
    assert "core.customer.read" in me["permissions"]
    assert "core.role.grant" not in me["permissions"]
    t.become("public")
    assert (await t.gql("{ me { permissions } }"))["me"]["permissions"] == sorted(
        t.host.loaded.presets["public"]
    )
