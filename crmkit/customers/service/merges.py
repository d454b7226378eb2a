"""Customers who are one and the same become one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crmkit.customers import errors, models, repository, types
from crmkit.customers.service.contacts import key_of
from crmkit.engine.fields import ID
from crmkit.engine.mutations import mutation
from crmkit.engine.nodes import ref
from crmkit.host import hookspecs
from crmkit.host.context import Context
from crmkit.host.drafts import Draft
from crmkit.host.joining import join
from crmkit.store.database import freeze, table_of
from crmkit.values.errors import NotFound, StaleVersion

if TYPE_CHECKING:
    from collections.abc import Mapping


Merges = list[Draft[types.MergeCustomers, models.CustomerAlias]]

_CONTACTS = (models.CustomerEmail, models.CustomerPhone, models.CustomerAddress)
_FILLED = ("given_name", "family_name", "source", "locale", "zone", "owner_id", "team_id")


@mutation(permission="core.customer.merge")
async def merge_customers(
    context: Context[Any], input: types.MergeCustomers
) -> types.MergedCustomers:
    """Makes one customer of several: all that belonged to the losers belongs to the winner."""
    losers = tuple(dict.fromkeys(input.loser_ids))
    known = await repository.customers(context, {input.winner_id, *losers})
    winner = _checked(input, known)
    drafts = [_draft(context, input, each) for each in losers]
    await context.call(hookspecs.before_customers_merge, drafts)
    if not context.refusals:
        for each in drafts:
            await _merge(context, winner, known[each.row.alias_id], each)
        _write(context, winner, input.version)
        await context.call(hookspecs.customers_merged, drafts)
        context.emit(types.CustomersMerged(winner.id, (winner.id,) * len(losers), losers))
    return types.MergedCustomers(ref(types.Customer, winner.id), tuple(map(ID, losers)))


def _checked(given: types.MergeCustomers, known: Mapping[str, models.Customer]) -> models.Customer:
    """The winner, if all are there whom the input names, and can be one.

    Somebody may have merged or deleted them after their ids were looked up.
    """
    there = {id_: row for id_, row in known.items() if row.deleted_at is None}
    if given.winner_id not in there:
        raise NotFound("There is no such customer.", field="winnerId")
    winner = there[given.winner_id]
    if given.version not in (None, winner.version):
        raise StaleVersion(winner.version)
    for index, id_ in enumerate(given.loser_ids):
        if id_ == winner.id:
            raise errors.SameCustomer(index)
        if id_ not in there:
            raise NotFound("There is no such customer.", field=("loserIds", index))
        if there[id_].kind is not winner.kind:
            raise errors.KindsDiffer(index)
    return winner


def _draft(
    context: Context[Any], given: types.MergeCustomers, loser: str
) -> Draft[types.MergeCustomers, models.CustomerAlias]:
    draft: Draft[types.MergeCustomers, models.CustomerAlias] = Draft(given)
    draft.becomes(
        models.CustomerAlias(
            alias_id=loser,
            customer_id=given.winner_id,
            merged_at=context.clock.now(),
            actor=context.actor.id,
        )
    )
    return draft


async def _merge(
    context: Context[Any],
    winner: models.Customer,
    loser: models.Customer,
    draft: Draft[types.MergeCustomers, models.CustomerAlias],
) -> None:
    _fill(winner, loser)
    await _fold_contacts(context, winner.id, loser.id)
    await _fold_relations(context, winner.id, loser.id)
    _end_stay(context, loser.id)
    await join(
        context,
        winner.id,
        loser.id,
        table_of(models.Customer),
        list(repository.all_tables(context)),
    )
    # Gone, not hidden: whoever still holds the old id can write nothing that nobody would find.
    context.write.delete(
        models.Customer, where=models.Customer.id == loser.id, in_use=errors.StillInUse()
    )
    context.write.add(draft.row)


def _fill(winner: models.Customer, loser: models.Customer) -> None:
    """Has the winner say what only the loser knew."""
    for name in _FILLED:
        if getattr(winner, name) is None:
            setattr(winner, name, getattr(loser, name))
    if winner.name_is_placeholder and not loser.name_is_placeholder:
        winner.name, winner.name_is_placeholder = loser.name, False


def _write(context: Context[Any], winner: models.Customer, version: int | None) -> None:
    names = ("name", "name_is_placeholder", *_FILLED)
    values = {getattr(models.Customer, name): getattr(winner, name) for name in names}
    context.write.change(models.Customer, winner.id, set=values, expect_version=version)
    freeze(winner)


async def _fold_contacts(context: Context[Any], winner: str, loser: str) -> None:
    """Leaves one of two equal contacts, and one of each kind as the one to use."""
    for model in _CONTACTS:
        found = await repository.contacts(context, model, {winner, loser})
        theirs, others = found.get(winner, ()), found.get(loser, ())
        have = {key_of(each) for each in theirs}
        twice = [each.id for each in others if key_of(each) in have]
        if twice:
            context.write.delete(model, where=repository.among(model, twice))
        if theirs and others:
            context.write.update(
                model, where=model.customer_id == loser, set={model.is_primary: False}
            )


async def _fold_relations(context: Context[Any], winner: str, loser: str) -> None:
    """Leaves one of two equal relations, and none of somebody to themselves."""
    rows = await repository.relations_of(context, {winner, loser})
    become = {loser: winner}
    seen: set[tuple[object, ...]] = set()
    needless = []
    # The winner's own come first, so that of two equal ones those stay.
    for each in sorted(rows, key=lambda row: loser in (row.from_id, row.to_id)):
        ends = become.get(each.from_id, each.from_id), become.get(each.to_id, each.to_id)
        said = (*ends, each.role, each.since, each.until)
        if ends[0] == ends[1] or said in seen:
            needless.append(each.id)
        seen.add(said)
    if needless:
        relation = models.CustomerRelation
        context.write.delete(relation, where=relation.id.in_(needless))


def _end_stay(context: Context[Any], loser: str) -> None:
    """Ends where the loser stands: the winner stands where they stand."""
    context.write.update(
        models.StageStay,
        where=repository.open_stays([loser]),
        set={models.StageStay.left_at: context.clock.now()},
    )
