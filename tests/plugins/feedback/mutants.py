"""Rules of feedback, each broken in one line, which a test here has to notice."""

from __future__ import annotations

from collections.abc import Mapping

from tests.house.mutants import Broken

MUTANTS: Mapping[str, tuple[Broken, ...]] = {
    "plugins/crmkit_feedback/service/desk.py": (
        Broken(
            "who solves a ticket answers for it",
            "    if ticket.assignee_id is None:",
            "    if False:",
        ),
        Broken(
            "the customer is told before a ticket is closed",
            "    if ticket.state is TicketState.SOLVED and ticket.told_at is None:",
            "    if False:",
        ),
    ),
    "plugins/crmkit_feedback/service/steps.py": (
        Broken(
            "states follow one another as the machine says",
            "    if to not in MOVES[ticket.state]:",
            "    if False:",
        ),
        Broken(
            "a word after the end opens a ticket that follows",
            "        return follow_up(context, ticket, cause_id or ticket.id)",
            "        return ticket.id",
        ),
        Broken(
            "the customer's word reopens what was solved",
            "    if ticket.state in _ANSWERED_BY_CUSTOMERS:",
            "    if ticket.state is TicketState.PENDING:",
        ),
        Broken(
            "the customer's word asks to be told again",
            "    said = {Ticket.told_at: None, Ticket.asked_at: ticket.asked_at or context.clock.now()}",
            "    said = {Ticket.asked_at: ticket.asked_at or context.clock.now()}",
        ),
        Broken(
            "a resolution takes as long as it took",
            "        took = seconds(ticket.created_at, now)",
            "        took = 0",
        ),
    ),
    "plugins/crmkit_feedback/service/ratings.py": (
        Broken(
            "a solution is rated once",
            "    if await repository.is_rated(context, solve_id):",
            "    if False:",
        ),
        Broken(
            "a low score takes the matter up again",
            "    if input.score <= context.config.low_score:",
            "    if input.score < context.config.low_score:",
        ),
    ),
    "plugins/crmkit_feedback/service/thread.py": (
        Broken(
            "the first response is the first",
            "    if ticket.asked_at is not None and ticket.first_responded_at is None:",
            "    if ticket.asked_at is not None:",
        ),
        Broken(
            "what we say among ourselves is internal",
            "    staff, internal = TicketAuthor.STAFF, TicketAudience.INTERNAL",
            "    staff, internal = TicketAuthor.STAFF, TicketAudience.PUBLIC",
        ),
    ),
}
