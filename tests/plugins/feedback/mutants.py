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
            "test_thread.py::test_nobody_solves_a_ticket_that_nobody_has",
        ),
        Broken(
            "the customer is told before a ticket is closed",
            "    if ticket.state is TicketState.SOLVED and ticket.told_at is None:",
            "    if False:",
            "test_thread.py::test_a_ticket_is_closed_only_after_the_customer_has_been_told",
        ),
    ),
    "plugins/crmkit_feedback/service/steps.py": (
        Broken(
            "states follow one another as the machine says",
            "    if to not in MOVES[ticket.state]:",
            "    if False:",
            "test_bad_inputs.py::test_bad_inputs_are_named_and_change_nothing",
        ),
        Broken(
            "a word after the end opens a ticket that follows",
            "        return follow_up(context, ticket, cause_id or ticket.id)",
            "        return ticket.id",
            "test_ratings.py::test_a_low_score_of_a_closed_ticket_opens_one_that_follows",
        ),
        Broken(
            "the customer's word reopens what was solved",
            "    if ticket.state in _ANSWERED_BY_CUSTOMERS:",
            "    if ticket.state is TicketState.PENDING:",
            "test_ratings.py::test_a_low_score_takes_a_solved_ticket_up_again",
        ),
        Broken(
            "the customer's word asks to be told again",
            "    said = {Ticket.told_at: None, Ticket.asked_at: ticket.asked_at or context.clock.now()}",
            "    said = {Ticket.asked_at: ticket.asked_at or context.clock.now()}",
            "test_ratings.py::test_a_low_score_takes_a_solved_ticket_up_again",
        ),
        Broken(
            "a resolution takes as long as it took",
            "        took = seconds(ticket.created_at, now)",
            "        took = 0",
            "test_states.py::test_a_ticket_goes_only_where_the_rules_lead",
        ),
    ),
    "plugins/crmkit_feedback/service/ratings.py": (
        Broken(
            "a solution is rated once",
            "    if await repository.is_rated(context, solve_id):",
            "    if False:",
            "test_ratings.py::test_a_solution_is_rated_once",
        ),
        Broken(
            "a low score takes the matter up again",
            "    if input.score <= context.config.low_score:",
            "    if input.score < context.config.low_score:",
            "test_ratings.py::test_a_low_score_takes_a_solved_ticket_up_again",
        ),
    ),
    "plugins/crmkit_feedback/service/thread.py": (
        Broken(
            "the first response is the first",
            "    if ticket.asked_at is not None and ticket.first_responded_at is None:",
            "    if ticket.asked_at is not None:",
            "test_thread.py::test_the_first_response_is_timed_once",
        ),
        Broken(
            "what we say among ourselves is internal",
            "    staff, internal = TicketAuthor.STAFF, TicketAudience.INTERNAL",
            "    staff, internal = TicketAuthor.STAFF, TicketAudience.PUBLIC",
            "test_thread.py::test_what_is_said_stands_in_order_and_notes_are_ours",
        ),
    ),
}
