"""What feedback contributes to the demo company: a help desk at work."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from crmkit import sdk

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_OF_BUYERS = 0.04
_OF_NEWCOMERS = 0.01


@dataclass(frozen=True)
class _Matter:
    """Something that customers turn to us with, and what we tell them."""

    type: str
    priority: str
    topic: str
    subject: str
    body: str
    answer: str


_MATTERS = (
    _Matter(
        "problem", "high", "delivery", "Where is my parcel?",
        "It should have been here on Monday.", "The carrier lost it; a new one is on its way.",
    ),
    _Matter(
        "question", "normal", "brewing", "How fine do I grind for the new machine?",
        "The first cups are sour.", "Two steps finer, and 18 g in the basket.",
    ),
    _Matter(
        "question", "normal", "address", "Can I change the address?",
        "We are moving next month.", "Done; the next parcel goes to the new one.",
    ),
    _Matter(
        "complaint", "urgent", "quality", "The bag was open",
        "Half of the beans were in the box.", "That must not happen. A new bag is on its way.",
    ),
    _Matter(
        "suggestion", "low", "range", "Please sell decaf",
        "My mother would order at once.", "We are trying three of them just now.",
    ),
    _Matter(
        "praise", "low", "quality", "Best coffee this year",
        "I only wanted to tell you.", "Thank you, the roasters have read it.",
    ),
)  # fmt: skip
_BAD = (1, 2)
_SORRY = "We are sorry; we have looked into it again, and here is what we can do."
_COMMENTS = {1: "I still wait.", 2: "It took too long.", 4: "Good.", 5: "Quick and friendly!"}

_OPEN = """mutation ($input: OpenTicketInput!) { openTicket(input: $input) { ticket { id } } }"""
_ASSIGN = """mutation ($ticket: ID!, $who: ID!) {
  assignTicket(input: {ticketId: $ticket, assigneeId: $who}) { ticket { id } }
}"""
_REPLY = """mutation ($ticket: ID!, $author: TicketAuthor!, $body: String!) {
  replyToTicket(input: {ticketId: $ticket, author: $author, body: $body}) { ticket { id } }
}"""
_NOTE = """mutation ($ticket: ID!, $body: String!) {
  noteOnTicket(input: {ticketId: $ticket, body: $body}) { ticket { id } }
}"""
_SOLVE = """mutation ($ticket: ID!) {
  solveTicket(input: {ticketId: $ticket}) { solve { ratingToken } }
}"""
_RATE = """mutation ($token: String!, $score: Int!, $comment: String) {
  rateTicket(input: {token: $token, score: $score, comment: $comment}) { ticket { id } }
}"""
_CLOSE = """mutation ($ticket: ID!) { closeTicket(input: {ticketId: $ticket}) { ticket { id } } }"""


@dataclass
class _Case:
    """A ticket on somebody's desk."""

    id: str
    resident: sdk.Resident
    token: str = ""


class FeedbackDemo(sdk.DemoPart):
    """Some buyers turn to us, are answered, and say how they liked that."""

    def __init__(self, demo: sdk.Demo) -> None:
        super().__init__(demo)
        self._cases: dict[str, _Case] = {}

    async def live(self) -> None:
        demo = self.demo
        chosen = [each.resident for each in demo.some(demo.deals, _OF_BUYERS)]
        for who in [*chosen, *demo.some(demo.newcomers, _OF_NEWCOMERS)]:
            at = demo.moment(demo.clock.now(), 6)
            demo.later(at, partial(self._turns_to_us, who, demo.random.choice(_MATTERS)))

    # -- what happens in stories ------------------------------------------------------------

    @sdk.act
    async def asks(
        self,
        who: sdk.Resident,
        subject: str,
        body: str,
        type: str = "question",
        priority: str = "normal",
        channel: str = "email",
    ) -> None:
        """Turns to us with something new."""
        said = {"subject": subject, "body": body, "type": type, "priority": priority}
        cause = who.last.get("order") or who.last.get("interaction")
        asked = {"customerId": who.id, "channel": channel, "causeId": cause, **said}
        opened = await self.demo.ask(_OPEN, input=asked)
        who.last["ticket"] = opened["ticket"]["id"]
        self._cases[who.id] = _Case(opened["ticket"]["id"], who)
        self.demo.made["tickets"] += 1

    @sdk.act
    async def insists(self, who: sdk.Resident, body: str) -> None:
        """Says more about it."""
        await self._say(self._cases[who.id], "CUSTOMER", body)

    @sdk.act
    async def is_answered(self, who: sdk.Resident, body: str) -> None:
        """Is told something by whoever looks after them."""
        case = self._cases[who.id]
        await self.demo.ask(_ASSIGN, ticket=case.id, who=who.owner_id)
        await self._say(case, "STAFF", body)

    @sdk.act
    async def is_discussed(self, who: sdk.Resident, body: str) -> None:
        """Is talked about among ourselves."""
        await self.demo.ask(_NOTE, ticket=self._cases[who.id].id, body=body)

    @sdk.act
    async def is_helped(self, who: sdk.Resident) -> None:
        """Has the matter solved, as we see it."""
        await self._solve(self._cases[who.id])

    @sdk.act
    async def rates(self, who: sdk.Resident, score: int, comment: str | None = None) -> None:
        """Says how that was."""
        await self._rate(self._cases[who.id], score, comment)

    @sdk.act
    async def is_done_with(self, who: sdk.Resident) -> None:
        """Has nothing left to say, nor have we."""
        await self.demo.ask(_CLOSE, ticket=self._cases[who.id].id)

    # -- an ordinary day at the desk --------------------------------------------------------

    async def _turns_to_us(self, who: sdk.Resident, matter: _Matter) -> None:
        said = {"subject": matter.subject, "body": matter.body, "topic": matter.topic}
        opened = await self.demo.ask(
            _OPEN,
            input={
                "customerId": who.id,
                "channel": self.demo.random.choice(("email", "chat", "phone", "web")),
                "type": matter.type,
                "priority": matter.priority,
                "causeId": who.last.get("order") or who.last.get("interaction"),
                **said,
            },
        )
        case = _Case(opened["ticket"]["id"], who)
        who.last["ticket"] = case.id
        self.demo.made["tickets"] += 1
        self._plan(0.2, 20, partial(self._answer, case, matter.answer))

    async def _answer(self, case: _Case, body: str) -> None:
        await self.demo.ask(_ASSIGN, ticket=case.id, who=case.resident.owner_id)
        await self._say(case, "STAFF", body)
        # Some never come back to it; their tickets stay open.
        if self.demo.random.random() < 0.9:
            self._plan(2, 70, partial(self._end, case))

    async def _end(self, case: _Case) -> None:
        await self._solve(case)
        score = self.demo.random.choices((1, 2, 3, 4, 5), (1, 1, 2, 6, 8))[0]
        if score in _BAD:
            self._plan(1, 60, partial(self._make_good, case, score, _COMMENTS[score]))
            return
        if self.demo.random.random() < 0.6:
            self._plan(1, 60, partial(self._rate, case, score, _COMMENTS.get(score)))
        self._plan(72, 140, partial(self.demo.ask, _CLOSE, ticket=case.id))

    async def _say(self, case: _Case, author: str, body: str) -> None:
        await self.demo.ask(_REPLY, ticket=case.id, author=author, body=body)

    async def _solve(self, case: _Case) -> None:
        solved = await self.demo.ask(_SOLVE, ticket=case.id)
        case.token = solved["solve"]["ratingToken"]
        self.demo.made["tickets solved"] += 1

    async def _rate(self, case: _Case, score: int, comment: str | None) -> None:
        await self.demo.ask(_RATE, token=case.token, score=score, comment=comment)
        self.demo.made["ratings"] += 1

    async def _make_good(self, case: _Case, score: int, comment: str | None) -> None:
        """Takes a bad rating, and tries again."""
        await self._rate(case, score, comment)
        self._plan(0.2, 6, partial(self._answer, case, _SORRY))

    def _plan(self, least: float, most: float, action: Callable[[], Awaitable[Any]]) -> None:
        """Has something done within some hours from now."""
        hours = self.demo.random.uniform(least, most)
        self.demo.later(self.demo.clock.now() + timedelta(hours=hours), action)
