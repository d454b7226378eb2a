from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from crmkit.testing import Trial, crm
from crmkit_feedback.plugin import Feedback
from tests.plugins.feedback.desk import add_user, document, open_ticket, ticket
from tests.plugins.shop import add_customer

WAITS = {"customer": ("CUSTOMER", "PENDING"), "other": ("THIRD_PARTY", "ON_HOLD")}
WORDS = "assign unassign tell hear note customer other resume solve solve close good bad wait"
STEPS = st.lists(st.sampled_from(WORDS.split()), max_size=12)


class Model:
    """What the rules say of one ticket, in plain words; each step says whether it may be."""

    def __init__(self) -> None:
        self.state, self.owned, self.told = "NEW", False, False
        self.age, self.took = 0, None
        self.response: int | None = None
        self.reopened, self.followers, self.rated = 0, 0, True

    def assign(self) -> bool:
        if self.state == "CLOSED":
            return False
        self.owned = True
        self.state = "OPEN" if self.state == "NEW" else self.state
        return True

    def unassign(self) -> bool:
        if self.state in ("SOLVED", "CLOSED"):
            return False
        self.owned = False
        return True

    def tell(self) -> bool:
        if self.state == "CLOSED":
            return False
        self.told = True
        self.response = self.age if self.response is None else self.response
        self.state = "OPEN" if self.state == "NEW" else self.state
        return True

    def hear(self) -> bool:
        if self.state == "CLOSED":
            self.followers += 1
            return True
        self.told = False
        if self.state in ("PENDING", "SOLVED"):
            self._open()
        return True

    def note(self) -> bool:
        return True

    def customer(self) -> bool:
        return self._hold("PENDING")

    def other(self) -> bool:
        return self._hold("ON_HOLD")

    def resume(self) -> bool:
        if self.state in ("OPEN", "CLOSED"):
            return False
        self._open()
        return True

    def solve(self) -> bool:
        if not self.owned or self.state not in ("OPEN", "PENDING", "ON_HOLD"):
            return False
        self.state, self.took, self.rated = "SOLVED", self.age, False
        return True

    def close(self) -> bool:
        if self.state != "SOLVED" or not self.told:
            return False
        self.state = "CLOSED"
        return True

    def good(self) -> bool:
        rateable, self.rated = not self.rated, True
        return rateable

    def bad(self) -> bool:
        return self.good() and self.hear()

    def _hold(self, state: str) -> bool:
        if self.state not in ("OPEN", "PENDING", "ON_HOLD") or self.state == state:
            return False
        self.state = state
        return True

    def _open(self) -> None:
        self.reopened += self.state == "SOLVED"
        self.state, self.took = "OPEN", None


def test_a_ticket_goes_only_where_the_rules_lead(engine: str) -> None:
    @settings(max_examples=15)
    @given(STEPS)
    def always(steps: list[str]) -> None:
        runner.run(_story(t, steps))

    with asyncio.Runner() as runner:
        opened = crm(Feedback, engine=engine)
        t = runner.run(opened.__aenter__())
        always()
        runner.run(opened.__aexit__(None, None, None))


async def _story(t: Trial, steps: list[str]) -> None:
    model, olga = Model(), await add_user(t)
    opened, token = await open_ticket(t, await add_customer(t)), "none yet"
    for step in steps:
        if step == "wait":
            t.clock.move(minutes=1)
            model.age += 60
            continue
        operation, said = _asked(step, opened, olga, token)
        answer = await t.answer(document(operation, _selected(step)), {"input": said})
        assert ("errors" not in answer) == getattr(model, step)(), (steps, step)
        if step == "solve" and "errors" not in answer:
            token = answer["data"]["solveTicket"]["solve"]["ratingToken"]
    _agree(model, await ticket(t, opened))


def _asked(step: str, opened: str, olga: str, token: str) -> tuple[str, dict[str, Any]]:
    if step in ("good", "bad"):
        return "rateTicket", {"token": token, "score": 5 if step == "good" else 1}
    one = {"ticketId": opened}
    if step in WAITS:
        return "holdTicket", {**one, "waitFor": WAITS[step][0]}
    asked: dict[str, tuple[str, dict[str, Any]]] = {
        "assign": ("assignTicket", {"assigneeId": olga}),
        "unassign": ("assignTicket", {"assigneeId": None}),
        "tell": ("replyToTicket", {"body": "Well"}),
        "hear": ("replyToTicket", {"body": "Well?", "author": "CUSTOMER"}),
        "note": ("noteOnTicket", {"body": "Hm"}),
    }
    operation, said = asked.get(step, (f"{step}Ticket", {}))
    return operation, {**one, **said}


def _selected(step: str) -> str:
    return "ticket { id } solve { ratingToken }" if step == "solve" else "ticket { id }"


def _agree(model: Model, found: dict[str, Any]) -> None:
    assert (found["state"], found["assignee"] is not None) == (model.state, model.owned)
    assert (found["toldAt"] is not None) == model.told
    assert (found["firstResponseSeconds"], found["resolutionSeconds"]) == (
        model.response,
        model.took,
    )
    assert (found["solvedAt"] is None) == (model.took is None)
    assert (found["reopenings"], len(found["followedBy"]["nodes"])) == (
        model.reopened,
        model.followers,
    )
    # What stands in the ticket is what its steps lead to, one after the other.
    steps = [(each["fromState"], each["toState"]) for each in found["changes"]["nodes"]]
    assert [start for start, _ in steps] == [None, *[end for _, end in steps[:-1]]]
    assert steps[-1][1] == found["state"]
    assert len(found["solves"]["nodes"]) == sum(end == "SOLVED" for _, end in steps)
