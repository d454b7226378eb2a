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
