"""How customers are reached: what a draft names of it, and what of that is news."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any

from crmkit.customers import errors, models, repository, types
from crmkit.values.contacts import phone_number
from crmkit.values.errors import Failure
from crmkit.values.text import fold

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from crmkit.host.context import Context
    from crmkit.host.drafts import Draft

Contact = (
    models.CustomerEmail | models.CustomerPhone | models.CustomerAddress | models.CustomerExternalId
)
Asked = types.CreateCustomer | types.UpdateCustomer

_KINDS: dict[str, type[Contact]] = {
    "emails": models.CustomerEmail,
    "phones": models.CustomerPhone,
    "addresses": models.CustomerAddress,
    "external_ids": models.CustomerExternalId,
}


@dataclass
class News:
    """What changes of a customer's contacts."""

    added: list[Contact] = field(default_factory=list)
    changed: list[tuple[Contact, Contact]] = field(default_factory=list)
    removed: list[Contact] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed)


def first_news(context: Context[Any], draft: Draft[Asked, models.Customer]) -> News:
    """Everything is news of somebody who is new."""
    return News(added=_rows(context, draft))


async def news(
    context: Context[Any], drafts: Sequence[Draft[types.UpdateCustomer, models.Customer]]
) -> list[News]:
    """Compares what drafts name with what there is; a list that is named replaces its kind."""
    found = [News() for _ in drafts]
    rows = [_rows(context, each) for each in drafts]
    for name, kind in _KINDS.items():
        named = {
            each.input.id for each in drafts if types.said(getattr(each.input, name)) is not None
        }
        have = await repository.contacts(context, kind, named)
        for draft, wanted, own in zip(drafts, rows, found, strict=True):
            if draft.input.id in named:
                fitting = [each for each in wanted if isinstance(each, kind)]
                _compare(have.get(draft.input.id, ()), fitting, own)
    return found


async def check_external_ids(
    context: Context[Any],
    drafts: Sequence[Draft[Asked, models.Customer]],
    found: Sequence[News],
) -> None:
    """Rejects whoever asks for a key that another customer holds or asks for, too."""
    freed = {key_of(each) for own in found for each in own.removed}
    asked = [_external_keys(own) for own in found]
    held = set(await repository.holders(context, {key for keys in asked for key in keys})) - freed
    for draft, keys in zip(drafts, asked, strict=True):
        for key in keys:
            if key in held:
                named = types.said(draft.input.external_ids) or ()
                index = [(each.source, each.external_id) for each in named].index(key)
                path = ("external_ids", index, "externalId")
                context.reject(draft, errors.ExternalIdTaken(*key, path))
            held.add(key)


def write_contacts(context: Context[Any], found: Sequence[News]) -> None:
    """Writes the news of many customers, first what goes, so that its keys are free."""
    for kind in _KINDS.values():
        gone = [each.id for own in found for each in own.removed if isinstance(each, kind)]
        if gone:
            context.write.delete(kind, where=repository.among(kind, gone))
    for old, new in chain.from_iterable(each.changed for each in found):
        kind = type(old)
        said = {getattr(kind, name): value for name, value in _said_of(new).items()}
        was = {each: getattr(old, each.key) for each in said}
        context.write.change(kind, old.id, set=said, was=was)
    context.write.add(*chain.from_iterable(each.added for each in found))


def key_of(row: Contact) -> tuple[str, str]:
    """What makes two contacts of a customer the same."""
    if isinstance(row, models.CustomerEmail):
        return ("", fold(row.address))
    if isinstance(row, models.CustomerPhone):
        return ("", row.number)
    if isinstance(row, models.CustomerAddress):
        return ("", types.place({name: getattr(row, name) for name in types.PLACE}))
    return (row.source, row.external_id)


def _rows(context: Context[Any], draft: Draft[Asked, models.Customer]) -> list[Contact]:
    """Makes rows of all that a draft names; what is no number is rejected."""
    given, found = draft.input, list[Contact]()
    # Most have few of these, and in a bulk each look at nothing would count.
    if given.emails:
        found += _emails(draft, given.emails)
    if given.phones:
        found += _phones(context, draft, given.phones)
    if given.addresses:
        found += _addresses(draft, given.addresses)
    if given.external_ids:
        found += _external_ids(draft, given.external_ids)
    return found


def _emails(
    draft: Draft[Asked, models.Customer], given: Sequence[types.EmailAddress]
) -> Iterator[Contact]:
    for each, primary in zip(given, _primary(given), strict=True):
        yield models.CustomerEmail(
            customer_id=draft.row.id,
            address=each.normal,
            given=each.address,
            label=each.label,
            is_primary=primary,
        )


def _phones(
    context: Context[Any],
    draft: Draft[Asked, models.Customer],
    given: Sequence[types.PhoneNumber],
) -> Iterator[Contact]:
    for index, (each, primary) in enumerate(zip(given, _primary(given), strict=True)):
        try:
            number = phone_number(each.number, context.organisation.phone_region)
        except Failure as failure:
            context.reject(draft, failure.below(("phones", index)))
            continue
        yield models.CustomerPhone(
            customer_id=draft.row.id,
            number=number,
            given=each.number,
            label=each.label,
            is_primary=primary,
        )


def _addresses(
    draft: Draft[Asked, models.Customer], given: Sequence[types.PostalAddress]
) -> Iterator[Contact]:
    for each, primary in zip(given, _primary(given), strict=True):
        yield models.CustomerAddress(
            customer_id=draft.row.id, label=each.label, is_primary=primary, **each.normal
        )


def _external_ids(
    draft: Draft[Asked, models.Customer], given: Sequence[types.ExternalId]
) -> Iterator[Contact]:
    for each in given:
        yield models.CustomerExternalId(
            customer_id=draft.row.id, source=each.source, external_id=each.external_id
        )


def _primary(
    given: Sequence[types.EmailAddress | types.PhoneNumber | types.PostalAddress],
) -> list[bool]:
    """Exactly one is the one to use: the marked one, else the first."""
    marked = [each.primary for each in given]
    return marked if any(marked) else [index == 0 for index in range(len(marked))]


def _compare(have: Sequence[Contact], wanted: Sequence[Contact], own: News) -> None:
    known = {key_of(each): each for each in have}
    for each in wanted:
        old = known.pop(key_of(each), None)
        if old is None:
            own.added.append(each)
        elif _said_of(old) != _said_of(each):
            own.changed.append((old, each))
    own.removed += known.values()


def _said_of(row: Contact) -> dict[str, Any]:
    """What can change of a contact while it stays the same.

    How a mail address or a number was first written stays; a street is written anew.
    """
    if isinstance(row, models.CustomerExternalId):
        return {}
    said = {"label": row.label, "is_primary": row.is_primary}
    if isinstance(row, models.CustomerAddress):
        said |= {name: getattr(row, name) for name in types.PLACE}
    return said


def _external_keys(own: News) -> list[tuple[str, str]]:
    return [key_of(each) for each in own.added if isinstance(each, models.CustomerExternalId)]
