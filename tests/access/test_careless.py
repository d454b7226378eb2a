"""A plugin that forgets every scope still shows nobody more than he may see."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from crmkit.testing import Trial, add_customers, crm
from tests.access.careless import Careless

pytestmark = pytest.mark.anyio

STAGE = "{ stages(first: 1) { nodes { %s } } }"


@pytest.fixture
async def t(engine: str) -> AsyncIterator[Trial]:
    async with crm(Careless, engine=engine) as t:
        await add_customers(t, ["Hidden Hanna"])
        yield t


async def stage(t: Trial, field: str) -> object:
    found = await t.gql(STAGE % field)
    return found["stages"]["nodes"][0][field]


async def test_what_it_reads_is_what_the_one_who_asks_reaches(t: Trial) -> None:
    for scope, names, count in (("all", "Hidden Hanna", 1), ("own", "", 0)):
        t.become("manager", scope=scope)
        assert await stage(t, "carelessNames") == names
        assert await stage(t, "carelessCount") == count
        assert await stage(t, "carelessLike") == count
        assert (await t.gql("{ carelessNames }"))["carelessNames"] == names


async def test_whoever_has_not_signed_in_gets_nothing_from_it(t: Trial) -> None:
    t.become("public")
    assert (await t.gql("{ carelessNames }"))["carelessNames"] == ""


async def test_sql_as_text_is_refused(t: Trial) -> None:
    t.become("admin")
    [error] = await t.errors(STAGE % "carelessRaw")
    assert error["extensions"]["code"] == "FORBIDDEN"
    assert error["extensions"]["plugin"] == "careless"


async def test_what_it_asks_of_a_hidden_column_is_refused(t: Trial) -> None:
    t.become("manager", hidden=["Customer.name"])
    for field in ("carelessLike", "carelessNames"):
        [error] = await t.errors(STAGE % field)
        assert error["extensions"]["code"] == "FORBIDDEN"
        assert "Hanna" not in str(error)


async def test_what_rules_read_is_for_nobody_who_only_asks(t: Trial) -> None:
    t.become("admin")
    [error] = await t.errors(STAGE % "carelessRules")
    assert error["extensions"]["code"] == "FORBIDDEN"
