"""What a client sees of text messages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from acme_sms import models, provider
from crmkit import sdk

if TYPE_CHECKING:
    from acme_sms.config import Context

LONGEST = 1_600
"""Characters; what ten messages in one can hold."""


async def delivery(context: Context, id: str) -> str | None:
    """What the provider says became of it, at this moment."""
    return None if context.config.url is None else await provider.became(context, id)


@sdk.node(
    models.Message,
    list="smsMessages",
    read="acme_sms.message.read",
    order_by=models.Message.created_at.desc(),
)
class SmsMessage:
    """A text to a customer's phone."""

    customer: sdk.Customer = sdk.to_one()
    """To whom."""
    number: str
    text: str
    state: models.SmsState
    sent_at: datetime | None
    provider_id: str | None
    problem: str | None
    delivery: str | None = sdk.resolver(delivery)
    cause: sdk.Node | None = sdk.any_node(models.Message.cause_id)
    """What led to it: an order, a task, whatever has an id."""


@sdk.extend(sdk.Customer)
class CustomerSms:
    """What text messages add to a customer."""

    sms_sent: sdk.BigInt = sdk.side(models.Tally.sent)
    sms_messages: sdk.Connection[SmsMessage] = sdk.to_many(
        models.Message.customer_id, order_by=models.Message.created_at.desc()
    )
    """What they were texted, the latest first."""


@dataclass(frozen=True)
class SendSms:
    """A text, and who is to get it."""

    customer_id: sdk.Ref[sdk.Customer]
    """To whom."""
    text: str
    """What it says."""
    number: str | None = None
    """Which of the customer's numbers, as they stand there; the primary one unless given."""
    cause_id: sdk.Ref[sdk.Node] | None = None
    """What led to it: an order, a task, whatever has an id."""

    def __post_init__(self) -> None:
        sdk.checks.check(
            sdk.checks.present("text", self.text),
            sdk.checks.of_length("text", self.text, LONGEST),
        )


@dataclass(frozen=True)
class QueuedSms:
    """The text, on its way to the provider."""

    message: SmsMessage
    """The new message."""


@dataclass(frozen=True)
class SmsQueued(sdk.Event):
    """A text waits for the provider; its record is the customer, who gets texts in order."""

    about: ClassVar[type | None] = sdk.Customer

    message_id: str
