"""Customers who may be known already are recognised, and made only if they are not."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from crmkit.customers import errors, models, repository, types
from crmkit.customers.service.contacts import key_of
from crmkit.customers.service.customers import create, update
from crmkit.customers.service.drafts import rounds
from crmkit.engine.mutations import UNSET, Unset, mutation
from crmkit.engine.nodes import ref
from crmkit.host.context import Context
from crmkit.host.drafts import Draft
from crmkit.values.contacts import phone_number
from crmkit.values.errors import Failure
from crmkit.values.text import fold

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

R = TypeVar(
    "R",
    bound=models.CustomerEmail
    | models.CustomerPhone
    | models.CustomerAddress
    | models.CustomerExternalId,
)
G = TypeVar(
    "G", bound=types.EmailAddress | types.PhoneNumber | types.PostalAddress | types.ExternalId
)

Upserts = Sequence[Draft[types.UpsertCustomer, models.Customer]]
Key = tuple[str, str]


@mutation(permission="core.customer.upsert", bulk="upsertCustomers")
async def upsert_customers(
    context: Context[Any], drafts: Sequence[Draft[types.UpsertCustomer, models.Customer]]
) -> Sequence[types.UpsertedCustomer]:
    """Recognises a customer by an external id or by mail; changes them, or adds them."""
    found: dict[int, str] = {}
    for each in rounds(drafts, lambda draft: _keys(draft.input)):
        found |= await _upsert(context, each)
    # Whoever was rejected is nobody, and nothing of this unit will be kept.
    ids = [found.get(each.index, "") for each in drafts]
    return [types.UpsertedCustomer(ref(types.Customer, each)) for each in ids]


async def _upsert(context: Context[Any], drafts: Upserts) -> dict[int, str]:
    """Says who each draft turned out to be."""
    known = await _recognised(context, drafts)
    new = [each for each in drafts if each.index not in known]
    for each in new:
        if not _has_name(each.input):
            context.reject(each, errors.NameNeeded())
    if context.refusals:
        return known
    old = [each for each in drafts if each.index in known]
    for some in rounds(old, lambda draft: {known[draft.index]}):
        await _update(context, some, known)
    return known | await _create(context, new)


async def _recognised(context: Context[Any], drafts: Upserts) -> dict[int, str]:
    """Finds the one customer that a draft can mean; where there are several, it is rejected."""
    by_mail = {each.index for each in drafts if _is_by_mail(each.input)}
    holders = await repository.holders(
        context, {key for each in drafts if each.index not in by_mail for key in _keys(each.input)}
    )
    readers = await repository.readers(
        context, {mail for each in drafts if each.index in by_mail for _, mail in _keys(each.input)}
    )
    matching = {*holders.values(), *(id_ for ids in readers.values() for id_ in ids)}
    seen = await repository.seen(context, matching)
    found = {}
    for each in drafts:
        if each.index in by_mail:
            ids = {id_ for _, mail in _keys(each.input) for id_ in readers.get(mail, ())}
        else:
            ids = {holders[key] for key in _keys(each.input) if key in holders}
            _check_seen(context, each, holders, seen)
        # A mailbox can be several people's: whom the actor does not see, he does not mean.
        ids.intersection_update(seen)
        if len(ids) > 1:
            field = "emails" if each.index in by_mail else "externalIds"
            context.reject(each, errors.SeveralMatch(ids, field))
        for id_ in sorted(ids)[:1]:
            found[each.index] = id_
    return found


def _check_seen(
    context: Context[Any],
    draft: Draft[types.UpsertCustomer, models.Customer],
    holders: Mapping[Key, str],
    seen: Collection[str],
) -> None:
    """An external id is one customer's; of one whom the actor does not see, it is only taken."""
    for index, each in enumerate(types.said(draft.input.external_ids) or ()):
        key = _external_key(each)
        if key in holders and holders[key] not in seen:
            path = ("external_ids", index, "externalId")
            context.reject(draft, errors.ExternalIdTaken(*key, path))


async def _create(context: Context[Any], drafts: Upserts) -> dict[int, str]:
    inner = [each.rephrased(_creation(each.input)) for each in drafts]
    await create(context, inner)
    return {each.index: each.row.id for each in inner}


async def _update(context: Context[Any], drafts: Upserts, known: Mapping[int, str]) -> None:
    """Turns drafts into updates that name what there is together with what is new."""
    ids = {known[each.index] for each in drafts}
    rows = await repository.customers(context, ids)
    emails = await repository.contacts(context, models.CustomerEmail, ids)
    phones = await repository.contacts(context, models.CustomerPhone, ids)
    addresses = await repository.contacts(context, models.CustomerAddress, ids)
    keys = await repository.contacts(context, models.CustomerExternalId, ids)
    inner = []
    for each in drafts:
        id_, given = known[each.index], each.input
        change = _change(
            given,
            rows[id_],
            _together(emails.get(id_, ()), given.emails, _email_key, _email),
            _together(phones.get(id_, ()), given.phones, partial(_phone_key, context), _phone),
            _together(addresses.get(id_, ()), given.addresses, _address_key, _address),
            _together(keys.get(id_, ()), given.external_ids, _external_key, _external_id),
        )
        inner.append(each.rephrased(change))
    await update(context, inner)
    for outer, own in zip(drafts, inner, strict=True):
        outer.outcome = own.outcome


def _change(
    given: types.UpsertCustomer,
    row: models.Customer,
    emails: Sequence[types.EmailAddress] | Unset,
    phones: Sequence[types.PhoneNumber] | Unset,
    addresses: Sequence[types.PostalAddress] | Unset,
    external_ids: Sequence[types.ExternalId] | Unset,
) -> types.UpdateCustomer:
    # A placeholder never takes the place of a name that somebody knows.
    is_named = given.name is not UNSET and (
        row.name_is_placeholder or not given.name_is_placeholder
    )
    return types.UpdateCustomer(
        id=row.id,
        name=given.name if is_named else UNSET,
        name_is_placeholder=given.name_is_placeholder if is_named else UNSET,
        given_name=given.given_name,
        family_name=given.family_name,
        emails=emails,
        phones=phones,
        addresses=addresses,
        external_ids=external_ids,
        source=given.source,
        locale=given.locale,
        zone=given.zone,
        owner_id=given.owner_id,
        team_id=given.team_id,
    )


def _creation(given: types.UpsertCustomer) -> types.CreateCustomer:
    return types.CreateCustomer(
        name=types.said(given.name),
        kind=given.kind,
        given_name=types.said(given.given_name),
        family_name=types.said(given.family_name),
        name_is_placeholder=given.name_is_placeholder,
        emails=given.emails,
        phones=given.phones,
        addresses=given.addresses,
        external_ids=given.external_ids,
        source=types.said(given.source),
        locale=types.said(given.locale),
        zone=types.said(given.zone),
        owner_id=types.said(given.owner_id),
        team_id=types.said(given.team_id),
        stage_id=given.stage_id,
    )


def _together(
    rows: Sequence[R], given: Sequence[G], key: Callable[[G], Key], said: Callable[[R, bool], G]
) -> Sequence[G] | Unset:
    """Names what is given, in its place, and what else there is; nothing if all is known."""
    known = {key_of(each): each for each in rows}
    new = [each for each in given if key(each) not in known]
    if not new:
        return UNSET
    stays = not any(getattr(each, "primary", False) for each in new)
    both = {each_key: said(row, stays) for each_key, row in known.items()}
    mine = [both.pop(key(each), each) for each in given]
    return [*mine, *both.values()]


def _email(row: models.CustomerEmail, stays: bool) -> types.EmailAddress:
    return types.EmailAddress(row.address, row.label, row.is_primary and stays)


def _phone(row: models.CustomerPhone, stays: bool) -> types.PhoneNumber:
    return types.PhoneNumber(row.number, row.label, row.is_primary and stays)


def _address(row: models.CustomerAddress, stays: bool) -> types.PostalAddress:
    where = {name: getattr(row, name) for name in types.PLACE}
    return types.PostalAddress(label=row.label, primary=row.is_primary and stays, **where)


def _external_id(row: models.CustomerExternalId, stays: bool) -> types.ExternalId:
    return types.ExternalId(row.source, row.external_id)


def _email_key(given: types.EmailAddress) -> Key:
    return ("", fold(given.normal))


def _phone_key(context: Context[Any], given: types.PhoneNumber) -> Key:
    try:
        return ("", phone_number(given.number, context.organisation.phone_region))
    except Failure:  # The update says so, in its place.
        return ("", given.number)


def _address_key(given: types.PostalAddress) -> Key:
    return ("", types.place(given.normal))


def _external_key(given: types.ExternalId) -> Key:
    return (given.source, given.external_id)


def _has_name(given: types.UpsertCustomer) -> bool:
    names = given.name, given.given_name, given.family_name
    return any(isinstance(each, str) and each.strip() for each in names)


def _is_by_mail(given: types.UpsertCustomer) -> bool:
    if given.match_by is None:
        return not given.external_ids
    return given.match_by is types.MatchBy.EMAIL


def _keys(given: types.UpsertCustomer) -> set[Key]:
    """By what a customer is recognised; drafts that share one of these mean the same."""
    if _is_by_mail(given):
        return {_email_key(each) for each in given.emails}
    return {_external_key(each) for each in given.external_ids}
