"""Tables: webhooks, their secrets, what is on its way to them, and each try."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, Text
from sqlalchemy.orm import Mapped

from crmkit import sdk

LONGEST_EXCERPT = 500


@sdk.enum
class WebhookState(Enum):
    """Whether a webhook is told of events."""

    ACTIVE = "active"
    """It is told."""
    PAUSED = "paused"
    """Somebody paused it; what happens meanwhile waits."""
    DISABLED = "disabled"
    """Its receiver is gone or has failed for too long; of what happens meanwhile it is not told."""


@sdk.enum
class WebhookDeliveryState(Enum):
    """What became of a delivery."""

    WAITING = "waiting"
    """It waits for its next try."""
    DELIVERED = "delivered"
    """The receiver has taken it."""
    DEAD = "dead"
    """It failed too often; it can be replayed."""
    WITHHELD = "withheld"
    """It was about nothing that the webhook's role may see."""


class Webhook(sdk.Versioned):
    """Another system that is told of events, as far as a role may see them."""

    __tablename__ = "webhooks_webhook"
    __scope__ = sdk.unscoped("a webhook is the company's, and reads by a role of its own")

    url: Mapped[str] = sdk.column(Text, personal=False, doc="Where messages are posted.")
    events: Mapped[list[str]] = sdk.column(
        sdk.Json, personal=False, doc="The events that it is told of, such as core.CustomersMoved."
    )
    role_id: Mapped[str] = sdk.column(
        ForeignKey("role.id"), doc="The role that says what may be told."
    )
    where: Mapped[dict[str, Any] | None] = sdk.column(
        sdk.Json,
        personal=True,
        default=None,
        doc="Of which records it is told; of all, unless said.",
    )
    state: Mapped[WebhookState] = sdk.column(
        sdk.Choice(WebhookState),
        filterable=True,
        default=WebhookState.ACTIVE,
        doc="Whether it is told.",
    )
    problem: Mapped[str | None] = sdk.column(
        Text, personal=False, default=None, doc="Why it was disabled."
    )
    failing_since: Mapped[datetime | None] = sdk.column(
        sdk.UtcDateTime, default=None, doc="Since when every try has failed."
    )


class WebhookSecret(sdk.Record):
    """That a secret is valid; what it is follows from its id and is stored nowhere."""

    __tablename__ = "webhooks_secret"
    __scope__ = sdk.unscoped("nobody reads it but the webhook's own deliveries")

    webhook_id: Mapped[str] = sdk.column(ForeignKey("webhooks_webhook.id"), doc="Whose it is.")
    ends_at: Mapped[datetime | None] = sdk.column(
        sdk.UtcDateTime, default=None, doc="When it ends, once it was replaced."
    )


class WebhookDelivery(sdk.Versioned):
    """An event on its way to a webhook; its id is the message's, whatever the try."""

    __tablename__ = "webhooks_delivery"
    __audited__ = False
    __erasure__ = "mention"
    __scope__ = sdk.unscoped("a delivery is its webhook's, and is sent by the webhook's role")
    __table_args__ = (Index("ix_webhooks_delivery_webhook_id", "webhook_id", "created_at", "id"),)

    webhook_id: Mapped[str] = sdk.column(ForeignKey("webhooks_webhook.id"), doc="Who is told.")
    event: Mapped[str] = sdk.column(
        sdk.Code, personal=False, filterable=True, doc="What happened, such as core.CustomersMoved."
    )
    event_version: Mapped[int] = sdk.column(Integer, doc="Which form the event has.")
    sequence: Mapped[int] = sdk.column(
        BigInteger, doc="Orders the messages about a record: later events have higher ones."
    )
    record: Mapped[str] = sdk.column(
        sdk.Code, personal=False, doc="The record whose events keep their order."
    )
    payload: Mapped[dict[str, Any]] = sdk.column(
        sdk.Json, personal=True, doc="The ids and changed fields of the event."
    )
    happened_at: Mapped[datetime] = sdk.column(sdk.UtcDateTime, doc="When it happened.")
    request_id: Mapped[str | None] = sdk.column(
        sdk.Code, personal=False, default=None, doc="In which request it happened."
    )
    state: Mapped[WebhookDeliveryState] = sdk.column(
        sdk.Choice(WebhookDeliveryState),
        filterable=True,
        default=WebhookDeliveryState.WAITING,
        doc="What became of it.",
    )
    tries: Mapped[int] = sdk.column(Integer, default=0, doc="How often it was tried.")
    next_try_at: Mapped[datetime | None] = sdk.column(
        sdk.UtcDateTime, default=None, doc="When it is tried next; nothing if it is over."
    )


class WebhookAttempt(sdk.Record):
    """One try to deliver something."""

    __tablename__ = "webhooks_attempt"
    __audited__ = False
    __erasure__ = "mention"
    __scope__ = sdk.unscoped("a try is its delivery's")
    __table_args__ = (Index("ix_webhooks_attempt_delivery_id", "delivery_id", "created_at", "id"),)

    delivery_id: Mapped[str] = sdk.column(ForeignKey("webhooks_delivery.id"), doc="Of what.")
    status: Mapped[int | None] = sdk.column(
        Integer, default=None, doc="What the receiver answered; nothing if it did not."
    )
    milliseconds: Mapped[int] = sdk.column(Integer, doc="How long the answer took.")
    said: Mapped[str] = sdk.column(
        Text, personal=True, doc="The beginning of its answer, or why there was none."
    )
