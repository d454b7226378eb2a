from __future__ import annotations

import asyncio
from types import SimpleNamespace

from sqlalchemy import update
from typer.testing import CliRunner

from crmkit.testing import Trial, crm
from crmkit_loyalty.commands import app
from crmkit_loyalty.models import Account
from crmkit_loyalty.plugin import Loyalty
from tests.plugins.loyalty.ledger import adjust
from tests.plugins.shop import add_customer


def test_verifying_fails_when_an_account_disagrees_with_its_entries(engine: str) -> None:
    with asyncio.Runner() as runner:
        opened = crm(Loyalty, engine=engine)
        t = runner.run(opened.__aenter__())
        anna = runner.run(_tampered(t))
        desk = SimpleNamespace(run=lambda body: runner.run(t.unit(body, plugin="loyalty")))
        ended = CliRunner().invoke(app, ["verify"], obj=desk)
        runner.run(opened.__aexit__(None, None, None))
    assert ended.exit_code == 1
    assert f"{anna} has 11 points and its entries 10" in ended.output
    assert "1 of them disagree with their entries." in ended.output


async def _tampered(t: Trial) -> str:
    anna = await add_customer(t)
    await adjust(t, anna, 10)
    async with t.host.database.transaction() as transaction:
        await transaction.run(update(Account).values(balance=11))
    return anna
