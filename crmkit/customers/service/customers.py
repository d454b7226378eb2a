"""Customers come, change, go and come back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from crmkit.customers import errors, models, repository, types
from crmkit.customers.service.contacts import (
    check_external_ids,
    first_news,
    key_of,
    news,
    write_contacts,
)
from crmkit.customers.service.drafts import locked, rounds
from crmkit.customers.service.fields import (
    field_news,
    first_fields,
    write_fields,
    write_first_fields,
)
from crmkit.customers.service.suppressions import check_suppressed
from crmkit.engine.fields import ID
from crmkit.engine.mutations import UNSET, mutation
from crmkit.engine.nodes import ref
from crmkit.host import hookspecs
from crmkit.host.context import Context
from crmkit.host.drafts import Draft, Outcome
from crmkit.stages import service as stages
from crmkit.store.database import freeze
from crmkit.values.ids import prefix_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

D = TypeVar("D", bound=Draft[Any, Any])

Creations = Sequence[Draft[types.CreateCustomer, models.Customer]]
Updates = Sequence[Draft[types.UpdateCustomer, models.Customer]]
Deletions = Sequence[Draft[types.DeleteCustomer, models.Customer]]
Restorations = Sequence[Draft[types.RestoreCustomer, models.Customer]]


@mutation(permission="core.customer.create", bulk="createCustomers")
async def create_customers(
    context: Context[Any], drafts: Sequence[Draft[types.CreateCustomer, models.Customer]]
) -> Sequence[types.CreatedCustomer]:
    """Adds a customer with the ways to reach them, on the stage where they begin."""
    await create(context, drafts)
    return [types.CreatedCustomer(ref(types.Customer, each.row.id)) for each in drafts]


@mutation(permission="core.customer.update", bulk="updateCustomers")
async def update_customers(
    context: Context[Any], drafts: Sequence[Draft[types.UpdateCustomer, models.Customer]]
) -> Sequence[types.UpdatedCustomer]:
    """Changes what the input names of a customer and leaves everything else."""
    await update(context, drafts)
    return [types.UpdatedCustomer(ref(types.Customer, each.input.id)) for each in drafts]


@mutation(permission="core.customer.delete", bulk="deleteCustomers")
async def delete_customers(
    context: Context[Any], drafts: Sequence[Draft[types.DeleteCustomer, models.Customer]]
) -> Sequence[types.DeletedCustomer]:
    """Takes a customer out of every list and sets their external ids free."""
    for each in rounds(drafts, lambda draft: {draft.input.id}):
        await _delete(context, each)
    return [types.DeletedCustomer(ID(each.input.id)) for each in drafts]


@mutation(permission="core.customer.restore", bulk="restoreCustomers")
async def restore_customers(
    context: Context[Any], drafts: Sequence[Draft[types.RestoreCustomer, models.Customer]]
) -> Sequence[types.RestoredCustomer]:
    """Brings a deleted customer back, with their external ids as far as these are free."""
    for each in rounds(drafts, lambda draft: {draft.input.id}):
        await _restore(context, each)
    return [types.RestoredCustomer(ref(types.Customer, each.input.id)) for each in drafts]


async def create(context: Context[Any], drafts: Creations) -> None:
    """Adds customers, with all hooks."""
    if not drafts:
        return
    first = ""
    if any(each.input.stage_id is None for each in drafts):
        first = await stages.first_stage(context)
    for each in drafts:
        each.becomes(_new_row(context, each.input, first))
    found = [first_news(context, each) for each in drafts]
    own = first_fields(context, drafts)
    await check_external_ids(context, drafts, found)
    await check_suppressed(context, drafts, found)
    await context.call(hookspecs.before_customers_create, drafts)
    if context.refusals:
        return
    context.write.add(*[each.row for each in drafts])
    write_contacts(context, found)
    write_first_fields(context, drafts, own)
    context.write.add(*_first_stays(context, drafts))
    await context.call(hookspecs.customers_created, drafts)
    ids = tuple(each.row.id for each in drafts)
    context.emit(types.CustomersCreated(ids[0], ids))


async def update(context: Context[Any], drafts: Updates) -> None:
    """Changes customers, with all hooks; of one customer, one draft after the other."""
    for each in rounds(drafts, lambda draft: {draft.input.id}):
        await _update(context, each)


async def _update(context: Context[Any], drafts: Updates) -> None:
    drafts = await _there(context, drafts)
    before = {each.row.id: repository.changeable(each.row) for each in drafts}
    for each in drafts:
        _apply(each.input, each.row)
    found = await news(context, drafts)
    own = await field_news(context, drafts)
    await check_external_ids(context, drafts, found)
    await check_suppressed(context, drafts, found)
    await context.call(hookspecs.before_customers_update, drafts)
    if context.refusals:
        return
    fields = {each.row.id: _changed(each.row, before[each.row.id]) for each in drafts}
    for each, contacts in zip(drafts, found, strict=True):
        known = own.get(each.row.id)
        is_news = bool(contacts or fields[each.row.id] or (known and known.changed))
        each.outcome = Outcome.UPDATED if is_news else Outcome.UNCHANGED
    changed = [each for each in drafts if each.outcome is Outcome.UPDATED]
    if changed:
        write_contacts(context, found)
        await _write(context, changed, fields, before, write_fields(context, own))


async def _write(
    context: Context[Any],
    drafts: Updates,
    fields: Mapping[str, Sequence[str]],
    before: Mapping[str, Mapping[str, Any]],
    others: Sequence[str],
) -> None:
    # All rows name the same columns, so that one statement carries them; they are locked,
    # so what is written again is what stands there. Without any, the version still counts
    # that there are new contacts.
    columns = sorted({name for each in drafts for name in fields[each.row.id]})
    for each in drafts:
        values = {getattr(models.Customer, name): getattr(each.row, name) for name in columns}
        was = {getattr(models.Customer, name): before[each.row.id][name] for name in columns}
        context.write.change(models.Customer, each.row.id, set=values, was=was)
        freeze(each.row)
    await context.call(hookspecs.customers_updated, drafts)
    ids = tuple(each.row.id for each in drafts)
    context.emit(types.CustomersUpdated(ids[0], ids, (*columns, *others)))


async def _delete(context: Context[Any], drafts: Deletions) -> None:
    drafts = await _there(context, drafts)
    await context.call(hookspecs.before_customers_delete, drafts)
    if context.refusals:
        return
    ids = _stamp(context, drafts, deleted=True)
    await context.call(hookspecs.customers_deleted, drafts)
    context.emit(types.CustomersDeleted(ids[0], ids))


async def _restore(context: Context[Any], drafts: Restorations) -> None:
    ids = {each.input.id for each in drafts}
    seen = await repository.seen(context, ids, deleted=True)
    known = await repository.customers(context, ids)
    for each in drafts:
        row = known.get(each.input.id) if each.input.id in seen else None
        if prefix_of(each.input.id) != models.Customer.__tablename__:
            context.reject(each, errors.NoCustomerId(prefix_of(each.input.id)))
        elif row is None or row.deleted_at is None or row.erased_at is not None:
            context.reject(each, errors.NotDeleted())
        else:
            each.becomes(row)
    if context.refusals:
        return
    await _check_keys_are_free(context, drafts)
    if context.refusals:
        return
    restored = _stamp(context, drafts, deleted=False)
    await context.call(hookspecs.customers_restored, drafts)
    context.emit(types.CustomersRestored(restored[0], restored))


async def _there(context: Context[Any], drafts: Sequence[D]) -> list[D]:
    """Gives drafts the rows that they name; whose is not there has been rejected."""
    known = await locked(context, drafts)
    there = [each for each in drafts if each.input.id in known]
    for each in there:
        each.becomes(known[each.input.id])
    return there


async def _check_keys_are_free(context: Context[Any], drafts: Restorations) -> None:
    own = await repository.contacts(
        context, models.CustomerExternalId, {each.row.id for each in drafts}
    )
    keys = {each.row.id: [key_of(key) for key in own.get(each.row.id, ())] for each in drafts}
    taken = set(await repository.holders(context, {key for some in keys.values() for key in some}))
    for each in drafts:
        for key in keys[each.row.id]:
            if key in taken:
                context.reject(each, errors.ExternalIdTaken(*key, "id"))
            taken.add(key)


def _stamp(
    context: Context[Any], drafts: Deletions | Restorations, *, deleted: bool
) -> tuple[str, ...]:
    """Marks customers and the keys they give back or take, and says who they are."""
    at = context.clock.now() if deleted else None
    for each in drafts:
        each.row.deleted_at = at
        each.outcome = Outcome.UPDATED
        context.write.change(models.Customer, each.row.id, set={models.Customer.deleted_at: at})
        freeze(each.row)
    ids = tuple(each.row.id for each in drafts)
    context.write.update(
        models.CustomerExternalId,
        where=repository.held_by(ids, released=not deleted),
        set={models.CustomerExternalId.released_at: at},
    )
    return ids


def _new_row(
    context: Context[Any], given: types.CreateCustomer, first_stage: str
) -> models.Customer:
    owner, team = _keepers(context, given)
    return models.Customer(
        kind=given.kind,
        name=(given.name or "").strip() or _joined(given.given_name, given.family_name),
        given_name=_plain(given.given_name),
        family_name=_plain(given.family_name),
        name_is_placeholder=given.name_is_placeholder,
        source=_plain(given.source),
        locale=_plain(given.locale),
        zone=_plain(given.zone),
        owner_id=owner,
        team_id=team,
        stage_id=given.stage_id or first_stage,
    )


def _keepers(context: Context[Any], given: types.CreateCustomer) -> tuple[str | None, str | None]:
    """Who looks after a new customer: whoever would not see them otherwise, he himself."""
    actor = context.actor
    said = given.owner_id, given.team_id
    if any(said) or actor.kind != "user" or actor.rights.reaches_all("core.customer.read"):
        return said
    return actor.id, actor.values.get("team")


def _joined(given: str | None, family: str | None) -> str:
    """The whole name as its language writes it: 张伟, but Ada Lovelace."""
    parts = [each.strip() for each in (given, family) if each and each.strip()]
    if all("\u3400" <= letter <= "\u9fff" for part in parts for letter in part):
        return "".join(reversed(parts))
    return " ".join(parts)


def _first_stays(context: Context[Any], drafts: Creations) -> Iterator[models.StageStay]:
    now, actor = context.clock.now(), context.actor.id
    for each in drafts:
        yield models.StageStay(
            customer_id=each.row.id, stage_id=each.row.stage_id, entered_at=now, actor=actor
        )


def _apply(given: types.UpdateCustomer, row: models.Customer) -> None:
    for name in ("name", "given_name", "family_name", "source", "locale", "zone"):
        value = getattr(given, name)
        if value is not UNSET:
            setattr(row, name, _plain(value))
    if given.owner_id is not UNSET:
        row.owner_id = given.owner_id
    if given.team_id is not UNSET:
        row.team_id = given.team_id
    if given.name_is_placeholder is not UNSET:
        row.name_is_placeholder = given.name_is_placeholder
    elif given.name is not UNSET:
        row.name_is_placeholder = False


def _plain(text: str | None) -> str | None:
    """A text without blanks around it; blanks alone say nothing."""
    return (text or "").strip() or None


def _changed(row: models.Customer, before: Mapping[str, Any]) -> list[str]:
    return [name for name, value in repository.changeable(row).items() if value != before[name]]
