"""What was said and done is recorded, and never changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from crmkit.channels.models import Channel, Touchpoint
from crmkit.engine.mutations import mutation
from crmkit.engine.nodes import ref
from crmkit.host import hookspecs
from crmkit.host.context import Context
from crmkit.host.drafts import Draft
from crmkit.interactions import errors, models, repository, types
from crmkit.vocabulary import service as vocabulary
from crmkit.vocabulary.errors import Retired

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Records = Sequence[Draft[types.RecordInteraction, models.Interaction]]


@mutation(permission="core.interaction.record", bulk="recordInteractions")
async def record_interactions(
    context: Context[Any], drafts: Sequence[Draft[types.RecordInteraction, models.Interaction]]
) -> Sequence[types.RecordedInteraction]:
    """Records something said or done; it never changes, a correction supersedes it."""
    await _record(context, drafts)
    return [types.RecordedInteraction(ref(types.Interaction, each.row.id)) for each in drafts]


async def _record(context: Context[Any], drafts: Records) -> None:
    channels = await _known(context, Channel, drafts)
    touchpoints = await _known(context, Touchpoint, drafts)
    corrected = await _corrected(context, drafts)
    for each in drafts:
        channel = channels.get(each.input.channel)
        touchpoint = touchpoints.get(each.input.touchpoint or "")
        before = corrected.get(each.input.supersedes_id or "")
        _check_offered(context, each, [("channel", channel), ("touchpoint", touchpoint)], before)
        each.becomes(_row(context, each.input, channel, touchpoint))
    await context.call(hookspecs.before_interactions_record, drafts)
    if context.refusals or not drafts:
        return
    rows = [each.row for each in drafts]
    ids = tuple([each.id for each in rows])
    contents = [_content(*each) for each in zip(ids, drafts, strict=True)]
    context.write.add(*rows, *contents)
    await context.call(hookspecs.interactions_recorded, drafts)
    customers = tuple([each.customer_id for each in rows])
    context.emit(types.InteractionsRecorded(ids[0], ids, customers))


async def _known(
    context: Context[Any], model: type[Channel | Touchpoint], drafts: Records
) -> Mapping[str, vocabulary.Known]:
    field = model.__tablename__
    named = [(each, (field,), key) for each in drafts if (key := getattr(each.input, field))]
    return await vocabulary.known(context, model, named) if named else {}


def _check_offered(
    context: Context[Any],
    draft: Draft[types.RecordInteraction, Any],
    named: Iterable[tuple[str, vocabulary.Known | None]],
    before: repository.Place | None,
) -> None:
    """Rejects what is retired, unless the record that is corrected was there, too."""
    for kind, found in named:
        if found is None or not found.is_retired:
            continue
        if before is None or found.id not in (before.channel_id, before.touchpoint_id):
            context.reject(draft, Retired(kind, found.key, kind))


async def _corrected(context: Context[Any], drafts: Records) -> Mapping[str, repository.Place]:
    """Looks up what drafts correct; what cannot be corrected is rejected."""
    wanted = {id_ for each in drafts if (id_ := each.input.supersedes_id)}
    if not wanted:
        return {}
    places = await repository.places_of(context, wanted)
    done = await repository.superseded(context, wanted)
    for each in drafts:
        corrected = each.input.supersedes_id
        if corrected is None:
            continue
        if places[corrected].customer_id != each.input.customer_id:
            context.reject(each, errors.OfAnotherCustomer())
        if corrected in done:
            context.reject(each, errors.AlreadySuperseded())
        done.add(corrected)
    return places


def _row(
    context: Context[Any],
    given: types.RecordInteraction,
    channel: vocabulary.Known | None,
    touchpoint: vocabulary.Known | None,
) -> models.Interaction:
    return models.Interaction(
        customer_id=given.customer_id,
        channel_id=channel.id if channel else "",  # Rejected, and never written.
        touchpoint_id=touchpoint.id if touchpoint else None,
        direction=given.direction,
        kind=given.kind,
        occurred_at=given.occurred_at or context.unit.at,
        actor=context.actor.id,
        cause_id=given.cause_id,
        supersedes_id=given.supersedes_id,
    )


def _content(
    interaction_id: str, draft: Draft[types.RecordInteraction, Any]
) -> models.InteractionContent:
    given = draft.input
    return models.InteractionContent(
        interaction_id=interaction_id,
        subject=given.subject,
        body=given.body,
        properties=dict(given.properties),
    )
