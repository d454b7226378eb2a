"""What was said and done is recorded, and never changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from crmkit.engine.mutations import mutation
from crmkit.engine.nodes import ref
from crmkit.host import hookspecs
from crmkit.host.context import Context, Draft
from crmkit.interactions import errors, models, repository, types

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crmkit.stages.types import Label

Records = Sequence[Draft[types.RecordInteraction, models.Interaction]]

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
    if await repository.is_empty(context, models.Channel):
        rows = [models.Channel(key=key, labels=labels) for key, labels in _CHANNELS.items()]
        context.write.add(*rows)


@mutation(permission="core.channel.create", bulk="createChannels")
async def create_channels(
    context: Context[Any], drafts: Sequence[Draft[types.CreateChannel, models.Channel]]
) -> Sequence[types.CreatedChannel]:
    """Adds a medium through which customers are met."""
    for each in drafts:
        row = models.Channel(key=each.input.key, labels=_labels(each.input.labels))
        context.write.add(each.becomes(row))
    return [types.CreatedChannel(ref(types.Channel, each.row.id)) for each in drafts]


@mutation(permission="core.touchpoint.create", bulk="createTouchpoints")
async def create_touchpoints(
    context: Context[Any], drafts: Sequence[Draft[types.CreateTouchpoint, models.Touchpoint]]
) -> Sequence[types.CreatedTouchpoint]:
    """Adds a named place where customers are met."""
    for each in drafts:
        given = each.input
        row = models.Touchpoint(
            key=given.key, labels=_labels(given.labels), channel_id=given.channel_id
        )
        context.write.add(each.becomes(row))
    return [types.CreatedTouchpoint(ref(types.Touchpoint, each.row.id)) for each in drafts]


@mutation(permission="core.interaction.record", bulk="recordInteractions")
async def record_interactions(
    context: Context[Any], drafts: Sequence[Draft[types.RecordInteraction, models.Interaction]]
) -> Sequence[types.RecordedInteraction]:
    """Records something said or done; it never changes, a correction supersedes it."""
    await _record(context, drafts)
    return [types.RecordedInteraction(ref(types.Interaction, each.row.id)) for each in drafts]


async def _record(context: Context[Any], drafts: Records) -> None:
    channels = await _ids(context, models.Channel, drafts)
    touchpoints = await _ids(context, models.Touchpoint, drafts)
    for each in drafts:
        given = each.input
        touchpoint = touchpoints.get(given.touchpoint) if given.touchpoint else None
        each.becomes(_row(context, given, channels.get(given.channel, ""), touchpoint))
    await _check_corrections(context, drafts)
    await context.call(hookspecs.before_interactions_record, drafts)
    if context.refusals or not drafts:
        return
    context.write.add(*[each.row for each in drafts])
    for each in drafts:
        _write_content(context, each)
    await context.call(hookspecs.interactions_recorded, drafts)
    ids = tuple(each.row.id for each in drafts)
    customers = tuple(each.row.customer_id for each in drafts)
    context.emit(types.InteractionsRecorded(ids[0], ids, customers))


async def _ids(
    context: Context[Any], model: type[models.Channel] | type[models.Touchpoint], drafts: Records
) -> Mapping[str, str]:
    """Looks up the keys that drafts name; who names an unknown one is rejected."""
    field = model.__tablename__
    named = {each: getattr(each.input, field) for each in drafts}
    ids = await repository.ids_of(context, model, {key for key in named.values() if key})
    for each, key in named.items():
        if key is not None and key not in ids:
            context.reject(each, errors.UnknownKey(field, key))
    return ids


async def _check_corrections(context: Context[Any], drafts: Records) -> None:
    wanted = {id_ for each in drafts if (id_ := each.input.supersedes_id)}
    customers = await repository.customers_of(context, wanted)
    done = await repository.superseded(context, wanted)
    for each in drafts:
        corrected = each.input.supersedes_id
        if corrected is None:
            continue
        if customers[corrected] != each.input.customer_id:
            context.reject(each, errors.OfAnotherCustomer())
        if corrected in done:
            context.reject(each, errors.AlreadySuperseded())
        done.add(corrected)


def _row(
    context: Context[Any], given: types.RecordInteraction, channel: str, touchpoint: str | None
) -> models.Interaction:
    return models.Interaction(
        customer_id=given.customer_id,
        channel_id=channel,
        touchpoint_id=touchpoint,
        direction=given.direction,
        kind=given.kind,
        occurred_at=given.occurred_at or context.clock.now(),
        actor=context.actor.id,
        cause_id=given.cause_id,
        supersedes_id=given.supersedes_id,
    )


def _write_content(context: Context[Any], draft: Draft[types.RecordInteraction, Any]) -> None:
    # The empty content came with its interaction, as every row at its side does.
    row, given = models.InteractionContent, draft.input
    said = {row.subject: given.subject, row.body: given.body, row.properties: given.properties}
    context.write.change(row, draft.row.id, set=said)


def _labels(given: Sequence[Label]) -> dict[str, str]:
    return {each.locale: each.text for each in given}
