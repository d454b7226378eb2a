"""Tags are named, pinned to customers and taken off again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from crmkit.customers.types import Customer
from crmkit.engine.mutations import UNSET, mutation
from crmkit.engine.nodes import ref
from crmkit.host.context import Context
from crmkit.host.drafts import Draft, Outcome
from crmkit.tags import errors, models, repository, types
from crmkit.values.errors import NotFound
from crmkit.vocabulary import service as vocabulary
from crmkit.vocabulary.errors import Retired
from crmkit.vocabulary.types import by_locale

if TYPE_CHECKING:
    from collections.abc import Mapping

Pinnings = Sequence[Draft[types.TagCustomer | types.UntagCustomer, Any]]


@mutation(permission="core.tag.create", bulk="createTags")
async def create_tags(
    context: Context[Any], drafts: Sequence[Draft[types.CreateTag, models.Tag]]
) -> Sequence[types.CreatedTag]:
    """Adds a word that can be pinned to customers."""
    for each in drafts:
        given = each.input
        row = models.Tag(
            key=given.key,
            labels=by_locale(given.labels),
            colour=_colour(given.colour),
            description=_plain(given.description),
        )
        context.write.add(each.becomes(row))
    return [types.CreatedTag(ref(types.Tag, each.row.id)) for each in drafts]


@mutation(permission="core.tag.update", bulk="updateTags")
async def update_tags(
    context: Context[Any], drafts: Sequence[Draft[types.UpdateTag, models.Tag]]
) -> Sequence[types.UpdatedTag]:
    """Changes what people call a tag, and how it looks."""
    await vocabulary.change(context, models.Tag, drafts, _news)
    return [types.UpdatedTag(ref(types.Tag, each.input.id)) for each in drafts]


@mutation(permission="core.tag.retire", bulk="retireTags")
async def retire_tags(
    context: Context[Any], drafts: Sequence[Draft[types.RetireTag, models.Tag]]
) -> Sequence[types.RetiredTag]:
    """Leaves a tag with those who have it, and gives it to nobody else."""
    await vocabulary.retire(context, models.Tag, drafts)
    return [types.RetiredTag(ref(types.Tag, each.input.id)) for each in drafts]


@mutation(permission="core.tag.retire", bulk="reinstateTags")
async def reinstate_tags(
    context: Context[Any], drafts: Sequence[Draft[types.ReinstateTag, models.Tag]]
) -> Sequence[types.ReinstatedTag]:
    """Uses a retired tag again."""
    await vocabulary.reinstate(context, models.Tag, drafts)
    return [types.ReinstatedTag(ref(types.Tag, each.input.id)) for each in drafts]


@mutation(permission="core.customer.tag", bulk="tagCustomers")
async def tag_customers(
    context: Context[Any], drafts: Sequence[Draft[types.TagCustomer, models.CustomerTag]]
) -> Sequence[types.TaggedCustomer]:
    """Pins tags to a customer; the version of the customer stays as it is."""
    known = await _known(context, drafts)
    have = await _pinned(context, drafts)
    for each in drafts:
        _pin(context, each, known, have[each.input.customer_id])
    return [types.TaggedCustomer(ref(Customer, each.input.customer_id)) for each in drafts]


@mutation(permission="core.customer.tag", bulk="untagCustomers")
async def untag_customers(
    context: Context[Any], drafts: Sequence[Draft[types.UntagCustomer, models.CustomerTag]]
) -> Sequence[types.UntaggedCustomer]:
    """Takes tags off a customer, retired ones too."""
    known = await _known(context, drafts)
    have = await _pinned(context, drafts)
    gone = []
    for each in drafts:
        own = have[each.input.customer_id]
        asked = [known[key].id for key in each.input.tags if key in known]
        lost = [own.pop(tag) for tag in asked if tag in own]
        each.outcome = Outcome.UPDATED if lost else Outcome.UNCHANGED
        gone += lost
    if gone:
        context.write.delete(models.CustomerTag, where=repository.among(gone))
    return [types.UntaggedCustomer(ref(Customer, each.input.customer_id)) for each in drafts]


def _pin(
    context: Context[Any],
    draft: Draft[types.TagCustomer, models.CustomerTag],
    known: Mapping[str, vocabulary.Known],
    own: dict[str, str],
) -> None:
    """Adds what a customer does not have yet, and remembers it for the drafts that follow."""
    draft.outcome = Outcome.UNCHANGED
    for index, key in enumerate(draft.input.tags):
        tag = known.get(key)
        if tag is None or tag.id in own:
            continue
        if tag.is_retired:
            context.reject(draft, Retired("tag", key, ("tags", index)))
        row = models.CustomerTag(
            customer_id=draft.input.customer_id, tag_id=tag.id, actor=context.actor.id
        )
        context.write.add(row)
        own[tag.id] = row.id
        draft.outcome = Outcome.UPDATED
    if len(own) > models.MOST:
        context.reject(draft, errors.TooManyTags(models.MOST))


async def _known(context: Context[Any], drafts: Pinnings) -> Mapping[str, vocabulary.Known]:
    named = [(each, ("tags", i), key) for each in drafts for i, key in enumerate(each.input.tags)]
    return await vocabulary.known(context, models.Tag, named)


async def _pinned(context: Context[Any], drafts: Pinnings) -> dict[str, dict[str, str]]:
    """Holds the customers, and says what they have; whoever has gone meanwhile is rejected."""
    ids = {each.input.customer_id for each in drafts}
    there = await repository.held(context, ids)
    for each in drafts:
        if each.input.customer_id not in there:
            context.reject(each, NotFound("There is no such customer.", field="customer_id"))
    return await repository.pinned(context, ids)


def _news(given: types.UpdateTag, _: object) -> dict[str, Any]:
    said: dict[str, Any] = {}
    if given.labels is not UNSET:
        said["labels"] = by_locale(given.labels)
    if given.colour is not UNSET:
        said["colour"] = _colour(given.colour)
    if given.description is not UNSET:
        said["description"] = _plain(given.description)
    return said


def _colour(given: str | None) -> str | None:
    return (given or "").lower() or None


def _plain(given: str | None) -> str | None:
    """A text without blanks around it; blanks alone say nothing."""
    return (given or "").strip() or None
