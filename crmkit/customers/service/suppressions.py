"""Who was erased stays away: how they were reached is known as hashes, and refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crmkit.customers import errors, models, repository
from crmkit.values.text import fold

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from crmkit.customers.service.contacts import Asked, Contact, News
    from crmkit.host.context import Context
    from crmkit.host.drafts import Draft

_FEW = 8
_FIELDS = {"email": "emails", "phone": "phones", "external_id": "external_ids"}


async def check_suppressed(
    context: Context[Any],
    drafts: Sequence[Draft[Asked, models.Customer]],
    found: Sequence[News],
) -> None:
    """Rejects whoever is to be reached as somebody who was erased."""
    told = [_digests(context, own.added) for own in found]
    wanted = {digest for own in told for digest in own}
    if not wanted:
        return
    known: Collection[str] = ()
    if len(wanted) <= _FEW and context.unit.may_trust(models.Suppression):
        # Hardly ever is one of them there: the statement that writes finds out.
        context.unit.trust_absent(models.Suppression, sorted(wanted))
    else:
        known = await repository.suppressed(context, wanted)
    for draft, own in zip(drafts, told, strict=True):
        for digest in own.keys() & known:
            context.reject(draft, errors.Suppressed(_FIELDS[own[digest]]))


def suppress(context: Context[Any], contacts: Iterable[Contact]) -> None:
    """Remembers hashes of how somebody was reached, who is being erased."""
    at = context.clock.now()
    rows = [
        models.Suppression(digest=digest, kind=kind, at=at)
        for digest, kind in _digests(context, contacts).items()
    ]
    context.write.upsert(models.Suppression, rows, key=models.Suppression.digest)


async def lift(
    context: Context[Any],
    *,
    emails: Iterable[str] = (),
    phones: Iterable[str] = (),
    external_ids: Iterable[tuple[str, str]] = (),
) -> int:
    """Forgets the hashes of these in their normal forms, and says how many there were."""
    told = [
        *[_digest(context, *_email(each)) for each in emails],
        *[_digest(context, *_phone(each)) for each in phones],
        *[_digest(context, *_external_id(*each)) for each in external_ids],
    ]
    known = await repository.suppressed(context, told)
    if known:
        context.write.delete(models.Suppression, where=repository.suppressions(known))
    return len(known)


def _digests(context: Context[Any], contacts: Iterable[Contact]) -> dict[str, str]:
    """The hash of each contact, and of what kind it is; houses are no persons."""
    told = [_text(each) for each in contacts]
    return {_digest(context, *each): each[0] for each in told if each}


def _digest(context: Context[Any], kind: str, text: str) -> str:
    return context.host.signer.digest(f"core.suppression.{kind}", text.encode()).hex()


def _text(contact: Contact) -> tuple[str, str] | None:
    if isinstance(contact, models.CustomerEmail):
        return _email(contact.address)
    if isinstance(contact, models.CustomerPhone):
        return _phone(contact.number)
    if isinstance(contact, models.CustomerExternalId):
        return _external_id(contact.source, contact.external_id)
    return None


def _email(address: str) -> tuple[str, str]:
    return "email", fold(address)


def _phone(number: str) -> tuple[str, str]:
    return "phone", number


def _external_id(source: str, external_id: str) -> tuple[str, str]:
    return "external_id", f"{source} {external_id}"
