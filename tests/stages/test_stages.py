from __future__ import annotations

import pytest

from crmkit.stages.service import ensure_presets
from crmkit.testing import crm

pytestmark = pytest.mark.anyio


async def test_a_new_database_has_a_ladder_in_its_own_language(engine: str) -> None:
    async with crm(engine=engine, organisation={"locale": "zh-CN"}) as t:
        ladder = await t.gql("""{ stages { nodes {
            key label german: label(locale: "de-AT") isDefault moves { to { key } }
        } } }""")
    stages = {each.pop("key"): each for each in ladder["stages"]["nodes"]}
    assert list(stages) == ["potential", "intent", "customer", "loyal"]
    assert [each["label"] for each in stages.values()] == ["潜在", "意向", "成交", "忠诚"]
    assert stages["loyal"]["german"] == "Treu"
    assert [each["isDefault"] for each in stages.values()] == [True, False, False, False]
    assert {move["to"]["key"] for move in stages["potential"]["moves"]} == {"intent", "customer"}


async def test_a_ladder_that_is_there_is_left_alone(engine: str) -> None:
    async with crm(engine=engine) as t:
        await t.unit(ensure_presets)
        assert (await t.gql("{ stages { totalCount } }"))["stages"]["totalCount"] == 4


async def test_a_company_builds_its_own_ladder(engine: str) -> None:
    async with crm(engine=engine) as t:
        made = await t.gql("""mutation { createStage(input: {
            key: "partner", labels: [{locale: "en", text: "Partner"}], isDefault: true
        }) { stage { id key label position isDefault } } }""")
        partner = made["createStage"]["stage"]
        found = await t.gql("{ stages { nodes { id key isDefault } } }")
        stages = found["stages"]["nodes"]
        assert partner | {"id": ""} == {
            "id": "",
            "key": "partner",
            "label": "Partner",
            "position": 5,
            "isDefault": True,
        }
        assert [each["key"] for each in stages if each["isDefault"]] == ["partner"]
        allow = "mutation($i: AllowMoveInput!) { allowMove(input: $i) { transition { from { key } to { key } } } }"
        move = {"fromId": stages[3]["id"], "toId": partner["id"]}
        allowed = await t.gql(allow, i=move)
        assert allowed["allowMove"]["transition"] == {
            "from": {"key": "loyal"},
            "to": {"key": "partner"},
        }
        errors = await t.errors(allow, i=move)
        assert errors[0]["extensions"]["code"] == "CONFLICT"
        errors = await t.errors('mutation { createStage(input: {key: "Öl"}) { stage { id } } }')
        assert errors[0]["extensions"]["problems"][0]["field"] == ["input", "key"]
