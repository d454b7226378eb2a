"""Queries are answered by a standby, but for those who want to see what they have just written."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from crmkit.app import open_crm
from crmkit.settings import Settings
from crmkit.store.drivers import open_database
from crmkit.testing import Trial, add_customers, crm
from crmkit.testing.databases import PATIENT
from crmkit.values.clock import ManualClock
from crmkit.values.errors import SetupError
from tests.access.asking import Asking
from tests.store.proxy import Proxy, proxy

pytestmark = pytest.mark.anyio

NAMES = "{ customers { nodes { name } } }"
ADD = 'mutation { createCustomer(input: {name: "New"}) { customer { name } } }'


@pytest.fixture
async def standby() -> AsyncIterator[Proxy]:
    """Another database with another customer, so that who answers can be told apart."""
    async with crm(engine="postgresql") as t:
        await add_customers(t, ["Standby"])
        async with proxy(t.host.settings.database.url) as way:
            yield way


@pytest.fixture
async def t(standby: Proxy) -> AsyncIterator[Trial]:
    """An app whose queries the other database may answer."""
    async with crm(engine="postgresql") as primary:
        await add_customers(primary, ["Primary"])
        database = {
            **PATIENT,
            "url": primary.host.settings.database.url,
            "replica_url": standby.address,
        }
        settings = Settings.model_validate({"database": database})
        clock = ManualClock()
        opened = await open_crm(settings, plugins=[], clock=clock, schema=primary.crm.schema)
        yield Trial(opened, clock)
        await opened.close()


async def names(t: Trial) -> list[str]:
    return [each["name"] for each in (await t.gql(NAMES))["customers"]["nodes"]]


async def test_who_has_written_reads_from_the_primary_for_two_seconds(t: Trial) -> None:
    assert await names(t) == ["Standby"]
    assert (await t.gql(ADD))["createCustomer"]["customer"] == {"name": "New"}
    assert set(await names(t)) == {"Primary", "New"}
    t.clock.move(seconds=2)
    assert set(await names(t)) == {"Primary", "New"}
    t.clock.move(seconds=1)
    assert await names(t) == ["Standby"]


async def test_a_cookie_tells_another_server_who_has_just_written(t: Trial) -> None:
    ask = Asking(t)
    mine = {"client": "127.0.0.1", "host": "localhost"}
    wrote = await ask(ADD, **mine)
    told = wrote.headers["set-cookie"]
    assert told == "crmkit_wrote=1; Max-Age=2; Path=/; HttpOnly; SameSite=Strict"
    t.clock.move(seconds=3)
    elsewhere = await ask(NAMES, **mine)
    assert "set-cookie" not in elsewhere.headers
    assert elsewhere.json()["data"]["customers"]["nodes"] == [{"name": "Standby"}]
    here = await ask(NAMES, **mine, headers={"cookie": "a=b; crmkit_wrote=1"})
    assert {"name": "New"} in here.json()["data"]["customers"]["nodes"]


async def test_a_standby_that_is_gone_is_not_missed(t: Trial, standby: Proxy) -> None:
    assert await names(t) == ["Standby"]
    await standby.cut()
    assert await names(t) == ["Primary"]
    await standby.listen()
    await t.host.database.look("0/0")  # type: ignore[attr-defined]  as it does each second
    assert await names(t) == ["Standby"]


async def test_a_standby_is_part_of_postgresql() -> None:
    settings = Settings.model_validate({"database": {"replica_url": "postgresql://b/crm"}})
    with pytest.raises(SetupError, match="SQLite has no standby"):
        await open_database(settings.database)
