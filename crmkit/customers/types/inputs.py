"""What a client says about customers who are new, known or perhaps both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from crmkit.access.types import Team, User
from crmkit.customers.models import CustomerKind
from crmkit.customers.types.addresses import PostalAddress, place
from crmkit.customers.types.nodes import Customer
from crmkit.engine.fields import Ref
from crmkit.engine.mutation_inputs import UNSET, Unset
from crmkit.engine.nodes import enum
from crmkit.stages.types import Stage
from crmkit.values import checks
from crmkit.values.contacts import email_address
from crmkit.values.text import fold

if TYPE_CHECKING:
    from crmkit.values.errors import Problem

T = TypeVar("T")

_MOST = 100  # as many as the lists of a customer show


@enum
class MatchBy(Enum):
    """How a customer that may exist already is recognised."""

    EXTERNAL_ID = "external_id"
    """By one of the external ids."""
    EMAIL = "email"
    """By one of the mail addresses, whatever their case."""


@dataclass(frozen=True)
class EmailAddress:
    """An address to write to."""

    address: str
    """As it was given; its normal form is made of it."""
    label: str | None = None
    """What it is for, such as work."""
    primary: bool = False
    """Whether it is the one to use; without a mark it is the first."""

    def __post_init__(self) -> None:
        checks.check(checks.of_length("label", self.label))
        _ = self.normal

    @cached_property
    def normal(self) -> str:
        """The address in its normal form."""
        return email_address(self.address)


@dataclass(frozen=True)
class PhoneNumber:
    """A number to call."""

    number: str
    """As it was given; a national one is read as of the organisation's region."""
    label: str | None = None
    """What it is for, such as mobile."""
    primary: bool = False
    """Whether it is the one to use; without a mark it is the first."""

    def __post_init__(self) -> None:
        checks.check(checks.word("number", self.number), checks.of_length("label", self.label))


@dataclass(frozen=True)
class ExternalId:
    """What another system calls a customer."""

    source: str
    """The other system, by its key."""
    external_id: str
    """The id that the other system gave."""

    def __post_init__(self) -> None:
        checks.check(
            checks.word("source", self.source), checks.word("externalId", self.external_id)
        )


@dataclass(frozen=True)
class CreateCustomer:
    """Someone new."""

    name: str | None = None
    """The whole name; may be left out where given or family name stand."""
    kind: CustomerKind = CustomerKind.PERSON
    """Whether this is a person or an organisation; that never changes."""
    given_name: str | None = None
    """A person's given name."""
    family_name: str | None = None
    """A person's family name."""
    name_is_placeholder: bool = False
    """Whether the name only stands in for one that nobody knows yet."""
    emails: Sequence[EmailAddress] = ()
    """The addresses to write to."""
    phones: Sequence[PhoneNumber] = ()
    """The numbers to call."""
    addresses: Sequence[PostalAddress] = ()
    """Where they live or work."""
    external_ids: Sequence[ExternalId] = ()
    """What other systems call them; no two customers share one."""
    source: str | None = None
    """Where they came to us from."""
    locale: str | None = None
    """Their language, such as de-AT."""
    zone: str | None = None
    """Their time zone, such as Europe/Vienna."""
    owner_id: Ref[User] | None = None
    """The colleague who looks after them."""
    team_id: Ref[Team] | None = None
    """The team that looks after them."""
    stage_id: Ref[Stage] | None = None
    """Where on the ladder they begin; else the stage that is marked for that."""

    def __post_init__(self) -> None:
        named = self.name or self.given_name or self.family_name
        checks.check(checks.present("name", named), *_faults(self))


@dataclass(frozen=True)
class CreatedCustomer:
    """What was made."""

    customer: Customer
    """The new customer."""


@dataclass(frozen=True)
class UpdateCustomer:
    """What is to change of a customer; whatever is left out stays."""

    id: Ref[Customer]
    """Who is meant."""
    version: int | None = None
    """The version you saw: if it has changed since, nothing happens."""
    name: str | Unset = UNSET
    """The whole name."""
    given_name: str | Unset | None = UNSET
    """A person's given name."""
    family_name: str | Unset | None = UNSET
    """A person's family name."""
    name_is_placeholder: bool | Unset = UNSET
    """Whether the name only stands in; a new name ends that unless you say so here."""
    emails: Sequence[EmailAddress] | Unset = UNSET
    """All addresses to write to; they replace the ones there are."""
    phones: Sequence[PhoneNumber] | Unset = UNSET
    """All numbers to call; they replace the ones there are."""
    addresses: Sequence[PostalAddress] | Unset = UNSET
    """All places where they live or work; they replace the ones there are."""
    external_ids: Sequence[ExternalId] | Unset = UNSET
    """All that other systems call them; they replace what is there."""
    source: str | Unset | None = UNSET
    """Where they came to us from."""
    locale: str | Unset | None = UNSET
    """Their language, such as de-AT."""
    zone: str | Unset | None = UNSET
    """Their time zone, such as Europe/Vienna."""
    owner_id: Ref[User] | Unset | None = UNSET
    """The colleague who looks after them."""
    team_id: Ref[Team] | Unset | None = UNSET
    """The team that looks after them."""

    def __post_init__(self) -> None:
        named = () if self.name is UNSET else checks.present("name", self.name)
        checks.check(named, *_faults(self))


@dataclass(frozen=True)
class UpdatedCustomer:
    """What was changed."""

    customer: Customer
    """The customer as they are now."""


@dataclass(frozen=True)
class UpsertCustomer:
    """Someone who may be known already; what is left out stays, what is new is added."""

    match_by: MatchBy | None = None
    """How to recognise them; by external id where one is given, else by mail."""
    name: str | Unset = UNSET
    """The whole name; a placeholder never replaces a real name."""
    kind: CustomerKind = CustomerKind.PERSON
    """Whether this is a person or an organisation, if they are new."""
    given_name: str | Unset | None = UNSET
    """A person's given name."""
    family_name: str | Unset | None = UNSET
    """A person's family name."""
    name_is_placeholder: bool = False
    """Whether the name only stands in for one that nobody knows yet."""
    emails: Sequence[EmailAddress] = ()
    """Addresses; those they do not have yet are added."""
    phones: Sequence[PhoneNumber] = ()
    """Numbers; those they do not have yet are added."""
    addresses: Sequence[PostalAddress] = ()
    """Where they live or work; addresses that they do not have yet are added."""
    external_ids: Sequence[ExternalId] = ()
    """What other systems call them; those they do not have yet are added."""
    source: str | Unset | None = UNSET
    """Where they came to us from."""
    locale: str | Unset | None = UNSET
    """Their language, such as de-AT."""
    zone: str | Unset | None = UNSET
    """Their time zone, such as Europe/Vienna."""
    owner_id: Ref[User] | Unset | None = UNSET
    """The colleague who looks after them."""
    team_id: Ref[Team] | Unset | None = UNSET
    """The team that looks after them."""
    stage_id: Ref[Stage] | None = None
    """Where on the ladder they begin, if they are new."""

    def __post_init__(self) -> None:
        named = () if self.name is UNSET else checks.present("name", self.name)
        checks.check(named, *_faults(self), _match_faults(self))


@dataclass(frozen=True)
class UpsertedCustomer:
    """Who it turned out to be."""

    customer: Customer
    """The customer, new or known."""


_Person = CreateCustomer | UpdateCustomer | UpsertCustomer


def said(value: T | Unset | None) -> T | None:
    """What the client said, nothing where that was left out."""
    return None if value is UNSET else value


def _faults(given: _Person) -> Iterator[Iterable[Problem]]:
    """What can be wrong with a customer however they are written."""
    yield checks.of_length("name", said(given.name))
    yield checks.of_length("givenName", said(given.given_name))
    yield checks.of_length("familyName", said(given.family_name))
    yield checks.of_length("source", said(given.source))
    yield checks.locale("locale", said(given.locale))
    yield checks.zone("zone", said(given.zone))
    if given.emails:
        yield _list_faults("emails", given.emails, [fold(each.normal) for each in given.emails])
    if given.phones:
        yield _list_faults("phones", given.phones, [each.number for each in given.phones])
    if given.addresses:
        places = [place(each.normal) for each in given.addresses]
        yield _list_faults("addresses", given.addresses, places)
    if given.external_ids:
        keys = [(each.source, each.external_id) for each in given.external_ids]
        yield _list_faults("externalIds", (), keys)


def _list_faults(
    field: str,
    given: Sequence[EmailAddress | PhoneNumber | PostalAddress],
    keys: Sequence[object],
) -> Sequence[Problem]:
    faults = []
    if len(keys) > _MOST:
        faults.append(checks.fault(field, f"There are at most {_MOST} of them."))
    if len(keys) > 1:
        for index, each in enumerate(keys):
            if each in keys[:index]:
                faults.append(checks.fault((field, index), "This stands here twice."))
    marked = [index for index, each in enumerate(given) if each.primary]
    for index in marked[1:]:
        message = "Only one of them is the one to use."
        faults.append(checks.fault((field, index, "primary"), message))
    return faults


def _match_faults(given: UpsertCustomer) -> Iterator[Problem]:
    by_mail = given.match_by is MatchBy.EMAIL
    if by_mail and not given.emails:
        yield checks.fault("emails", "To be recognised by mail, a customer needs an address.")
    if given.match_by is MatchBy.EXTERNAL_ID and not given.external_ids:
        yield checks.fault(
            "externalIds", "To be recognised by it, a customer needs an external id."
        )
    if given.match_by is None and not given.emails and not given.external_ids:
        yield checks.fault(
            "externalIds", "Give an external id or a mail address to recognise them by."
        )
