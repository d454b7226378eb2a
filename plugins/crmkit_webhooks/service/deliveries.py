"""Events become deliveries, which are tried until their receivers have taken them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from crmkit import sdk
from crmkit_webhooks import errors, repository, types
from crmkit_webhooks.config import Context
from crmkit_webhooks.models import (
    LONGEST_EXCERPT,
    Webhook,
    WebhookAttempt,
    WebhookDelivery,
    WebhookDeliveryState,
    WebhookState,
)
from crmkit_webhooks.service.messages import Told, message
from crmkit_webhooks.service.signatures import signed_headers

if TYPE_CHECKING:
    from collections.abc import Sequence

_GONE = 410
_SOME = 500
_BYTES = 4 * LONGEST_EXCERPT


@dataclass(frozen=True)
class _Sent:
    """A delivery that is due, and the webhook to which it goes."""

    id: str
    state: WebhookDeliveryState
    tries: int
    event: str
    version: int
    sequence: int
    record: str
    payload: dict[str, Any]
    at: datetime
    request_id: str | None
    webhook_id: str
    webhook_state: WebhookState
    url: str
    role_id: str
    where: dict[str, Any] | None
    failing_since: datetime | None


@dataclass(frozen=True)
class _Answer:
    """What came of a try."""

    status: int | None
    milliseconds: int
    said: str
    asked: float = 0
    """The seconds that the receiver wants us to wait."""

    @property
    def is_success(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


async def wanted(context: Context) -> set[str]:
    """The events of which some webhook is told; of others nothing is stored for webhooks."""
    listening = await context.rules(repository.listening())
    return {each for _, events in listening for each in events}


async def hear(context: Context, happenings: Sequence[sdk.Happening]) -> None:
    """Makes a delivery of each event for each webhook that is told of it."""
    for webhook_id, events in await context.outside().rules(repository.listening()):
        for each in happenings:
            if each.name in events:
                _make(context, webhook_id, each)


async def deliver(context: Context, delivery_id: str) -> None:
    """Tries a delivery once; where that fails, another job tries it again."""
    outside = context.outside()
    rows = await outside.rules(repository.of_delivery(delivery_id))
    sent = _Sent(*rows[0]) if rows else None
    if sent is None or sent.state is not WebhookDeliveryState.WAITING:
        return
    if sent.webhook_state is not WebhookState.ACTIVE:
        return
    try:
        body = await _body(outside, sent)
    except errors.Unaskable as failure:
        _disable(context, sent, f"Its where cannot be asked any more: {failure.message}")
        return
    if body is None:
        _settle(context, sent, WebhookDeliveryState.WITHHELD)
    else:
        _note(context, sent, await _tried(outside, sent, body))


@sdk.mutation(permission="webhooks.delivery.replay")
async def replay_webhook_delivery(
    context: Context, input: types.ReplayWebhookDelivery
) -> types.ReplayedWebhookDelivery:
    """Send a delivery once more, under the same id."""
    rows = await context.rules(repository.of_delivery(input.id))
    if not rows:
        raise sdk.NotFound("There is no such delivery any more.", field="id")
    sent = _Sent(*rows[0])
    if sent.webhook_state is not WebhookState.ACTIVE:
        raise errors.NotActive
    if sent.state is WebhookDeliveryState.WAITING:
        raise errors.StillWaiting
    again = {
        WebhookDelivery.state: WebhookDeliveryState.WAITING,
        WebhookDelivery.tries: 0,
        WebhookDelivery.next_try_at: context.clock.now(),
    }
    context.write.change(WebhookDelivery, sent.id, set=again)
    context.enqueue(deliver, sent.id, key=sent.id)
    return types.ReplayedWebhookDelivery(sdk.ref(types.WebhookDelivery, sent.id))


async def forget_old(context: Context, done: int = 0) -> int | None:
    """Takes what has been over for long out of the log, some at a time."""
    before = context.clock.now() - timedelta(days=context.config.keep_days)
    ids = [each for (each,) in await context.rules(repository.over(before, _SOME))]
    if not ids:
        return None
    repository.forget(context, ids)
    context.progress(done + len(ids))
    return done + len(ids)


def _make(context: Context, webhook_id: str, told: sdk.Happening) -> None:
    row = WebhookDelivery(
        webhook_id=webhook_id,
        event=told.name,
        event_version=type(told.event).version,
        sequence=told.number,
        record=told.event.record,
        payload=told.event.payload(),
        happened_at=told.at,
        request_id=told.request_id,
        next_try_at=context.clock.now(),
    )
    context.write.add(row)
    context.enqueue(deliver, row.id, key=row.id)


async def _body(outside: Context, sent: _Sent) -> str | None:
    grant = await sdk.access.grant_of(outside, sent.role_id)
    if grant is None:
        return None
    told = Told(
        name=sent.event,
        version=sent.version,
        sequence=sent.sequence,
        payload=sent.payload,
        at=sent.at,
        request_id=sent.request_id,
    )
    return await message(outside, told, grant, sent.where)


async def _tried(outside: Context, sent: _Sent, body: str) -> _Answer:
    now = outside.clock.now()
    rows = await outside.rules(repository.valid_secrets(sent.webhook_id, now))
    headers = signed_headers(outside, sent.id, now, body, [each for (each,) in rows])
    began = time.perf_counter()
    try:
        answer = await outside.http.post(
            sent.url,
            headers={**headers, "Content-Type": "application/json"},
            body=body.encode(),
            seconds=outside.config.timeout,
            excerpt=_BYTES,
        )
    except sdk.HttpError as error:
        return _Answer(None, _since(began), str(error))
    said = answer.text.replace("\0", "")[:LONGEST_EXCERPT]
    asked = _asked(answer.headers.get("retry-after", ""), now)
    return _Answer(answer.status, _since(began), said, asked)


def _note(context: Context, sent: _Sent, answer: _Answer) -> None:
    """Writes down what came of a try, and what follows from it."""
    context.write.add(
        WebhookAttempt(
            delivery_id=sent.id,
            status=answer.status,
            milliseconds=answer.milliseconds,
            said=answer.said,
        )
    )
    if answer.is_success:
        _settle(context, sent, WebhookDeliveryState.DELIVERED, tries=sent.tries + 1)
        if sent.failing_since is not None:
            context.write.change(Webhook, sent.webhook_id, set={Webhook.failing_since: None})
    elif answer.status == _GONE:
        _settle(context, sent, WebhookDeliveryState.DEAD, tries=sent.tries + 1)
        _disable(context, sent, "The receiver has answered 410: it is gone.")
    else:
        _fail(context, sent, answer)


def _fail(context: Context, sent: _Sent, answer: _Answer) -> None:
    now = context.clock.now()
    pause = context.config.pause(sent.tries + 1, answer.asked)
    if pause is None:
        _settle(context, sent, WebhookDeliveryState.DEAD, tries=sent.tries + 1)
    else:
        later = {WebhookDelivery.next_try_at: now + pause, WebhookDelivery.tries: sent.tries + 1}
        context.write.change(WebhookDelivery, sent.id, set=later)
        context.enqueue(deliver, sent.id, due=now + pause, key=sent.id)
    if sent.failing_since is None:
        context.write.change(Webhook, sent.webhook_id, set={Webhook.failing_since: now})
    elif now - sent.failing_since >= timedelta(days=context.config.disable_after_days):
        _disable(
            context, sent, f"Every try has failed since {sent.failing_since:%Y-%m-%d %H:%M} UTC."
        )


def _settle(
    context: Context, sent: _Sent, state: WebhookDeliveryState, *, tries: int | None = None
) -> None:
    over = {
        WebhookDelivery.state: state,
        WebhookDelivery.next_try_at: None,
        WebhookDelivery.tries: sent.tries if tries is None else tries,
    }
    context.write.change(WebhookDelivery, sent.id, set=over)


def _disable(context: Context, sent: _Sent, problem: str) -> None:
    said = {Webhook.state: WebhookState.DISABLED, Webhook.problem: problem}
    context.write.change(Webhook, sent.webhook_id, set=said)


def _asked(said: str, now: datetime) -> float:
    """The seconds of a Retry-After, which are said as a number or as a moment."""
    if said.isascii() and said.isdigit():
        return float(said[:9])
    try:
        return max((parsedate_to_datetime(said) - now).total_seconds(), 0)
    except (ValueError, TypeError):
        return 0


def _since(began: float) -> int:
    return round((time.perf_counter() - began) * 1000)
