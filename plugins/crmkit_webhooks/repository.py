"""The statements of webhooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, or_, select

from crmkit import sdk
from crmkit_webhooks.models import (
    Webhook,
    WebhookAttempt,
    WebhookDelivery,
    WebhookDeliveryState,
    WebhookSecret,
    WebhookState,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from crmkit_webhooks.config import Context


@sdk.statement
def listening() -> Select[str, list[str]]:
    """The webhooks that are told of anything, with the events that they are told of."""
    return select(Webhook.id, Webhook.events).where(Webhook.state != WebhookState.DISABLED)


def held(webhook_id: str) -> Select[int, list[str], str, dict[str, Any] | None]:
    """A webhook, held so that nobody changes it meanwhile."""
    columns = (Webhook.version, Webhook.events, Webhook.role_id, Webhook.where)
    return select(*columns).where(Webhook.id == webhook_id).with_for_update()


def of_delivery(delivery_id: str) -> Any:
    """A delivery, and the webhook to which it goes."""
    return (
        select(
            *(WebhookDelivery.id, WebhookDelivery.state, WebhookDelivery.tries),
            *(WebhookDelivery.event, WebhookDelivery.event_version, WebhookDelivery.sequence),
            *(WebhookDelivery.record, WebhookDelivery.payload, WebhookDelivery.happened_at),
            *(WebhookDelivery.request_id, Webhook.id, Webhook.state, Webhook.url, Webhook.role_id),
            *(Webhook.where, Webhook.failing_since),
        )
        .join(Webhook, Webhook.id == WebhookDelivery.webhook_id)
        .where(WebhookDelivery.id == delivery_id)
    )


def valid_secrets(webhook_id: str, now: datetime) -> Select[str]:
    """The secrets with which messages are signed, the newest first."""
    return (
        select(WebhookSecret.id)
        .where(WebhookSecret.webhook_id == webhook_id)
        .where(or_(WebhookSecret.ends_at.is_(None), WebhookSecret.ends_at > now))
        .order_by(WebhookSecret.id.desc())
    )


def waiting(webhook_id: str) -> Select[str]:
    """What waits for a webhook."""
    is_waiting = WebhookDelivery.state == WebhookDeliveryState.WAITING
    return (
        select(WebhookDelivery.id)
        .where(WebhookDelivery.webhook_id == webhook_id, is_waiting)
        .order_by(WebhookDelivery.id)
    )


def over(before: datetime, limit: int) -> Select[str]:
    """Deliveries that have been over since then."""
    return (
        select(WebhookDelivery.id)
        .where(WebhookDelivery.state != WebhookDeliveryState.WAITING)
        .where(WebhookDelivery.updated_at < before)
        .order_by(WebhookDelivery.updated_at)
        .limit(limit)
    )


def end_secrets(context: Context, webhook_id: str, at: datetime) -> None:
    """Has the secrets of a webhook end, unless they do already."""
    context.write.update(
        WebhookSecret,
        where=(WebhookSecret.webhook_id == webhook_id) & WebhookSecret.ends_at.is_(None),
        set={WebhookSecret.ends_at: at},
    )


def forget(context: Context, ids: Sequence[str]) -> None:
    """Takes deliveries out of the log, with their tries."""
    context.write.delete(WebhookAttempt, where=WebhookAttempt.delivery_id.in_(ids))
    context.write.delete(WebhookDelivery, where=WebhookDelivery.id.in_(ids))


def remove(context: Context, webhook_id: str) -> None:
    """Takes a webhook away with all that is its own."""
    own = select(WebhookDelivery.id).where(WebhookDelivery.webhook_id == webhook_id)
    context.write.delete(WebhookAttempt, where=WebhookAttempt.delivery_id.in_(own))
    context.write.delete(WebhookDelivery, where=WebhookDelivery.webhook_id == webhook_id)
    context.write.delete(WebhookSecret, where=WebhookSecret.webhook_id == webhook_id)
    context.write.delete(Webhook, where=Webhook.id == webhook_id)
