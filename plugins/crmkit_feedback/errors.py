"""What can go wrong with tickets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmkit import sdk

if TYPE_CHECKING:
    from collections.abc import Iterable


class UnknownKey(sdk.Invalid):
    """Nobody has named such a type, priority, queue, topic or channel."""

    def __init__(self, field: str, key: str, known: Iterable[str] = ()) -> None:
        params = {"key": key, "known": sorted(known)}
        super().__init__(f"There is no {field} {key[:80]!r}.", field=field, params=params)


class WrongState(sdk.Refused):
    """A ticket goes from state to state, and not every way is open."""

    reason = "feedback.wrong_state"

    def __init__(self, state: str, wanted: str) -> None:
        super().__init__(
            f"This ticket is {_words(state)}, and that does not lead to {_words(wanted)}.",
            field="ticketId",
            params={"state": state.upper(), "wanted": wanted.upper()},
        )


class TicketClosed(sdk.Refused):
    """A closed ticket stays as it is; what comes after it is another one."""

    reason = "feedback.ticket_closed"

    def __init__(self) -> None:
        super().__init__("This ticket is closed and does not change any more.", field="ticketId")


class NeedsAssignee(sdk.Refused):
    """Somebody answers for every ticket that is solved."""

    reason = "feedback.needs_assignee"

    def __init__(self, field: str = "ticketId") -> None:
        super().__init__(
            "A solved ticket is somebody's: assign it to the colleague who solves it.", field=field
        )


class CustomerNotTold(sdk.Refused):
    """No ticket is closed over the head of a customer who still waits for a word."""

    reason = "feedback.customer_not_told"

    def __init__(self) -> None:
        super().__init__(
            "Nobody has answered the customer since the customer last spoke; reply, then close.",
            field="ticketId",
        )


class AssigneeInactive(sdk.Refused):
    """Who has left looks after no ticket."""

    reason = "feedback.assignee_inactive"

    def __init__(self) -> None:
        super().__init__("This colleague does not work here any more.", field="assigneeId")


class AlreadyRated(sdk.Refused):
    """Each solution is rated once."""

    reason = "feedback.already_rated"

    def __init__(self) -> None:
        super().__init__("This answer has been rated already; a link counts once.", field="token")


def _words(state: str) -> str:
    return state.replace("_", " ")
