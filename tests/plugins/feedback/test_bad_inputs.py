from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.plugins.feedback.desk import act, add_user, open_ticket, refused, solve, solved_ticket
from tests.plugins.shop import add_customer, row_counts

if TYPE_CHECKING:
    from crmkit.testing import Trial

pytestmark = pytest.mark.anyio

NOBODY = "customer_01h455vb4pex5vsknk084sn02q"
NOTHING = "feedback_ticket_01h455vb4pex5vsknk084sn02q"
STRANGER = "app_user_01h455vb4pex5vsknk084sn02q"
LONG = "x" * 20_001

BAD: list[tuple[str, dict[str, Any], str, str]] = [
    ("openTicket", {"customerId": NOBODY}, "NOT_FOUND", "customerId"),
    ("openTicket", {"customerId": NOTHING}, "INVALID", "customerId"),
    ("openTicket", {"channel": "pigeon"}, "INVALID", "channel"),
    ("openTicket", {"body": " "}, "INVALID", "body"),
    ("openTicket", {"body": LONG}, "INVALID", "body"),
    ("openTicket", {"subject": "x" * 201}, "INVALID", "subject"),
    ("openTicket", {"type": "riddle"}, "INVALID", "type"),
    ("openTicket", {"priority": "riddle"}, "INVALID", "priority"),
    ("openTicket", {"queue": "riddle"}, "INVALID", "queue"),
    ("openTicket", {"topic": "No key"}, "INVALID", "topic"),
    ("openTicket", {"assigneeId": STRANGER}, "NOT_FOUND", "assigneeId"),
    ("openTicket", {"causeId": NOTHING}, "NOT_FOUND", "causeId"),
    ("replyToTicket", {"ticketId": NOTHING}, "NOT_FOUND", "ticketId"),
    ("replyToTicket", {"ticketId": NOBODY}, "INVALID", "ticketId"),
    ("replyToTicket", {"body": ""}, "INVALID", "body"),
    ("replyToTicket", {"body": LONG}, "INVALID", "body"),
    ("noteOnTicket", {"ticketId": NOTHING}, "NOT_FOUND", "ticketId"),
    ("noteOnTicket", {"body": "\n"}, "INVALID", "body"),
    ("noteOnTicket", {"body": LONG}, "INVALID", "body"),
    ("assignTicket", {"ticketId": NOTHING}, "NOT_FOUND", "ticketId"),
    ("assignTicket", {"assigneeId": STRANGER}, "NOT_FOUND", "assigneeId"),
    ("assignTicket", {"queue": "riddle"}, "INVALID", "queue"),
    ("assignTicket", {"queue": None}, "INVALID", "queue"),
    ("assignTicket", {"version": 7}, "CONFLICT", "version"),
    ("sortTicket", {"ticketId": NOTHING}, "NOT_FOUND", "ticketId"),
    ("sortTicket", {"type": "riddle"}, "INVALID", "type"),
    ("sortTicket", {"type": None}, "INVALID", "type"),
    ("sortTicket", {"priority": "riddle"}, "INVALID", "priority"),
    ("sortTicket", {"topic": "No key"}, "INVALID", "topic"),
    ("sortTicket", {"version": 7}, "CONFLICT", "version"),
    ("holdTicket", {"ticketId": NOTHING}, "NOT_FOUND", "ticketId"),
    ("holdTicket", {}, "REFUSED", "ticketId"),
    ("resumeTicket", {"ticketId": NOTHING}, "NOT_FOUND", "ticketId"),
    ("solveTicket", {"ticketId": NOTHING}, "NOT_FOUND", "ticketId"),
    ("solveTicket", {}, "REFUSED", "ticketId"),
    ("closeTicket", {"ticketId": NOTHING}, "NOT_FOUND", "ticketId"),
    ("closeTicket", {}, "REFUSED", "ticketId"),
    ("rateTicket", {"token": "riddle"}, "INVALID", "token"),
    ("rateTicket", {"score": 0}, "INVALID", "score"),
    ("rateTicket", {"score": 6}, "INVALID", "score"),
    ("rateTicket", {"comment": LONG}, "INVALID", "comment"),
]


async def test_bad_inputs_are_named_and_change_nothing(t: Trial) -> None:
    anna = await add_customer(t)
    new = await open_ticket(t, anna)
    _, token = await solved_ticket(t, anna)
    one = {"ticketId": new}
    good: dict[str, dict[str, Any]] = {
        "openTicket": {"customerId": anna, "channel": "email", "body": "Hello"},
        "replyToTicket": {**one, "body": "Hello"},
        "noteOnTicket": {**one, "body": "Hello"},
        "assignTicket": {**one, "queue": "support"},
        "sortTicket": {**one, "type": "praise"},
        "holdTicket": {**one, "waitFor": "CUSTOMER"},
        "rateTicket": {"token": token, "score": 3},
    }
    for operation, bad, code, field in BAD:
        before = await row_counts(t)
        extensions = await refused(t, operation, **{**good.get(operation, one), **bad})
        assert (extensions["code"], extensions["problems"][0]["field"]) == (
            code,
            ["input", field],
        ), (operation, bad)
        assert await row_counts(t) == before


async def test_who_changes_nothing_is_told_so(t: Trial) -> None:
    opened = await open_ticket(t, await add_customer(t))
    for operation, field in (("assignTicket", "assigneeId"), ("sortTicket", "type")):
        wrong = await refused(t, operation, ticketId=opened)
        assert wrong["problems"][0]["field"] == ["input", field]


async def test_a_step_that_is_not_open_names_both_ends(t: Trial) -> None:
    opened = await open_ticket(t, await add_customer(t), assigneeId=await add_user(t))
    wrong = await refused(t, "closeTicket", ticketId=opened)
    assert wrong["reason"] == "feedback.wrong_state"
    assert wrong["problems"][0]["params"] == {"state": "OPEN", "wanted": "CLOSED"}
    await solve(t, opened)
    wrong = await refused(t, "solveTicket", ticketId=opened)
    assert wrong["problems"][0]["params"] == {"state": "SOLVED", "wanted": "SOLVED"}
    assert await act(t, "resumeTicket", ticketId=opened) == opened
