"""What is known of somebody is handed over whole, and forgotten whole."""

from __future__ import annotations

import glob
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest
from sqlalchemy import make_url, select

from crmkit import sdk
from crmkit.privacy.models import Erasure
from crmkit.privacy.service import erase_some, erasing
from crmkit.testing import crm
from crmkit_feedback.plugin import Feedback
from crmkit_loyalty.plugin import Loyalty
from crmkit_orders.plugin import Orders
from crmkit_referrals.plugin import Referrals
from crmkit_tasks.plugin import Tasks
from tests.customers.conftest import Office
from tests.plugins.loyalty.ledger import adjust
from tests.plugins.loyalty.test_ledger import verified
from tests.plugins.shop import buy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from crmkit.testing import Trial

pytestmark = pytest.mark.anyio

CANARY = "Xylophontine"
ADA: dict[str, Any] = {
    "name": f"{CANARY} Ada",
    "givenName": CANARY,
    "emails": [{"address": f"{CANARY.lower()}@example.com"}],
    "phones": [{"number": "+4930901820"}],
    "addresses": [{"country": "DE", "locality": CANARY, "lines": [f"{CANARY} street 1"]}],
    "externalIds": [{"source": "shop", "externalId": CANARY}],
}

LIFTED = """{ auditEntries(where: {operation: {eq: "liftSuppressions"}}) {
  nodes { count changes { kind record act } } } }"""

outside: list[str] = []


class Elsewhere(sdk.Plugin):
    """Keeps something of customers outside the database."""

    name = "elsewhere"
    version = "1.0"
    requires_sdk = ">=1,<2"


@sdk.hook
async def export_customer(context: sdk.Context, customer_id: str, export: sdk.Export) -> None:
    export.add("a cellar", {"id": customer_id})


@sdk.hook
async def erase_customer(context: sdk.Context, customer_id: str) -> None:
    outside.append(customer_id)


@pytest.fixture
async def t(engine: str) -> AsyncIterator[Trial]:
    outside.clear()
    plugins = (Elsewhere, Orders, Loyalty, Referrals, Feedback, Tasks)
    async with crm(*plugins, engine=engine) as trial:
        yield trial


@pytest.fixture
def office(t: Trial) -> Office:
    return Office(t)


async def live(office: Office) -> str:
    """Somebody of whom every plugin knows something."""
    t = office.t
    ada = await office.create(**ADA)
    said = {"channel": "email", "direction": "INBOUND", "kind": "note"}
    words = {"subject": CANARY, "body": f"I am {CANARY}", "properties": {"who": CANARY}}
    await office.do("recordInteraction", customerId=ada, **said, **words)
    await buy(t, ada)
    await adjust(t, ada, 7, f"For {CANARY}")
    due = {"subject": f"Call {CANARY}", "dueAt": "2026-01-10T09:00:00Z"}
    await office.do("createTask", customerId=ada, **due)
    ticket = {"subject": CANARY, "channel": "email", "body": f"{CANARY} is angry"}
    await office.do("openTicket", customerId=ada, **ticket)
    # Whose key is taken is told so, and the answer is kept under the key of the call.
    twice = {"name": "B", "externalIds": ADA["externalIds"]}
    items = [{"name": "C"}, twice]
    await office.do("createCustomers", items=items, onError="SKIP", idempotencyKey="once")
    return ada


async def holding(t: Trial) -> list[str]:
    """The tables that hold the canary, however it is written."""
    names = []
    for table in [each for one in t.host.loaded.plugins for each in one.tables]:
        rows = await t.host.database.fetch(select(table))
        if CANARY.lower() in repr([tuple(row) for row in rows]).lower():
            names.append(table.name)
    return sorted(names)


async def test_an_export_holds_all_rows_with_their_names(office: Office) -> None:
    ada = await live(office)
    data = (await office.do("exportCustomer", "data", id=ada))["data"]
    found = {each["table"]: each for each in data["tables"]}
    assert {"customer", "customer_email", "interaction_content", "orders_order"} <= found.keys()
    assert {"feedback_message_content", "loyalty_remark", "tasks_task"} <= found.keys()
    assert found["loyalty_remark"]["rows"][0]["reason"] == f"For {CANARY}"
    assert found["loyalty_remark"]["columns"]["reason"] == "Why, in somebody's words."
    assert data["elsewhere"] == {"a cellar": {"id": ada}}


async def test_of_who_was_erased_no_text_is_left_anywhere(office: Office) -> None:
    ada = await live(office)
    before = await holding(office.t)
    assert {"customer", "customer_email", "feedback_message_content", "idempotency"} <= {*before}
    engine = office.t.host.database.name
    assert _holding_files(await _run(office.t, SWEEP[engine][-1]))
    await office.do("eraseCustomer", id=ada)
    assert await office.customer(ada, "id") is None
    await office.t.drain()
    assert await holding(office.t) == []
    assert outside == [ada]
    assert (await verified(office.t)).wrong == ()
    assert _holding_files(await _run(office.t, *SWEEP[engine])) == []


SWEEP = {
    "sqlite": ["VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"],
    "postgresql": ["ANALYZE", "VACUUM FULL", "CHECKPOINT"],
}
"""What docs/privacy.md says."""


async def _run(t: Trial, *statements: str) -> str:
    """Runs statements outside any transaction, and says where the database's files begin."""
    url = make_url(t.host.settings.database.url)
    if url.drivername.startswith("sqlite"):
        with sqlite3.connect(url.database or "") as file:
            for each in statements:
                file.execute(each)
        return str(url.database)
    connection = await asyncpg.connect(t.host.settings.database.url)
    try:
        for each in statements:
            await connection.execute(each)
        folder = "SELECT current_setting('data_directory') || '/base/' || oid || '/'"
        own = f"{folder} FROM pg_database WHERE datname = current_database()"
        return str(await connection.fetchval(own))
    finally:
        await connection.close()


def _holding_files(beginning: str) -> list[str]:
    """The files that hold the canary, in free pages too; all but PostgreSQL's log."""
    files = [each for each in glob.glob(f"{beginning}*") if Path(each).is_file()]
    word = CANARY.lower().encode()
    return [each for each in files if word in Path(each).read_bytes().lower()]


async def test_nobody_brings_back_who_was_erased(office: Office) -> None:
    ada = await live(office)
    await office.do("eraseCustomer", id=ada)
    for name in ("emails", "phones", "externalIds"):
        given = {"name": "A", name: ADA[name]}
        for verb in ("createCustomer", "upsertCustomer"):
            if name != "phones" or verb == "createCustomer":
                said = await office.fail(verb, **given)
                assert (said["reason"], said["problems"][0]["field"]) == (
                    "core.suppressed",
                    ["input", name],
                )
    other = await office.create(emails=[{"address": "b@example.com"}])
    said = await office.fail("updateCustomer", id=other, emails=ADA["emails"])
    assert said["reason"] == "core.suppressed"
    done = await office.do(
        "createCustomers",
        "results { error { reason } }",
        items=[{"name": "N"}, {"name": "A", "emails": ADA["emails"]}],
        onError="SKIP",
    )
    assert done["results"] == [{"error": None}, {"error": {"reason": "core.suppressed"}}]


async def test_who_comes_back_by_themselves_can_be_entered_again(office: Office) -> None:
    ada = await live(office)
    await office.do("eraseCustomer", id=ada)
    await office.t.drain()
    mail, number = ADA["emails"][0]["address"], ADA["phones"][0]["number"]
    lifted = await office.do("liftSuppressions", "count", emails=[mail.upper()], phones=[number])
    assert lifted == {"count": 2}
    again = await office.create("Ada", emails=[{"address": mail}], phones=ADA["phones"])
    assert again != ada
    said = await office.fail("createCustomer", name="A", externalIds=ADA["externalIds"])
    assert said["reason"] == "core.suppressed"
    lifted = await office.do(
        "liftSuppressions", "count", emails=[mail], externalIds=ADA["externalIds"]
    )
    assert lifted == {"count": 1}
    # Whoever only tries is in the audit as well, which never says whom.
    assert await office.do("liftSuppressions", "count", emails=["b@example.com"]) == {"count": 0}
    entries = await office.t.gql(LIFTED)
    assert [each["count"] for each in entries["auditEntries"]["nodes"]] == [0, 1, 2]
    assert CANARY.lower() not in str(entries).lower()


async def test_nobody_is_let_back_in_without_the_permission(office: Office) -> None:
    office.t.become("manager")
    said = await office.fail("liftSuppressions", emails=["ada@example.com"])
    assert said["code"] == "FORBIDDEN"
    office.t.become("admin")
    said = await office.fail("liftSuppressions", emails=["a@example.com", "nowhere"])
    assert said["problems"][0]["field"] == ["input", "emails", 1]


async def test_an_erasure_that_was_broken_off_is_gone_on_with(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasing, "PAGE", 2)
    ada = await live(office)
    await office.do("eraseCustomer", id=ada)
    [(erasure,)] = await office.t.host.database.fetch(select(Erasure.id))

    async def step(context: Any) -> bool:
        return await erase_some(context, erasure)

    async def broken(context: Any) -> None:
        await erase_some(context, erasure)
        raise RuntimeError

    steps = 0
    while not await office.t.unit(step):
        steps += 1
        with pytest.raises(RuntimeError):
            await office.t.unit(broken)
    assert steps > 10
    assert await holding(office.t) == []
    # Whoever wants it once more, or is told late, changes nothing.
    told = len(outside)
    await office.do("eraseCustomer", id=ada)
    await office.t.drain()
    assert len(outside) == told


async def test_who_was_erased_cannot_be_restored_and_counts_still(office: Office) -> None:
    ada = await office.create(**ADA)
    await office.do("eraseCustomer", id=ada)
    assert (await office.fail("restoreCustomer", id=ada))["code"] == "NOT_FOUND"
    assert (await office.fail("eraseCustomer", id=sdk.new_id("customer")))["code"] == "NOT_FOUND"
    assert (await office.t.gql("{ customerStats { count } }"))["customerStats"]["count"] == 1


async def test_who_was_merged_is_erased_with_the_winner(office: Office) -> None:
    other, ada = await office.create("Other"), await live(office)
    await office.do("mergeCustomers", winnerId=other, loserIds=[ada])
    erased = await office.do("eraseCustomer", "erasedCustomerId", id=ada)
    assert erased == {"erasedCustomerId": other}
    await office.t.drain()
    assert await holding(office.t) == []
