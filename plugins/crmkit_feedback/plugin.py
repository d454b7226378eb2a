"""The plugin feedback: what it brings."""

from __future__ import annotations

from crmkit import sdk
from crmkit_feedback import models, service, types
from crmkit_feedback.config import FeedbackConfig
from crmkit_feedback.demo import FeedbackDemo


class Feedback(sdk.Plugin):
    """What customers want from us, and how they like what they get."""

    name = "feedback"
    version = "1.0"
    words = ("ticket",)
    requires_sdk = ">=1,<2"
    works_with = ("orders>=1",)
    Config = FeedbackConfig
    Demo = FeedbackDemo

    def register_schema(self, schema: sdk.SchemaBuilder) -> None:
        schema.add(types.Ticket, types.TicketMessage, types.TicketChange, types.TicketSolve)
        schema.add(types.CustomerFeedback, types.InteractionFeedback, types.OrderFeedback)
        schema.add(service.open_tickets, service.reply_to_ticket, service.note_on_ticket)
        schema.add(service.assign_ticket, service.sort_ticket, service.hold_ticket)
        schema.add(service.resume_ticket, service.solve_ticket, service.close_ticket)
        schema.add(service.rate_ticket)
        schema.live(
            "ticketsChanged",
            types.Ticket,
            on=(
                types.TicketsOpened,
                types.TicketSolved,
                types.TicketReopened,
                types.TicketClosed,
                types.TicketRated,
            ),
            description="Tickets were opened, solved, reopened, closed or rated.",
        )
        schema.timeline(types.Ticket, at=models.Ticket.created_at, summary=types.summary)

    def register_permissions(self, permissions: sdk.PermissionBuilder) -> None:
        permissions.add("feedback.ticket.read", "See tickets and how they were liked.")
        permissions.add(
            "feedback.message.read", "See what was said in tickets.", roles=("manager", "support")
        )
        permissions.add(
            "feedback.ticket.open", "Open tickets.", roles=("manager", "sales", "support")
        )
        permissions.add(
            "feedback.ticket.reply",
            "Answer customers, and add what they say.",
            roles=("manager", "support"),
        )
        permissions.add(
            "feedback.ticket.note", "Leave notes on tickets.", roles=("manager", "sales", "support")
        )
        permissions.add(
            "feedback.ticket.assign",
            "Give tickets to colleagues and queues.",
            roles=("manager", "support"),
        )
        permissions.add(
            "feedback.ticket.sort",
            "Say what tickets are and how urgent.",
            roles=("manager", "support"),
        )
        permissions.add(
            "feedback.ticket.hold",
            "Let tickets wait, and take them up again.",
            roles=("manager", "support"),
        )
        permissions.add("feedback.ticket.solve", "Solve tickets.", roles=("manager", "support"))
        permissions.add("feedback.ticket.close", "Close tickets.", roles=("manager", "support"))
        permissions.add(
            "feedback.ticket.rate",
            "Rate solutions with the customer's token.",
            roles=("manager", "support", "public", "public_form"),
        )
        permissions.add(
            "feedback.rating.invite",
            "Get the tokens with which customers rate.",
            roles=("manager", "support"),
        )

    def register_events(self, events: sdk.EventBuilder) -> None:
        events.add(types.TicketsOpened, types.TicketSolved, types.TicketReopened)
        events.add(types.TicketClosed, types.TicketRated)
