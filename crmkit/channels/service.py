"""Channels and touchpoints are named, relabelled, retired and brought back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from crmkit.channels import models, types
from crmkit.engine.mutations import UNSET, mutation
from crmkit.engine.nodes import ref
from crmkit.host.context import Context
from crmkit.host.drafts import Draft
from crmkit.vocabulary import service as vocabulary
from crmkit.vocabulary.types import by_locale

_CHANNELS = {
    "email": {"en": "Email", "zh": "电子邮件", "de": "E-Mail"},
    "phone": {"en": "Phone", "zh": "电话", "de": "Telefon"},
    "chat": {"en": "Chat", "zh": "在线聊天", "de": "Chat"},
    "visit": {"en": "Visit", "zh": "拜访", "de": "Besuch"},
    "web": {"en": "Web", "zh": "网站", "de": "Web"},
    "letter": {"en": "Letter", "zh": "信件", "de": "Brief"},
    "text": {"en": "Text message", "zh": "短信", "de": "SMS"},
    "social": {"en": "Social media", "zh": "社交媒体", "de": "Soziale Medien"},
    "event": {"en": "Event", "zh": "活动", "de": "Veranstaltung"},
}


async def ensure_presets(context: Context[Any]) -> None:
    """Names the usual channels where there is none; touchpoints are each company's own."""
    if await vocabulary.is_empty(context, models.Channel):
        rows = [models.Channel(key=key, labels=labels) for key, labels in _CHANNELS.items()]
        context.write.add(*rows)


@mutation(permission="core.channel.create", bulk="createChannels")
async def create_channels(
    context: Context[Any], drafts: Sequence[Draft[types.CreateChannel, models.Channel]]
) -> Sequence[types.CreatedChannel]:
    """Adds a medium through which customers are met."""
    for each in drafts:
        row = models.Channel(key=each.input.key, labels=by_locale(each.input.labels))
        context.write.add(each.becomes(row))
    return [types.CreatedChannel(ref(types.Channel, each.row.id)) for each in drafts]


@mutation(permission="core.channel.update", bulk="updateChannels")
async def update_channels(
    context: Context[Any], drafts: Sequence[Draft[types.UpdateChannel, models.Channel]]
) -> Sequence[types.UpdatedChannel]:
    """Changes what people call a channel."""
    await vocabulary.change(context, models.Channel, drafts, _news_of_channel)
    return [types.UpdatedChannel(ref(types.Channel, each.input.id)) for each in drafts]


@mutation(permission="core.channel.retire", bulk="retireChannels")
async def retire_channels(
    context: Context[Any], drafts: Sequence[Draft[types.RetireChannel, models.Channel]]
) -> Sequence[types.RetiredChannel]:
    """Keeps a channel for what was recorded with it, and refuses it for anything new."""
    await vocabulary.retire(context, models.Channel, drafts)
    return [types.RetiredChannel(ref(types.Channel, each.input.id)) for each in drafts]


@mutation(permission="core.channel.retire", bulk="reinstateChannels")
async def reinstate_channels(
    context: Context[Any], drafts: Sequence[Draft[types.ReinstateChannel, models.Channel]]
) -> Sequence[types.ReinstatedChannel]:
    """Uses a retired channel again."""
    await vocabulary.reinstate(context, models.Channel, drafts)
    return [types.ReinstatedChannel(ref(types.Channel, each.input.id)) for each in drafts]


@mutation(permission="core.touchpoint.create", bulk="createTouchpoints")
async def create_touchpoints(
    context: Context[Any], drafts: Sequence[Draft[types.CreateTouchpoint, models.Touchpoint]]
) -> Sequence[types.CreatedTouchpoint]:
    """Adds a named place where customers are met."""
    for each in drafts:
        given = each.input
        row = models.Touchpoint(
            key=given.key, labels=by_locale(given.labels), channel_id=given.channel_id
        )
        context.write.add(each.becomes(row))
    return [types.CreatedTouchpoint(ref(types.Touchpoint, each.row.id)) for each in drafts]


@mutation(permission="core.touchpoint.update", bulk="updateTouchpoints")
async def update_touchpoints(
    context: Context[Any], drafts: Sequence[Draft[types.UpdateTouchpoint, models.Touchpoint]]
) -> Sequence[types.UpdatedTouchpoint]:
    """Changes what people call a touchpoint, or the channel it works through."""
    await vocabulary.change(context, models.Touchpoint, drafts, _news_of_touchpoint)
    return [types.UpdatedTouchpoint(ref(types.Touchpoint, each.input.id)) for each in drafts]


@mutation(permission="core.touchpoint.retire", bulk="retireTouchpoints")
async def retire_touchpoints(
    context: Context[Any], drafts: Sequence[Draft[types.RetireTouchpoint, models.Touchpoint]]
) -> Sequence[types.RetiredTouchpoint]:
    """Keeps a touchpoint for what was recorded with it, and refuses it for anything new."""
    await vocabulary.retire(context, models.Touchpoint, drafts)
    return [types.RetiredTouchpoint(ref(types.Touchpoint, each.input.id)) for each in drafts]


@mutation(permission="core.touchpoint.retire", bulk="reinstateTouchpoints")
async def reinstate_touchpoints(
    context: Context[Any], drafts: Sequence[Draft[types.ReinstateTouchpoint, models.Touchpoint]]
) -> Sequence[types.ReinstatedTouchpoint]:
    """Uses a retired touchpoint again."""
    await vocabulary.reinstate(context, models.Touchpoint, drafts)
    return [types.ReinstatedTouchpoint(ref(types.Touchpoint, each.input.id)) for each in drafts]


def _news_of_channel(given: types.UpdateChannel, _: object) -> dict[str, Any]:
    return {} if given.labels is UNSET else {"labels": by_locale(given.labels)}


def _news_of_touchpoint(given: types.UpdateTouchpoint, _: object) -> dict[str, Any]:
    labels = {} if given.labels is UNSET else {"labels": by_locale(given.labels)}
    channel = {} if given.channel_id is UNSET else {"channel_id": given.channel_id}
    return {**labels, **channel}
