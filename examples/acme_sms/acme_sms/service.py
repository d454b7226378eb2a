"""The rules of text messages: queued with what led to them, sent after the commit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from acme_sms import errors, provider, repository
from acme_sms.config import Context
from acme_sms.models import Message, SmsState, Tally
from acme_sms.types import QueuedSms, SendSms, SmsMessage, SmsQueued
from crmkit import sdk

Drafts = Sequence[sdk.Draft[SendSms, Message]]


@sdk.mutation(permission="acme_sms.message.send", bulk="sendSmsMessages")
async def send_sms(context: Context, drafts: Drafts) -> Sequence[QueuedSms]:
    """Text a customer; the message is on its way when this has answered."""
    if context.config.url is None:
        raise errors.NoProvider
    numbers = await _numbers(context, drafts)
    for draft in drafts:
        _make(context, draft, numbers[draft.input.customer_id])
    if not context.refusals:
        for draft in drafts:
            context.write.add(draft.row)
            context.emit(SmsQueued(draft.row.customer_id, draft.row.id))
    return [QueuedSms(sdk.ref(SmsMessage, draft.row.id)) for draft in drafts]


async def deliver(context: Context, message_id: str) -> None:
    """Has the provider send a message, if nobody has; what fails for now is raised."""
    # The provider may take seconds, for which no transaction is held: neither this read
    # nor the unit, which only opens one when it writes.
    outside = context.outside()
    for row in await outside.rules(repository.waiting(message_id)):
        customer_id, number, text, deleted_at = row
        if deleted_at is not None:
            _give_up(context, message_id, "The customer was deleted before it was sent.")
            return
        try:
            taken = await provider.send(outside, number, text, key=message_id)
        except errors.Rejected as error:
            _give_up(context, message_id, str(error))
        else:
            await _note(context, message_id, customer_id, text, taken)


async def _numbers(context: Context, drafts: Drafts) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    customers = {draft.input.customer_id for draft in drafts}
    for customer_id, number in await context.rules(repository.numbers_of(customers)):
        found[customer_id].append(number)
    return found


def _make(context: Context, draft: sdk.Draft[SendSms, Message], numbers: Sequence[str]) -> None:
    given = draft.input
    if not numbers:
        context.reject(draft, errors.NoNumber())
    elif given.number is not None and given.number not in numbers:
        context.reject(draft, errors.NotTheirNumber())
    number = given.number or next(iter(numbers), "")
    draft.becomes(
        Message(
            customer_id=given.customer_id, number=number, text=given.text, cause_id=given.cause_id
        )
    )


def _give_up(context: Context, message_id: str, problem: str) -> None:
    said = {Message.state: SmsState.FAILED, Message.problem: problem}
    context.write.change(Message, message_id, set=said)


async def _note(context: Context, message_id: str, customer_id: str, text: str, taken: str) -> None:
    """Writes down that a message was sent, and that there was a contact."""
    now = context.clock.now()
    said = {Message.state: SmsState.SENT, Message.sent_at: now, Message.provider_id: taken}
    context.write.change(Message, message_id, set=said)
    context.write.change(Tally, customer_id, add={Tally.sent: 1})
    contact = sdk.RecordInteraction(
        customer_id=customer_id,
        channel=context.config.channel,
        direction=sdk.Direction.OUTBOUND,
        kind="text",
        body=text,
        occurred_at=now,
        cause_id=message_id,
    )
    await sdk.interactions.record(context, [contact])
