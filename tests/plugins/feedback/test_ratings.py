from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from crmkit.testing import crm
from crmkit_feedback.plugin import Feedback
from tests.plugins.feedback.desk import act, document, refused, solve, solved_ticket, ticket
from tests.plugins.shop import add_customer

if TYPE_CHECKING:
    from crmkit.testing import Trial

pytestmark = pytest.mark.anyio


async def test_a_solution_is_rated_once(t: Trial) -> None:
    opened, token = await solved_ticket(t, await add_customer(t))
    await act(t, "rateTicket", token=token, score=5, comment=" Quick! ")
    again = await refused(t, "rateTicket", token=token, score=1)
    assert (again["code"], again["reason"]) == ("REFUSED", "feedback.already_rated")
    found = await ticket(t, opened)
    [solution] = found["solves"]["nodes"]
    assert (solution["score"], solution["comment"]) == (5, "Quick!")
    assert solution["ratedAt"] == "2026-01-01T00:00:00.000000Z"
    assert solution["ratingToken"] is None
    assert found["state"] == "SOLVED"


async def test_of_many_clicks_on_one_link_one_counts(t: Trial) -> None:
    _, token = await solved_ticket(t, await add_customer(t))
    asked = [{"input": {"token": token, "score": 4}} for _ in range(8)]
    answers = await asyncio.gather(*[t.answer(document("rateTicket"), each) for each in asked])
    failed = [each["errors"][0]["extensions"]["reason"] for each in answers if "errors" in each]
    assert failed == ["feedback.already_rated"] * 7


async def test_a_link_ends_when_its_time_is_over(engine: str) -> None:
    async with crm(Feedback, config={"feedback": {"rating_days": 3}}, engine=engine) as t:
        opened, token = await solved_ticket(t, await add_customer(t))
        [solution] = (await ticket(t, opened))["solves"]["nodes"]
        assert solution["rateableUntil"] == "2026-01-04T00:00:00.000000Z"
        t.clock.move(days=3)
        late = await refused(t, "rateTicket", token=token, score=5)
        assert (late["code"], late["reason"]) == ("REFUSED", "core.token_expired")
        [solution] = (await ticket(t, opened))["solves"]["nodes"]
        assert (solution["ratingToken"], solution["score"]) == (None, None)
        t.clock.move(seconds=-1)
        await act(t, "rateTicket", token=token, score=5)


async def test_a_token_that_was_altered_rates_nothing(t: Trial) -> None:
    opened, token = await solved_ticket(t, await add_customer(t))
    flipped = "B" if token[0] != "B" else "C"
    for forged in ("", "x", "äöü", opened, flipped + token[1:], token[:-8] + "AAAAAAAA"):
        wrong = await refused(t, "rateTicket", token=forged, score=1)
        assert (wrong["code"], wrong["reason"]) == ("INVALID", "core.token_unknown"), forged
        assert wrong["problems"][0]["field"] == ["input", "token"]
    assert (await ticket(t, opened))["state"] == "SOLVED"


async def test_a_token_of_another_secret_rates_nothing(engine: str) -> None:
    async with crm(Feedback, engine=engine, secret="another") as t:
        _, stolen = await solved_ticket(t, await add_customer(t))
    async with crm(Feedback, engine=engine) as t:
        await solved_ticket(t, await add_customer(t))
        wrong = await refused(t, "rateTicket", token=stolen, score=1)
        assert wrong["reason"] == "core.token_unknown"


@pytest.mark.parametrize(("score", "state"), [(1, "OPEN"), (2, "OPEN"), (3, "SOLVED")])
async def test_a_low_score_takes_a_solved_ticket_up_again(t: Trial, score: int, state: str) -> None:
    opened, token = await solved_ticket(t, await add_customer(t))
    await act(t, "replyToTicket", ticketId=opened, body="Done.")
    assert await act(t, "rateTicket", token=token, score=score) == opened
    found = await ticket(t, opened)
    assert (found["state"], found["toldAt"] is None) == (state, state == "OPEN")
    if state == "OPEN":
        solution = {"id": found["solves"]["nodes"][0]["id"]}
        last = found["changes"]["nodes"][-1]
        assert last == {"fromState": "SOLVED", "toState": "OPEN", "cause": solution}


async def test_a_low_score_of_a_closed_ticket_opens_one_that_follows(t: Trial) -> None:
    closed, token = await solved_ticket(t, await add_customer(t), closed=True)
    new = await act(t, "rateTicket", token=token, score=1, comment="Broken again")
    before, after = await ticket(t, closed), await ticket(t, new)
    assert (before["state"], before["followedBy"]) == ("CLOSED", {"nodes": [{"id": new}]})
    assert (after["state"], after["follows"]) == ("NEW", {"id": closed})
    assert after["cause"] == {"id": before["solves"]["nodes"][0]["id"]}


async def test_a_low_score_changes_nothing_where_the_company_says_so(engine: str) -> None:
    async with crm(Feedback, config={"feedback": {"low_score": 0}}, engine=engine) as t:
        opened, token = await solved_ticket(t, await add_customer(t))
        await act(t, "rateTicket", token=token, score=1)
        assert (await ticket(t, opened))["state"] == "SOLVED"


async def test_every_solution_has_a_rating_of_its_own(t: Trial) -> None:
    opened, first = await solved_ticket(t, await add_customer(t))
    await act(t, "rateTicket", token=first, score=1)
    t.clock.move(days=1)
    second = await solve(t, opened)
    await act(t, "rateTicket", token=second, score=5)
    scores = [each["score"] for each in (await ticket(t, opened))["solves"]["nodes"]]
    assert scores == [5, 1]
    good = await t.gql("{ ticketSolves(where: {score: {gte: 4}}) { nodes { score } } }")
    assert good["ticketSolves"]["nodes"] == [{"score": 5}]
