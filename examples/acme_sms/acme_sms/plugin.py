"""The plugin acme_sms: what it brings, and what it does once a message is committed."""

from __future__ import annotations

from acme_sms import service, types
from acme_sms.config import Context, SmsConfig
from crmkit import sdk


class AcmeSms(sdk.Plugin):
    """Text messages to customers."""

    name = "acme_sms"
    version = "1.0.0"
    words = ("sms",)
    requires_sdk = ">=1,<2"
    Config = SmsConfig

    def register_schema(self, schema: sdk.SchemaBuilder) -> None:
        schema.add(types.SmsMessage, types.CustomerSms, service.send_sms)

    def register_permissions(self, permissions: sdk.PermissionBuilder) -> None:
        permissions.add("acme_sms.message.read", "See what customers were texted.")
        permissions.add(
            "acme_sms.message.send", "Text customers.", roles=("manager", "sales", "support")
        )

    def register_events(self, events: sdk.EventBuilder) -> None:
        events.add(types.SmsQueued)
        events.on("acme_sms.SmsQueued")(send_queued)


async def send_queued(context: Context, event: types.SmsQueued) -> None:
    """Sends a message; the relay comes again where that fails."""
    await service.deliver(context, event.message_id)
