from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from crmkit.host.actors import Actor, Rights
from crmkit.store.reach import Reach
from crmkit.testing import Trial, add_customers
from tests.timelines.company import bought, company, done, said

pytestmark = pytest.mark.anyio

PAGE = """query ($id: ID!, $first: Int, $after: String, $last: Int, $before: String,
    $kinds: [TimelineKind!]) {
  node(id: $id) { ... on Customer {
    timeline(first: $first, after: $after, last: $last, before: $before, kinds: $kinds) {
      totalCount
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      nodes { id __typename }
    } } } }"""


@pytest.fixture
async def t(engine: str) -> AsyncIterator[Trial]:
    async with company(engine) as trial:
        yield trial


async def page(t: Trial, customer: str, **given: Any) -> dict[str, Any]:
    found = await t.gql(PAGE, id=customer, **given)
    return dict(found["node"]["timeline"])


def ids(found: dict[str, Any]) -> list[str]:
    return [each["id"] for each in found["nodes"]]


async def lived(t: Trial, customer: str) -> list[str]:
    """Something of each kind, one a day but the points, which come with their order."""
    made = []
    for what in ("said", "bought", "asked", "wanted"):
        t.clock.move(days=1)
        due = {"subject": "Call back", "dueAt": "2027-01-01T00:00:00Z"}
        ticket = {"channel": "web", "body": "Where is it?", "subject": "Parcel"}
        match what:
            case "said":
                made.append(await said(t, customer, subject="Hello"))
            case "bought":
                made.append(await bought(t, customer))
            case "asked":
                made.append(await done(t, "createTask", "task", customerId=customer, **due))
            case _:
                made.append(await done(t, "openTicket", "ticket", customerId=customer, **ticket))
    return made


async def test_what_happened_stands_in_one_order_the_newest_first(t: Trial) -> None:
    [anna] = await add_customers(t, ["Anna"])
    talk, order, task, ticket = await lived(t, anna)
    found = await t.gql(
        """query ($id: ID!) { node(id: $id) { ... on Customer { timeline { totalCount nodes {
             __typename id occurredAt customer { id } summary german: summary(locale: "de")
             ... on Order { total { amount } loyaltyEntries { nodes { points } } }
             ... on StageStay { stage { key } }
             ... on Node { same: id } } } } } }""",
        id=anna,
    )
    entries = found["node"]["timeline"]["nodes"]
    kinds = [each["__typename"] for each in entries]
    assert [kinds[0], kinds[1], kinds[4], kinds[5]] == [
        "Ticket",
        "Task",
        "Interaction",
        "StageStay",
    ]
    assert {kinds[2], kinds[3]} == {"Order", "LoyaltyEntry"}
    assert found["node"]["timeline"]["totalCount"] == 6
    assert {each["customer"]["id"] for each in entries} == {anna}
    assert [each["same"] for each in entries] == [each["id"] for each in entries]
    told = {each["id"]: each for each in entries}
    assert told[ticket]["summary"] == "Ticket: Parcel"
    assert told[task]["german"] == "Zu tun: Call back"
    assert told[talk]["summary"] == "Email: Hello"
    assert told[order]["german"] == "Bestellung: 42,00\N{NO-BREAK SPACE}€"
    assert told[order]["total"] == {"amount": "42.00"}
    assert told[order]["loyaltyEntries"]["nodes"] == [{"points": "42"}]
    assert told[order]["occurredAt"] == "2026-01-03T00:00:00.000000Z"


@pytest.mark.parametrize("size", [1, 2, 3])
async def test_pages_in_both_directions_hold_each_entry_once(t: Trial, size: int) -> None:
    [anna] = await add_customers(t, ["Anna"])
    # Many at one moment, so that the id decides between kinds.
    for _ in range(3):
        await bought(t, anna)
        await said(t, anna)
    whole = ids(await page(t, anna, first=100))
    assert len(whole) == 10
    onward: list[str] = []
    cursor, more = None, True
    while more:
        found = await page(t, anna, first=size, after=cursor)
        onward += ids(found)
        cursor, more = found["pageInfo"]["endCursor"], found["pageInfo"]["hasNextPage"]
    assert onward == whole
    backward: list[str] = []
    cursor, more = None, True
    while more:
        found = await page(t, anna, last=size, before=cursor)
        backward = ids(found) + backward
        cursor, more = found["pageInfo"]["startCursor"], found["pageInfo"]["hasPreviousPage"]
    assert backward == whole


async def test_only_the_kinds_that_are_asked_for(t: Trial) -> None:
    [anna] = await add_customers(t, ["Anna"])
    talk, order, *_ = await lived(t, anna)
    found = await page(t, anna, kinds=["ORDER", "INTERACTION"])
    assert ids(found) == [order, talk]
    assert found["totalCount"] == 2
    none = await page(t, anna, kinds=[])
    assert (ids(none), none["totalCount"]) == ([], 0)


async def test_a_cursor_of_another_list_is_refused(t: Trial) -> None:
    [anna] = await add_customers(t, ["Anna"])
    listed = await t.gql("{ customers { pageInfo { endCursor } } }")
    cursor = listed["customers"]["pageInfo"]["endCursor"]
    [error] = await t.errors(PAGE, id=anna, first=1, after=cursor)
    assert error["extensions"]["code"] == "INVALID"


async def test_many_customers_take_as_many_statements_as_one(t: Trial) -> None:
    asked = """query ($n: Int) { customers(first: $n) { nodes { timeline(first: 5) {
      totalCount nodes { summary causes { id } consequences { __typename id } } } } } }"""
    counts = []
    everyone = await add_customers(t, [f"Customer {each}" for each in range(8)])
    for customer in everyone:
        await lived(t, customer)
    for count in (1, 8):
        with t.statements() as sent:
            found = await t.gql(asked, n=count)
        assert [len(each["timeline"]["nodes"]) for each in found["customers"]["nodes"]] == [
            5
        ] * count
        counts.append(len(sent))
    assert counts[0] == counts[1]


async def test_kinds_that_the_actor_may_not_read_are_left_out(t: Trial) -> None:
    [anna] = await add_customers(t, ["Anna"])
    talk, order, task, ticket = await lived(t, anna)
    refused = frozenset({"orders.order.read", "loyalty.entry.read"})
    t.actor = Actor("somebody", "user", rights=Rights(frozenset(), Reach(refused=refused)))
    found = await page(t, anna)
    assert ids(found)[:3] == [ticket, task, talk]
    assert found["totalCount"] == 4
    assert order not in ids(await page(t, anna, kinds=["ORDER", "TASK"]))
