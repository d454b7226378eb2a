"""Webhooks are made, changed, paused and ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from crmkit import sdk
from crmkit_webhooks import errors, repository, types
from crmkit_webhooks.config import Context
from crmkit_webhooks.models import Webhook, WebhookSecret, WebhookState
from crmkit_webhooks.service.deliveries import deliver
from crmkit_webhooks.service.signatures import secret_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_MOST_SECRETS = 5


@sdk.mutation(permission="webhooks.webhook.create")
async def create_webhook(context: Context, input: types.CreateWebhook) -> types.CreatedWebhook:
    """Have another system told of events, as far as a role may see them."""
    sdk.checks.check(_unknown(context, input.events))
    await sdk.access.check_hands_on(context, input.role_id, "roleId")
    events = sorted(set(input.events))
    await _check_where(context, events, input.role_id, input.where)
    row = Webhook(url=input.url, events=events, role_id=input.role_id, where=input.where)
    context.write.add(row)
    return types.CreatedWebhook(sdk.ref(types.Webhook, row.id), _new_secret(context, row.id))


@sdk.mutation(permission="webhooks.webhook.update")
async def update_webhook(context: Context, input: types.UpdateWebhook) -> types.UpdatedWebhook:
    """Change where a webhook leads, what it is told of, and what it may be told."""
    there = await _held(context, input.id)
    if input.version is not None and input.version != there.version:
        raise errors.StaleVersion(there.version)
    said: dict[object, object] = {}
    if not isinstance(input.url, sdk.Unset):
        said[Webhook.url] = input.url
    if not isinstance(input.events, sdk.Unset):
        sdk.checks.check(_unknown(context, input.events))
        said[Webhook.events] = there.events = sorted(set(input.events))
    if not isinstance(input.role_id, sdk.Unset):
        await sdk.access.check_hands_on(context, input.role_id, "roleId")
        said[Webhook.role_id] = there.role_id = input.role_id
    if not isinstance(input.where, sdk.Unset):
        said[Webhook.where] = there.where = input.where
    await _check_where(context, there.events, there.role_id, there.where)
    if said:
        context.write.change(Webhook, input.id, set=said)  # type: ignore[arg-type]
    return types.UpdatedWebhook(sdk.ref(types.Webhook, input.id))


@sdk.mutation(permission="webhooks.webhook.update")
async def pause_webhook(context: Context, input: types.PauseWebhook) -> types.PausedWebhook:
    """Tell a webhook nothing for a while; what happens meanwhile waits."""
    await _held(context, input.id)
    context.write.change(Webhook, input.id, set={Webhook.state: WebhookState.PAUSED})
    return types.PausedWebhook(sdk.ref(types.Webhook, input.id))


@sdk.mutation(permission="webhooks.webhook.update")
async def resume_webhook(context: Context, input: types.ResumeWebhook) -> types.ResumedWebhook:
    """Tell a webhook again, also of what waits for it."""
    await _held(context, input.id)
    fresh = {Webhook.state: WebhookState.ACTIVE, Webhook.problem: None, Webhook.failing_since: None}
    context.write.change(Webhook, input.id, set=fresh)
    for (delivery_id,) in await context.rules(repository.waiting(input.id)):
        context.enqueue(deliver, delivery_id, key=delivery_id)
    return types.ResumedWebhook(sdk.ref(types.Webhook, input.id))


@sdk.mutation(permission="webhooks.webhook.update")
async def rotate_webhook_secret(
    context: Context, input: types.RotateWebhookSecret
) -> types.RotatedWebhookSecret:
    """Give a webhook another secret; for a while messages are signed with both."""
    await _held(context, input.id)
    now = context.clock.now()
    if len(await context.rules(repository.valid_secrets(input.id, now))) >= _MOST_SECRETS:
        raise errors.TooManySecrets
    said = input.old_valid_hours
    hours = context.config.rotation_hours if said is None else said
    repository.end_secrets(context, input.id, now + timedelta(hours=hours))
    made = _new_secret(context, input.id)
    return types.RotatedWebhookSecret(sdk.ref(types.Webhook, input.id), made)


@sdk.mutation(permission="webhooks.webhook.delete")
async def delete_webhook(context: Context, input: types.DeleteWebhook) -> types.DeletedWebhook:
    """End a webhook, with what waits for it and with its log."""
    repository.remove(context, input.id)
    return types.DeletedWebhook(input.id)


def _new_secret(context: Context, webhook_id: str) -> sdk.Secret:
    row = WebhookSecret(webhook_id=webhook_id)
    context.write.then()  # Old ones have ended by then.
    context.write.add(row)
    return sdk.Secret(secret_of(context, row.id))


@dataclass
class _Held:
    """A webhook that nobody else changes meanwhile."""

    version: int
    events: list[str]
    role_id: str
    where: dict[str, Any] | None


async def _held(context: Context, webhook_id: str) -> _Held:
    """Holds a webhook, whose role gives nothing that the actor has not.

    Raises:
        NotFound: It has been deleted meanwhile.
        WiderThanOwn: The role does: who sends it elsewhere would see what he must not.
    """
    rows = await context.rules(repository.held(webhook_id))
    if not rows:
        raise sdk.NotFound("There is no such webhook any more.", field="id")
    held = _Held(*rows[0])
    await sdk.access.check_hands_on(context, held.role_id, "id")
    return held


async def _check_where(
    context: Context, events: Sequence[str], role_id: str, where: dict[str, Any] | None
) -> None:
    """Refuses a where that the role could not say of what all these events are about."""
    if where is None:
        return
    kinds = {context.events[each].about for each in events if each in context.events}
    kind, *others = kinds or {None}
    if kind is None or others:
        raise errors.NotAboutOneKind(sorted(each.__name__ for each in kinds if each))
    grant = await sdk.access.grant_of(context, role_id)
    if grant is not None:
        sdk.check_where(context.limited(grant), kind, where)


def _unknown(context: Context, events: Sequence[str]) -> Iterator[sdk.Problem]:
    for each in events:
        if each not in context.events:
            said = f"There is no event {each[:80]!r}; there is {', '.join(sorted(context.events))}."
            yield sdk.checks.fault("events", said)
