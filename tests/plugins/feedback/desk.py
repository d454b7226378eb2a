"""What tests of tickets say again and again."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crmkit.testing import Trial

SEEN = """
  id state type priority urgency queue topic subject reopenings
  askedAt toldAt firstRespondedAt firstResponseSeconds solvedAt resolutionSeconds closedAt
  assignee { id } channel { key } cause { id } follows { id } followedBy { nodes { id } }
  messages { nodes { author audience body actor } }
  changes { nodes { fromState toState cause { id } } }
  solves { nodes { id ratingToken score comment ratedAt rateableUntil assignee { id } } }
"""
_numbers = count(1)


def document(operation: str, selected: str = "ticket { id }") -> str:
    kind = f"{operation[0].upper()}{operation[1:]}Input"
    return f"mutation ($input: {kind}!) {{ {operation}(input: $input) {{ {selected} }} }}"


async def act(t: Trial, operation: str, **given: Any) -> str:
    """Does something with a ticket, and returns the id of the ticket that it came to."""
    done = await t.gql(document(operation), input=given)
    return str(done[operation]["ticket"]["id"])


async def refused(t: Trial, operation: str, **given: Any) -> dict[str, Any]:
    """What the error of something that fails says of it."""
    [error] = await t.errors(document(operation), input=given)
    return dict(error["extensions"])


async def open_ticket(t: Trial, customer: str, **given: Any) -> str:
    said = {"customerId": customer, "channel": "email", "body": "It does not work."}
    return await act(t, "openTicket", **{**said, **given})


async def ticket(t: Trial, ticket_id: str) -> dict[str, Any]:
    """What a client sees of a ticket."""
    found = await t.gql(
        f"query ($id: ID!) {{ node(id: $id) {{ ... on Ticket {{ {SEEN} }} }} }}", id=ticket_id
    )
    return dict(found["node"])


async def add_user(t: Trial, name: str = "Olga") -> str:
    made = await t.gql(
        "mutation ($i: CreateUserInput!) { createUser(input: $i) { user { id } } }",
        i={"name": name, "mail": f"{next(_numbers)}@example.com"},
    )
    return str(made["createUser"]["user"]["id"])


async def solve(t: Trial, ticket_id: str) -> str:
    """Solves a ticket, and returns the token by which it can be rated."""
    done = await t.gql(
        document("solveTicket", "solve { ratingToken }"), input={"ticketId": ticket_id}
    )
    return str(done["solveTicket"]["solve"]["ratingToken"])


async def solved_ticket(t: Trial, customer: str, *, closed: bool = False) -> tuple[str, str]:
    """A solved ticket and the token by which it can be rated."""
    opened = await open_ticket(t, customer, assigneeId=await add_user(t))
    token = await solve(t, opened)
    if closed:
        await act(t, "replyToTicket", ticketId=opened, body="Done.")
        await act(t, "closeTicket", ticketId=opened)
    return opened, token
