from __future__ import annotations

import pytest

from crmkit import sdk
from crmkit.testing import crm

pytestmark = pytest.mark.anyio

UMA = 'createUser(input: {name: "Uma", mail: "%s"}) { user { id name mail active } }'


async def test_a_mailbox_is_one_colleague(engine: str) -> None:
    async with crm(engine=engine) as t:
        made = await t.gql(f"mutation {{ {UMA % 'Uma@Example.com'} }}")
        assert made["createUser"]["user"]["mail"] == "uma@example.com"
        errors = await t.errors(f"mutation {{ {UMA % 'uma@example.com'} }}")
        extensions = errors[0]["extensions"]
        assert (extensions["code"], extensions["problems"][0]["field"]) == (
            "CONFLICT",
            ["input", "mail"],
        )
        assert (await t.gql("{ users { nodes { name team { name } } } }"))["users"]["nodes"] == [
            {"name": "Uma", "team": None}
        ]


async def test_teams_are_listed_by_name(engine: str) -> None:
    async with crm(engine=engine) as t:
        await t.gql(
            'mutation { createTeams(input: {items: [{name: "South"}, {name: "North"}]}) '
            "{ results { team { id } } } }"
        )
        teams = await t.gql("{ teams { nodes { name active } } }")
        assert [each["name"] for each in teams["teams"]["nodes"]] == ["North", "South"]
        errors = await t.errors('mutation { createTeam(input: {name: " "}) { team { id } } }')
        assert errors[0]["extensions"]["problems"][0]["field"] == ["input", "name"]


async def test_a_colleague_moves_to_another_team_under_another_name(engine: str) -> None:
    async with crm(engine=engine) as t:
        made = await t.gql(
            f'mutation {{ a: {UMA % "uma@example.com"} b: createTeam(input: {{name: "North"}}) {{ team {{ id version }} }} }}'
        )
        user, team = made["a"]["user"]["id"], made["b"]["team"]
        update = """mutation ($u: UpdateUserInput!, $t: UpdateTeamInput!) {
            updateUser(input: $u) { user { name mail team { name } } }
            updateTeam(input: $t) { team { name active } } }"""
        said = {"id": user, "name": "Uma B", "mail": "Uma.B@example.com", "teamId": team["id"]}
        renamed = {"id": team["id"], "name": "Far North", "active": False, "version": 1}
        found = await t.gql(update, u=said, t=renamed)
        assert found["updateUser"]["user"] == {
            "name": "Uma B",
            "mail": "uma.b@example.com",
            "team": {"name": "North"},
        }
        assert found["updateTeam"]["team"] == {"name": "Far North", "active": False}


async def test_nobody_changes_who_may_more_or_moves_into_a_team_that_he_does_not_see(
    engine: str,
) -> None:
    async with crm(engine=engine) as t:
        made = await t.gql(
            f'mutation {{ a: {UMA % "uma@example.com"} b: {UMA % "bo@example.com"} c: createTeam(input: {{name: "North"}}) {{ team {{ id }} }} }}'
        )
        uma, bo, team = made["a"]["user"]["id"], made["b"]["user"]["id"], made["c"]["team"]["id"]
        roles = (await t.gql("{ roles { nodes { id key } } }"))["roles"]["nodes"]
        admin = next(each["id"] for each in roles if each["key"] == "admin")
        await t.gql(
            "mutation ($u: ID!, $r: ID!) { grantRole(input: {userId: $u, roleId: $r}) { user { id } } }",
            u=uma,
            r=admin,
        )
        grant = sdk.Grant(
            frozenset(
                {"core.user.update", "core.user.read", "core.team.read", "core.customer.read"}
            ),
            "team",
        )
        t.actor = sdk.Actor(bo, "user", rights=t.host.rights.rights([grant]), values={"user": bo})
        update = "mutation ($u: UpdateUserInput!) { updateUser(input: $u) { user { name } } }"
        for said, reason in (
            ({"id": uma, "mail": "bo2@example.com"}, "core.wider_than_own"),
            ({"id": bo, "teamId": team}, "core.other_team"),
        ):
            [error] = await t.errors(update, u=said)
            assert error["extensions"]["reason"] == reason
        assert (await t.gql(update, u={"id": bo, "name": "Bo"}))["updateUser"]["user"][
            "name"
        ] == "Bo"
