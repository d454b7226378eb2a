"""Customers are related to each other, for a while or for good."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from crmkit.customers import errors, models, repository, types
from crmkit.engine.mutations import mutation
from crmkit.engine.nodes import ref
from crmkit.host.context import Context
from crmkit.host.drafts import Draft, Outcome
from crmkit.values.errors import StaleVersion

PERSON, ORGANISATION = models.CustomerKind.PERSON, models.CustomerKind.ORGANISATION


@mutation(permission="core.customer.relate", bulk="relateCustomers")
async def relate_customers(
    context: Context[Any], drafts: Sequence[Draft[types.RelateCustomer, models.CustomerRelation]]
) -> Sequence[types.RelatedCustomer]:
    """Says how one customer is related to another."""
    ends = {id_ for each in drafts for id_ in (each.input.from_id, each.input.to_id)}
    kinds = await repository.kinds(context, ends)
    for each in drafts:
        between = kinds[each.input.from_id], kinds[each.input.to_id]
        if between == (ORGANISATION, PERSON):
            context.reject(each, errors.WrongWayRound())
        each.becomes(_relation(each.input, is_membership=between == (PERSON, ORGANISATION)))
    context.write.add(*[each.row for each in drafts])
    return [types.RelatedCustomer(ref(types.CustomerRelation, each.row.id)) for each in drafts]


@mutation(permission="core.customer.relate", bulk="endRelations")
async def end_relations(
    context: Context[Any], drafts: Sequence[Draft[types.EndRelation, models.CustomerRelation]]
) -> Sequence[types.EndedRelation]:
    """Says on which day a relation ended."""
    known = await repository.relations(context, {each.input.id for each in drafts})
    zone = ZoneInfo(context.organisation.zone)
    today = context.clock.now().astimezone(zone).date()
    for each in drafts:
        row, until = known[each.input.id], each.input.until or today
        if each.input.version not in (None, row.version):
            context.reject(each, StaleVersion(row.version))
        if row.since and until < row.since:
            context.reject(each, errors.EndsBeforeItBegan())
        each.outcome = Outcome.UPDATED
        context.write.change(
            models.CustomerRelation, row.id, set={models.CustomerRelation.until: until}
        )
    return [types.EndedRelation(ref(types.CustomerRelation, each.input.id)) for each in drafts]


def _relation(given: types.RelateCustomer, *, is_membership: bool) -> models.CustomerRelation:
    return models.CustomerRelation(
        from_id=given.from_id,
        to_id=given.to_id,
        role=given.role,
        since=given.since,
        until=given.until,
        person_id=given.from_id if is_membership else None,
        organisation_id=given.to_id if is_membership else None,
    )
