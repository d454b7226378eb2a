from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from crmkit import sdk
from crmkit.testing import crm

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from crmkit.testing import Trial

pytestmark = pytest.mark.anyio

told: list[tuple[str, Any]] = []


class Witness(sdk.Plugin):
    """Sees all that happens to customers, and has a rule about names."""

    name = "witness"
    version = "1.0"
    requires_sdk = ">=1,<2"

    def register_events(self, events: sdk.EventBuilder) -> None:
        for kind in ("Created", "Updated", "Deleted", "Restored", "Moved", "Merged"):
            events.on(f"core.Customers{kind}")(hear)
        events.on("core.InteractionsRecorded")(hear)


async def hear(context: sdk.Context, event: Any) -> None:
    told.append((type(event).__name__, len(event.ids)))


@sdk.hook
async def before_customers_create(
    context: sdk.Context, drafts: Sequence[sdk.Draft[Any, Any]]
) -> None:
    for each in drafts:
        if each.row.name == "Nemo":
            context.refuse(each, "Nobody is called so.", reason="witness.nemo", field="name")
        each.row.source = each.row.source or "seen"


@sdk.hook
async def before_customers_update(
    context: sdk.Context, drafts: Sequence[sdk.Draft[Any, Any]]
) -> None:
    for each in drafts:
        each.row.name = each.row.name.upper()


@sdk.hook
async def customers_created(context: sdk.Context, drafts: Sequence[sdk.Draft[Any, Any]]) -> None:
    told.append(("created", [each.row.name for each in drafts]))


@sdk.hook
async def customers_updated(context: sdk.Context, drafts: Sequence[sdk.Draft[Any, Any]]) -> None:
    told.append(("updated", [each.row.name for each in drafts]))


@sdk.hook
async def customers_moved(context: sdk.Context, drafts: Sequence[sdk.Draft[Any, Any]]) -> None:
    told.append(("moved", [each.row.actor for each in drafts]))


@sdk.hook
async def before_customers_merge(
    context: sdk.Context, drafts: Sequence[sdk.Draft[sdk.MergeCustomers, sdk.rows.CustomerAlias]]
) -> None:
    for each in drafts:
        if each.input.version == 2:
            context.refuse(each, "Not these.", reason="witness.not_these", field="loser_ids")


@sdk.hook
async def customers_merged(
    context: sdk.Context, drafts: Sequence[sdk.Draft[sdk.MergeCustomers, sdk.rows.CustomerAlias]]
) -> None:
    told.append(("merged", [(each.row.customer_id, each.row.alias_id) for each in drafts]))


@pytest.fixture
async def t(engine: str) -> AsyncGenerator[Trial]:
    told.clear()
    async with crm(Witness, engine=engine) as trial:
        yield trial


async def test_hooks_change_and_refuse_drafts_one_by_one(office: Any) -> None:
    done = await office.do(
        "createCustomers",
        "results { outcome customer { name source } error { reason plugin problems { field } } }",
        onError="SKIP",
        items=[{"name": "Ada"}, {"name": "Nemo"}, {"name": "Bob", "source": "web"}],
    )
    assert [each["customer"] for each in done["results"]] == [
        {"name": "Ada", "source": "seen"},
        None,
        {"name": "Bob", "source": "web"},
    ]
    assert done["results"][1]["error"] == {
        "reason": "witness.nemo",
        "plugin": "witness",
        "problems": [{"field": ["input", "items", "1", "name"]}],
    }
    assert told[-1] == ("created", ["Ada", "Bob"])


async def test_an_update_writes_what_hooks_made_of_it(office: Any) -> None:
    who = await office.create("Ada")
    done = await office.do("updateCustomer", "customer { name source }", id=who, source="web")
    assert done["customer"] == {"name": "ADA", "source": "web"}
    done = await office.do(
        "updateCustomers", "results { outcome }", items=[{"id": who, "name": "ADA"}]
    )
    assert done["results"] == [{"outcome": "UNCHANGED"}]
    assert told[-1] == ("updated", ["ADA"])


async def test_an_upsert_calls_the_hooks_of_what_it_does(office: Any) -> None:
    item = {"name": "Ada", "externalIds": [{"source": "shop", "externalId": "1"}]}
    other = {"name": "Bob", "externalIds": [{"source": "shop", "externalId": "2"}]}
    await office.do("upsertCustomer", **item)
    await office.do("upsertCustomers", items=[other, item])
    assert [each for each in told if each[0] in {"created", "updated"}] == [
        ("created", ["Ada"]),
        ("updated", ["ADA"]),
        ("created", ["Bob"]),
    ]


async def test_handlers_are_told_once_of_many(office: Any) -> None:
    items = [{"name": "Ada"}, {"name": "Bob"}]
    done = await office.do("createCustomers", "results { customer { id } }", items=items)
    ids = [each["customer"]["id"] for each in done["results"]]
    intent = await office.stage("intent")
    await office.do("updateCustomers", items=[{"id": who, "source": "web"} for who in ids])
    await office.do("moveCustomers", items=[{"id": who, "stageId": intent} for who in ids])
    await office.do("deleteCustomers", items=[{"id": who} for who in ids])
    await office.do("restoreCustomers", items=[{"id": who} for who in ids])
    talk = {"channel": "phone", "direction": "OUTBOUND", "kind": "call"}
    await office.do("recordInteractions", items=[{"customerId": who, **talk} for who in ids])
    assert ("moved", ["system", "system"]) in told
    await office.t.drain()
    assert sorted(each for each in told if each[0][0].isupper()) == [
        ("CustomersCreated", 2),
        ("CustomersDeleted", 2),
        ("CustomersMoved", 2),
        ("CustomersRestored", 2),
        ("CustomersUpdated", 2),
        ("InteractionsRecorded", 2),
    ]


async def test_hooks_refuse_merges_and_see_those_that_were_made(office: Any) -> None:
    winner, one, other = [await office.create(name) for name in "ABC"]
    await office.do("updateCustomer", id=winner, source="web")
    said = await office.fail("mergeCustomers", winnerId=winner, loserIds=[one], version=2)
    assert (said["reason"], said["plugin"]) == ("witness.not_these", "witness")
    assert said["problems"][0]["field"] == ["input", "loserIds"]
    assert await office.customer(one, "name") == {"name": "B"}
    await office.do("mergeCustomers", winnerId=winner, loserIds=[one, other])
    assert told[-1] == ("merged", [(winner, one), (winner, other)])
    await office.t.drain()
    merged = [each for each in told if each[0][0].isupper() and each[1] == 2]
    assert merged == [("CustomersMerged", 2)]
