"""How customers liked what was done: once for each solution, by a link of their own."""

from __future__ import annotations

from crmkit import sdk
from crmkit_feedback import errors, repository
from crmkit_feedback.config import Context
from crmkit_feedback.models import Rating
from crmkit_feedback.service.steps import hear, locked
from crmkit_feedback.types import RatedTicket, RateTicket, Ticket, TicketRated, TicketSolve


@sdk.mutation(permission="feedback.ticket.rate")
async def rate_ticket(context: Context, input: RateTicket) -> RatedTicket:
    """Say how a solution was; after a low score we take the matter up again."""
    solve_id = context.verify(input.token, purpose=repository.RATING)
    ticket_id = await repository.ticket_of(context, solve_id)
    if ticket_id is None:
        raise sdk.NotFound("What this token is about is not there any more.", field="token")
    ticket = await locked(context, ticket_id)
    # The ticket is held, so of two clicks on one link the second sees the first.
    if await repository.is_rated(context, solve_id):
        raise errors.AlreadyRated
    context.write.add(
        Rating(
            solve_id=solve_id,
            score=input.score,
            rated_at=context.clock.now(),
            comment=(input.comment or "").strip() or None,
        )
    )
    if input.score <= context.config.low_score:
        ticket_id = hear(context, ticket, solve_id)
    context.emit(TicketRated(ticket.id, solve_id, input.score))
    return RatedTicket(solve=sdk.ref(TicketSolve, solve_id), ticket=sdk.ref(Ticket, ticket_id))
