from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import update

from crmkit import sdk
from crmkit.testing import crm
from crmkit_feedback.plugin import Feedback
from tests.plugins.feedback.desk import (
    act,
    add_user,
    document,
    open_ticket,
    refused,
    solved_ticket,
    ticket,
)
from tests.plugins.shop import add_customer

if TYPE_CHECKING:
    from crmkit.testing import Trial

pytestmark = pytest.mark.anyio

OPEN_MANY = """
mutation ($items: [OpenTicketItem!]!, $onError: OnError!) {
  openTickets(input: {items: $items, onError: $onError}) {
    results { outcome ticket { subject state } error { code problems { field } } } }
}
"""


async def test_a_ticket_begins_with_what_the_customer_says(t: Trial) -> None:
    anna = await add_customer(t)
    opened = await ticket(t, await open_ticket(t, anna, subject="The lamp", topic="lamps.led"))
    begun = "2026-01-01T00:00:00.000000Z"
    assert (opened["state"], opened["askedAt"], opened["toldAt"]) == ("NEW", begun, None)
    assert (opened["type"], opened["priority"], opened["urgency"]) == ("question", "normal", 20)
    assert (opened["queue"], opened["topic"]) == ("support", "lamps.led")
    assert (opened["subject"], opened["channel"]) == ("The lamp", {"key": "email"})
    [said] = opened["messages"]["nodes"]
    assert (said["author"], said["audience"]) == ("CUSTOMER", "PUBLIC")
    assert said["body"] == "It does not work."
    assert opened["changes"]["nodes"] == [{"fromState": None, "toState": "NEW", "cause": None}]


async def test_a_ticket_that_we_begin_tells_the_customer_at_once(t: Trial) -> None:
    opened = await ticket(t, await open_ticket(t, await add_customer(t), author="STAFF"))
    assert (opened["askedAt"], opened["toldAt"]) == (None, "2026-01-01T00:00:00.000000Z")
    await act(t, "replyToTicket", ticketId=opened["id"], body="By the way")
    assert (await ticket(t, opened["id"]))["firstRespondedAt"] is None


async def test_a_ticket_says_what_led_to_it_and_an_interaction_what_it_led_to(t: Trial) -> None:
    anna = await add_customer(t)
    made = await t.gql(
        """mutation ($i: RecordInteractionInput!) {
          recordInteraction(input: $i) { interaction { id } } }""",
        i={"customerId": anna, "channel": "phone", "direction": "INBOUND", "kind": "call"},
    )
    call = made["recordInteraction"]["interaction"]["id"]
    opened = await open_ticket(t, anna, causeId=call)
    assert (await ticket(t, opened))["cause"] == {"id": call}
    found = await t.gql("{ interactions { nodes { feedbackTickets { nodes { id } } } } }")
    assert found["interactions"]["nodes"] == [{"feedbackTickets": {"nodes": [{"id": opened}]}}]


async def test_a_new_ticket_is_open_once_somebody_has_it(t: Trial) -> None:
    anna, olga = await add_customer(t), await add_user(t)
    at_once = await ticket(t, await open_ticket(t, anna, assigneeId=olga))
    assert (at_once["state"], at_once["assignee"]) == ("OPEN", {"id": olga})
    later = await open_ticket(t, anna)
    await act(t, "assignTicket", ticketId=later, assigneeId=olga)
    found = await ticket(t, later)
    assert (found["state"], found["assignee"]) == ("OPEN", {"id": olga})
    await act(t, "assignTicket", ticketId=later, assigneeId=None)
    found = await ticket(t, later)
    assert (found["state"], found["assignee"]) == ("OPEN", None)


async def test_a_ticket_goes_to_another_queue_and_keeps_who_has_it(engine: str) -> None:
    config = {"feedback": {"queues": ["support", "billing"], "topics": ["invoice"]}}
    async with crm(Feedback, config=config, engine=engine) as t:
        anna, olga = await add_customer(t), await add_user(t)
        opened = await open_ticket(t, anna, assigneeId=olga)
        await act(t, "assignTicket", ticketId=opened, queue="billing")
        await act(t, "sortTicket", ticketId=opened, priority="urgent", topic="invoice")
        found = await ticket(t, opened)
        assert (found["queue"], found["assignee"]) == ("billing", {"id": olga})
        assert (found["priority"], found["urgency"], found["type"]) == ("urgent", 40, "question")
        assert found["topic"] == "invoice"
        await act(t, "sortTicket", ticketId=opened, topic=None)
        assert (await ticket(t, opened))["topic"] is None
        unknown = await refused(
            t, "openTicket", customerId=anna, channel="email", body="?", topic="x"
        )
        assert unknown["problems"][0]["params"] == {"key": "x", "known": ["invoice"]}


async def test_who_has_left_is_given_no_ticket(t: Trial) -> None:
    anna, olga = await add_customer(t), await add_user(t)
    opened = await open_ticket(t, anna)
    async with t.host.database.transaction() as transaction:
        row = sdk.rows.User
        await transaction.run(update(row).where(row.id == olga).values(active=False))
    given = await refused(t, "assignTicket", ticketId=opened, assigneeId=olga)
    assert given["reason"] == "feedback.assignee_inactive"
    said = {"customerId": anna, "channel": "email", "body": "Hello", "assigneeId": olga}
    assert (await refused(t, "openTicket", **said))["reason"] == "feedback.assignee_inactive"


async def test_no_ticket_comes_by_a_channel_that_is_retired(t: Trial) -> None:
    anna = await add_customer(t)
    opened = await open_ticket(t, anna, channel="letter")
    found = await t.gql('{ channels(where: {key: {eq: "letter"}}) { nodes { id } } }')
    retire = "mutation ($id: ID!) { retireChannel(input: {id: $id}) { channel { id } } }"
    await t.gql(retire, id=found["channels"]["nodes"][0]["id"])
    given = await refused(t, "openTicket", customerId=anna, channel="letter", body="Hello")
    assert (given["reason"], given["problems"][0]["field"]) == (
        "core.retired",
        ["input", "channel"],
    )
    assert (await ticket(t, opened))["channel"] == {"key": "letter"}


async def test_who_saw_an_older_version_overwrites_nothing(t: Trial) -> None:
    opened = await open_ticket(t, await add_customer(t))
    for operation, said in (
        ("sortTicket", {"priority": "low"}),
        ("assignTicket", {"queue": "support"}),
    ):
        await act(t, "sortTicket", ticketId=opened, priority="high")
        stale = await refused(t, operation, ticketId=opened, version=1, **said)
        assert stale["code"] == "CONFLICT"
    assert (await ticket(t, opened))["priority"] == "high"


async def test_urgent_tickets_come_first_and_queues_are_filtered(t: Trial) -> None:
    anna = await add_customer(t)
    for priority in ("low", "urgent", "high"):
        await open_ticket(t, anna, priority=priority, subject=f"The {priority} one")
    found = await t.gql("""{
      waiting: tickets(where: {queue: {eq: "support"}, toldAt: {isNull: true}},
        orderBy: [URGENCY_DESC]) { nodes { priority } }
      named: tickets(where: {subject: {contains: "HIGH"}}) { nodes { priority } }
      solved: tickets(where: {state: {in: [SOLVED, CLOSED]}}) { totalCount }
    }""")
    assert [each["priority"] for each in found["waiting"]["nodes"]] == ["urgent", "high", "low"]
    assert found["named"]["nodes"] == [{"priority": "high"}]
    assert found["solved"]["totalCount"] == 0


async def test_customers_are_found_by_their_open_tickets(t: Trial) -> None:
    anna, berta = [await add_customer(t, name) for name in ("Anna", "Berta")]
    first, second = await open_ticket(t, anna), await open_ticket(t, anna)
    await solved_ticket(t, berta)
    await solved_ticket(t, berta, closed=True)
    found = await t.gql("""{
      busy: customers(where: {openTickets: {gt: 0}}) { nodes { name openTickets } }
      all: customers(orderBy: [OPEN_TICKETS_DESC]) {
        nodes { openTickets feedbackTickets(first: 2) { totalCount nodes { id } } } }
    }""")
    assert found["busy"]["nodes"] == [{"name": "Anna", "openTickets": 2}]
    of_anna, of_berta = found["all"]["nodes"]
    assert [each["id"] for each in of_anna["feedbackTickets"]["nodes"]] == [second, first]
    assert (of_berta["openTickets"], of_berta["feedbackTickets"]["totalCount"]) == (0, 2)


async def test_in_bulk_the_others_are_opened_when_one_is_refused(t: Trial) -> None:
    anna = await add_customer(t)
    items = [
        {"customerId": anna, "channel": channel, "body": "Hello", "subject": subject}
        for channel, subject in (("email", "A"), ("pigeon", "B"), ("phone", "C"))
    ]
    done = await t.gql(OPEN_MANY, items=items, onError="SKIP")
    first, second, third = done["openTickets"]["results"]
    assert (first["ticket"]["subject"], third["ticket"]["subject"]) == ("A", "C")
    assert second["outcome"] == "REJECTED"
    assert second["error"]["problems"][0]["field"][-1] == "channel"
    await t.errors(OPEN_MANY, items=items, onError="ABORT")
    assert (await t.gql("{ tickets { totalCount } }"))["tickets"]["totalCount"] == 2


async def test_statements_of_a_bulk_do_not_grow_with_it(t: Trial) -> None:
    anna = await add_customer(t)
    counts = []
    for size in (2, 50):
        items = [{"customerId": anna, "channel": "email", "body": "Hello"}] * size
        with t.statements() as sent:
            await t.gql(OPEN_MANY, items=items, onError="ABORT")
        counts.append(len(sent))
    assert counts[0] == counts[1]


async def test_an_idempotency_key_opens_once(t: Trial) -> None:
    anna = await add_customer(t)
    same = [await open_ticket(t, anna, idempotencyKey="form-1") for _ in range(3)]
    assert len({*same}) == 1
    assert (await t.gql("{ tickets { totalCount } }"))["tickets"]["totalCount"] == 1


async def test_tickets_of_a_deleted_customer_are_not_listed(t: Trial) -> None:
    anna = await add_customer(t)
    _, token = await solved_ticket(t, anna)
    await t.gql(
        "mutation ($id: ID!) { deleteCustomer(input: {id: $id}) { deletedCustomerId } }", id=anna
    )
    found = await t.gql("""{ tickets { totalCount } ticketMessages { totalCount }
      ticketSolves { totalCount } }""")
    assert [each["totalCount"] for each in found.values()] == [0, 0, 0]
    assert token


@pytest.mark.parametrize(
    "options",
    [
        {"default_type": "riddle"},
        {"default_queue": "riddle"},
        {"priorities": {"low": 1}},
        {"types": []},
        {"queues": ["No Key"]},
        {"low_score": 5},
        {"rating_days": 0},
    ],
)
async def test_options_that_contradict_each_other_stop_the_start(options: dict[str, Any]) -> None:
    with pytest.raises(sdk.SetupError, match="feedback"):
        async with crm(Feedback, config={"feedback": options}):
            pass


async def test_every_mutation_names_the_ticket_it_changed(t: Trial) -> None:
    opened = await open_ticket(t, await add_customer(t), assigneeId=await add_user(t))
    for operation, said in (("noteOnTicket", {"body": "Hm"}), ("solveTicket", {})):
        done = await t.gql(document(operation), input={"ticketId": opened, **said})
        assert done[operation]["ticket"] == {"id": opened}
