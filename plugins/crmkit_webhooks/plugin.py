"""The plugin webhooks: what it brings, and that it hears of what webhooks want to hear."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmkit import sdk
from crmkit_webhooks import service, types
from crmkit_webhooks.config import Context, WebhooksConfig

if TYPE_CHECKING:
    from collections.abc import Sequence


class Webhooks(sdk.Plugin):
    """Other systems are told what happens here."""

    name = "webhooks"
    version = "1.0"
    words = ("webhook",)
    requires_sdk = ">=1,<2"
    Config = WebhooksConfig

    def register_schema(self, schema: sdk.SchemaBuilder) -> None:
        schema.add(types.Webhook, types.WebhookDelivery, types.WebhookAttempt)
        schema.add(service.create_webhook, service.update_webhook, service.delete_webhook)
        schema.add(service.pause_webhook, service.resume_webhook)
        schema.add(service.rotate_webhook_secret, service.replay_webhook_delivery)

    def register_permissions(self, permissions: sdk.PermissionBuilder) -> None:
        # Whoever makes one has data sent elsewhere, so only admins do unless a company says more.
        permissions.add("webhooks.webhook.read", "See webhooks.", roles=("manager",))
        permissions.add("webhooks.webhook.create", "Have other systems told of events.", roles=())
        permissions.add("webhooks.webhook.update", "Change, pause and resume webhooks.", roles=())
        permissions.add("webhooks.webhook.delete", "End webhooks.", roles=())
        permissions.add(
            "webhooks.delivery.read", "See what webhooks were told.", roles=("manager",)
        )
        permissions.add("webhooks.delivery.replay", "Send deliveries once more.", roles=())

    def register_events(self, events: sdk.EventBuilder) -> None:
        events.every(hear, wants=service.wanted)

    def register_jobs(self, jobs: sdk.JobBuilder) -> None:
        jobs.job(service.deliver)
        jobs.every(hours=1)(service.forget_old)


async def hear(context: Context, happenings: Sequence[sdk.Happening]) -> None:
    """Has webhooks told of what they want to hear of."""
    await service.hear(context, happenings)
