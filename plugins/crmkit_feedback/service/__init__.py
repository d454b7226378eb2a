"""The rules of tickets: how they come, what is said in them, what becomes of them."""

from crmkit_feedback.service.desk import (
    assign_ticket,
    close_ticket,
    hold_ticket,
    resume_ticket,
    solve_ticket,
    sort_ticket,
)
from crmkit_feedback.service.opening import open_tickets
from crmkit_feedback.service.ratings import rate_ticket
from crmkit_feedback.service.thread import note_on_ticket, reply_to_ticket

__all__ = [
    "assign_ticket",
    "close_ticket",
    "hold_ticket",
    "note_on_ticket",
    "open_tickets",
    "rate_ticket",
    "reply_to_ticket",
    "resume_ticket",
    "solve_ticket",
    "sort_ticket",
]
