from __future__ import annotations

import pytest

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
