from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from crmkit import sdk
from crmkit.testing import crm
from crmkit_feedback.models import Message, MessageContent
from crmkit_feedback.plugin import Feedback
from tests.plugins.feedback.desk import (
    act,
    add_user,
    open_ticket,
    refused,
    solve,
    solved_ticket,
    ticket,
)
from tests.plugins.shop import add_customer

if TYPE_CHECKING:
    from crmkit.testing import Trial

pytestmark = pytest.mark.anyio


async def test_what_is_said_stands_in_order_and_notes_are_ours(t: Trial) -> None:
    opened = await open_ticket(t, await add_customer(t))
    await act(t, "noteOnTicket", ticketId=opened, body="Again this lamp.")
    assert (await ticket(t, opened))["toldAt"] is None
    assert (await ticket(t, opened))["state"] == "NEW"
    await act(t, "replyToTicket", ticketId=opened, body="Which lamp?")
    await act(t, "replyToTicket", ticketId=opened, body="The red one.", author="CUSTOMER")
    said = (await ticket(t, opened))["messages"]["nodes"]
    assert [(each["author"], each["audience"], each["body"]) for each in said] == [
        ("CUSTOMER", "PUBLIC", "It does not work."),
        ("STAFF", "INTERNAL", "Again this lamp."),
        ("STAFF", "PUBLIC", "Which lamp?"),
        ("CUSTOMER", "PUBLIC", "The red one."),
    ]
    public = await t.gql("{ ticketMessages(where: {audience: {eq: PUBLIC}}) { totalCount } }")
    assert public["ticketMessages"]["totalCount"] == 3


async def test_what_was_said_stands_apart_from_the_message_that_never_changes(t: Trial) -> None:
    await open_ticket(t, await add_customer(t))

    async def body(context: object) -> None:
        context.write.change(Message, "any", set={Message.actor: "me"})  # type: ignore[attr-defined]

    with pytest.raises(TypeError, match="never change"):
        await t.unit(body, plugin="feedback")
    [(text,)] = await t.host.database.fetch(select(MessageContent.body))
    assert text == "It does not work."


async def test_the_first_response_is_timed_once(t: Trial) -> None:
    opened = await open_ticket(t, await add_customer(t))
    t.clock.move(minutes=2)
    await act(t, "noteOnTicket", ticketId=opened, body="I am on it.")
    t.clock.move(minutes=1, seconds=1.9)
    await act(t, "replyToTicket", ticketId=opened, body="We are on it.")
    t.clock.move(minutes=10)
    await act(t, "replyToTicket", ticketId=opened, body="And?", author="CUSTOMER")
    await act(t, "replyToTicket", ticketId=opened, body="Soon.")
    found = await ticket(t, opened)
    assert found["firstRespondedAt"] == "2026-01-01T00:03:01.900000Z"
    assert found["firstResponseSeconds"] == 181
    assert found["toldAt"] == "2026-01-01T00:13:01.900000Z"
    assert found["state"] == "OPEN"


async def test_the_resolution_is_timed_to_the_last_solution(t: Trial) -> None:
    opened, _ = await solved_ticket(t, await add_customer(t))
    assert (await ticket(t, opened))["resolutionSeconds"] == 0
    t.clock.move(hours=1)
    await act(t, "replyToTicket", ticketId=opened, body="No!", author="CUSTOMER")
    found = await ticket(t, opened)
    assert (found["state"], found["reopenings"]) == ("OPEN", 1)
    assert (found["solvedAt"], found["resolutionSeconds"], found["toldAt"]) == (None, None, None)
    t.clock.move(hours=1)
    await solve(t, opened)
    found = await ticket(t, opened)
    assert (found["resolutionSeconds"], found["solvedAt"]) == (7200, "2026-01-01T02:00:00.000000Z")
    assert len(found["solves"]["nodes"]) == 2


@pytest.mark.parametrize(("wait", "state"), [("CUSTOMER", "PENDING"), ("THIRD_PARTY", "ON_HOLD")])
async def test_a_ticket_waits_and_only_for_the_customer_does_the_customer_end_it(
    t: Trial, wait: str, state: str
) -> None:
    opened = await open_ticket(t, await add_customer(t), assigneeId=await add_user(t))
    await act(t, "holdTicket", ticketId=opened, waitFor=wait)
    assert (await ticket(t, opened))["state"] == state
    await act(t, "replyToTicket", ticketId=opened, body="Here it is.", author="CUSTOMER")
    assert (await ticket(t, opened))["state"] == ("OPEN" if wait == "CUSTOMER" else "ON_HOLD")


async def test_a_ticket_is_closed_only_after_the_customer_has_been_told(t: Trial) -> None:
    opened, _ = await solved_ticket(t, await add_customer(t))
    await act(t, "noteOnTicket", ticketId=opened, body="Nobody told her.")
    untold = await refused(t, "closeTicket", ticketId=opened)
    assert (untold["code"], untold["reason"]) == ("REFUSED", "feedback.customer_not_told")
    await act(t, "replyToTicket", ticketId=opened, body="It is repaired.")
    # What was said before the customer's last word does not count.
    await act(t, "replyToTicket", ticketId=opened, body="It is not.", author="CUSTOMER")
    await solve(t, opened)
    assert (await refused(t, "closeTicket", ticketId=opened))["reason"] == untold["reason"]
    await act(t, "replyToTicket", ticketId=opened, body="Now it is.")
    await act(t, "closeTicket", ticketId=opened)
    found = await ticket(t, opened)
    assert (found["state"], found["closedAt"]) == ("CLOSED", "2026-01-01T00:00:00.000000Z")


async def test_nobody_solves_a_ticket_that_nobody_has(t: Trial) -> None:
    opened = await open_ticket(t, await add_customer(t))
    for _ in range(2):
        alone = await refused(t, "solveTicket", ticketId=opened)
        assert alone["reason"] == "feedback.needs_assignee"
        await act(t, "replyToTicket", ticketId=opened, body="We look.")
    olga = await add_user(t)
    await act(t, "assignTicket", ticketId=opened, assigneeId=olga)
    await solve(t, opened)
    assert (await ticket(t, opened))["solves"]["nodes"][0]["assignee"] == {"id": olga}
    taken = await refused(t, "assignTicket", ticketId=opened, assigneeId=None)
    assert taken["reason"] == "feedback.needs_assignee"


async def test_a_word_after_the_end_is_another_ticket_that_follows(engine: str) -> None:
    config = {"feedback": {"queues": ["support", "billing"]}}
    async with crm(Feedback, config=config, engine=engine) as t:
        closed, _ = await solved_ticket(t, await add_customer(t), closed=True)
        before = await ticket(t, closed)
        t.clock.move(days=3)
        said = {"ticketId": closed, "author": "CUSTOMER"}
        new = await act(t, "replyToTicket", body="It broke again.", **said)
        follower, after = await ticket(t, new), await ticket(t, closed)
        assert (follower["state"], follower["assignee"]) == ("NEW", None)
        assert follower["askedAt"] == "2026-01-04T00:00:00.000000Z"
        assert follower["follows"] == follower["cause"] == {"id": closed}
        assert [each["body"] for each in follower["messages"]["nodes"]] == ["It broke again."]
        assert after == {**before, "followedBy": {"nodes": [{"id": new}]}}


async def test_a_closed_ticket_stays_as_it_is(t: Trial) -> None:
    closed, _ = await solved_ticket(t, await add_customer(t), closed=True)
    for operation, said in (
        ("replyToTicket", {"body": "One more thing"}),
        ("assignTicket", {"queue": "support"}),
        ("sortTicket", {"type": "praise"}),
    ):
        after = await refused(t, operation, ticketId=closed, **said)
        assert after["reason"] == "feedback.ticket_closed"
    await act(t, "noteOnTicket", ticketId=closed, body="For the archive.")


async def test_events_tell_what_becomes_of_tickets(t: Trial) -> None:
    opened, token = await solved_ticket(t, await add_customer(t))
    await act(t, "replyToTicket", ticketId=opened, body="No", author="CUSTOMER")
    await act(t, "rateTicket", token=token, score=4)
    await act(t, "replyToTicket", ticketId=opened, body="Now.")
    await solve(t, opened)
    await act(t, "closeTicket", ticketId=opened)
    outbox = sdk.Base.metadata.tables["outbox"].c
    told = await t.host.database.fetch(select(outbox.name).order_by(outbox.seq))
    kinds = ["TicketsOpened", "TicketSolved", "TicketReopened", "TicketRated"]
    assert [name.partition(".")[2] for (name,) in told if name.startswith("feedback.")] == [
        *kinds,
        "TicketSolved",
        "TicketClosed",
    ]
