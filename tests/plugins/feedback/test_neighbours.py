from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import pytest

from crmkit import sdk
from crmkit.testing import crm
from crmkit_feedback import api
from crmkit_feedback.plugin import Feedback
from crmkit_orders.plugin import Orders
from tests.plugins.feedback.desk import act, open_ticket, solved_ticket, ticket
from tests.plugins.shop import add_customer, buy

pytestmark = pytest.mark.anyio


class Postman(sdk.Plugin):
    """Sends the links by which customers rate."""

    name = "postman"
    version = "1.0"
    depends_on = ("feedback>=1",)
    sent: ClassVar[list[str | None]] = []

    def register_events(self, events: sdk.EventBuilder) -> None:
        @events.on("feedback.TicketSolved")
        async def send(context: sdk.Context[Any], event: api.TicketSolved) -> None:
            self.sent.append(await api.rating_token(context, event.solve_id))

    @sdk.hook
    async def customers_created(
        self, context: sdk.Context[Any], drafts: Sequence[sdk.Draft[Any, Any]]
    ) -> None:
        welcome = [
            api.OpenTicket(
                customer_id=draft.row.id,
                channel="letter",
                body="Welcome",
                author=api.TicketAuthor.STAFF,
                cause_id=draft.row.id,
            )
            for draft in drafts
        ]
        await api.open_tickets(context, welcome)


async def test_feedback_works_without_orders(engine: str) -> None:
    async with crm(Feedback, engine=engine) as t:
        opened = await open_ticket(t, await add_customer(t))
        assert (await ticket(t, opened))["state"] == "NEW"
        types = await t.gql("{ __schema { types { name } } }")
        assert "Order" not in {each["name"] for each in types["__schema"]["types"]}


async def test_an_order_shows_the_tickets_that_it_led_to(engine: str) -> None:
    async with crm(Feedback, Orders, engine=engine) as t:
        anna = await add_customer(t)
        order = await buy(t, anna)
        opened = await open_ticket(t, anna, causeId=order)
        await open_ticket(t, anna)
        found = await t.gql(
            "{ orders { nodes { feedbackTickets { nodes { id cause { id } } } } } }"
        )
        [shown] = found["orders"]["nodes"]
    assert shown["feedbackTickets"]["nodes"] == [{"id": opened, "cause": {"id": order}}]


async def test_another_plugin_opens_tickets_and_sends_the_link(engine: str) -> None:
    Postman.sent.clear()
    async with crm(Feedback, Postman, engine=engine) as t:
        anna = await add_customer(t)
        greeted = await t.gql("{ tickets { nodes { toldAt cause { id } } } }")
        [greeting] = greeted["tickets"]["nodes"]
        assert greeting["cause"] == {"id": anna}
        assert greeting["toldAt"] is not None
        _, token = await solved_ticket(t, anna)
        await t.drain()
        assert Postman.sent == [token]
        await act(t, "rateTicket", token=token, score=5)
