"""What a client sees of customers."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from crmkit.access.types import Team, User
from crmkit.customers import models
from crmkit.engine.fields import computed, list_of, timeline, to_many, to_one
from crmkit.engine.nodes import Connection, node
from crmkit.engine.timelines import TimelineEntry
from crmkit.stages.models import Stage as StageRow
from crmkit.stages.types import Stage
from crmkit.values import regional
from crmkit.values.labels import phrase
from crmkit.vocabulary.types import label

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crmkit.settings import Organisation


@node(
    models.Customer,
    list="customers",
    read="core.customer.read",
    aliases=models.CustomerAlias.alias_id,
)
class Customer:
    """A person or an organisation the company deals with."""

    kind: models.CustomerKind
    name: str
    given_name: str | None
    family_name: str | None
    name_is_placeholder: bool
    source: str | None
    locale: str | None
    zone: str | None
    owner: User | None = to_one()
    """The colleague who looks after them."""
    team: Team | None = to_one()
    """The team that looks after them."""
    stage: Stage = to_one()
    """Where on the ladder they stand."""
    stays: Connection[StageStay] = to_many(
        models.StageStay.customer_id, order_by=models.StageStay.entered_at.desc()
    )
    """The stages they stood on, the latest first."""
    timeline: Connection[TimelineEntry] = timeline()
    """What happened with them, of all kinds, the latest first."""
    emails: list[CustomerEmail] = list_of(
        models.CustomerEmail.customer_id, order_by=models.CustomerEmail.is_primary.desc()
    )
    """Their addresses, the one to use first."""
    phones: list[CustomerPhone] = list_of(
        models.CustomerPhone.customer_id, order_by=models.CustomerPhone.is_primary.desc()
    )
    """Their numbers, the one to use first."""
    addresses: list[CustomerAddress] = list_of(
        models.CustomerAddress.customer_id, order_by=models.CustomerAddress.is_primary.desc()
    )
    """Where they live or work, the one to use first."""
    external_ids: list[CustomerExternalId] = list_of(models.CustomerExternalId.customer_id)
    """What other systems call them."""
    organisations: Connection[CustomerRelation] = to_many(models.CustomerRelation.person_id)
    """How this person is related to organisations."""
    people: Connection[CustomerRelation] = to_many(models.CustomerRelation.organisation_id)
    """How people are related to this organisation."""
    relations: Connection[CustomerRelation] = to_many(models.CustomerRelation.from_id)
    """What they are to others."""
    related: Connection[CustomerRelation] = to_many(models.CustomerRelation.to_id)
    """What others are to them."""


@node(models.CustomerEmail, read="core.customer.read")
class CustomerEmail:
    """An address to write to."""

    customer: Customer = to_one()
    """Whose address it is."""
    address: str
    given: str
    label: str | None
    is_primary: bool


@node(models.CustomerPhone, read="core.customer.read")
class CustomerPhone:
    """A number to call."""

    customer: Customer = to_one()
    """Whose number it is."""
    number: str
    given: str
    label: str | None
    is_primary: bool


def country_name(code: str, *, locale: str | None = None, organisation: Organisation) -> str:
    """What people call the country, in this locale or else in the organisation's."""
    return regional.country_name(code, locale, organisation.locale)


@node(models.CustomerAddress, read="core.customer.read")
class CustomerAddress:
    """Where to send something, or to go."""

    customer: Customer = to_one()
    """Whose address it is."""
    country: str
    country_name: str = computed(country_name, models.CustomerAddress.country)
    region: str | None
    locality: str | None
    postal_code: str | None
    lines: list[str]
    label: str | None
    is_primary: bool


@node(models.CustomerExternalId, read="core.customer.read")
class CustomerExternalId:
    """What another system calls a customer."""

    customer: Customer = to_one()
    """Who is meant."""
    source: str
    external_id: str


@node(models.CustomerRelation, read="core.customer.read")
class CustomerRelation:
    """How one customer is related to another, from a day until a day."""

    from_: Customer = to_one(models.CustomerRelation.from_id)
    """Who is related."""
    to: Customer = to_one(models.CustomerRelation.to_id)
    """To whom."""
    person: Customer | None = to_one(models.CustomerRelation.person_id)
    """The person, where a person is related to an organisation."""
    organisation: Customer | None = to_one(models.CustomerRelation.organisation_id)
    """The organisation, where a person is related to one."""
    role: str
    since: date | None
    until: date | None


@node(models.StageStay, read="core.customer.read")
class StageStay:
    """How long a customer stood on a stage, and who moved them there."""

    customer: Customer = to_one()
    """Who stood there."""
    stage: Stage = to_one()
    """The stage."""
    entered_at: datetime
    left_at: datetime | None
    actor: str
    reason: str | None


def _entered(
    labels: Mapping[str, str],
    key: str,
    *,
    locale: str | None = None,
    organisation: Organisation,
) -> str:
    """Which stage they came to."""
    words = {"en": "Stage: {}", "de": "Stufe: {}", "zh": "阶段：{}"}
    return phrase(words, locale, organisation.locale).format(
        label(labels, key, locale=locale, organisation=organisation)
    )


stay_summary = computed(_entered, StageRow.labels, StageRow.key)
