"""Tables: customers, how to reach them, how they are related, where they stood."""

from __future__ import annotations

from datetime import date, datetime
from enum import Enum
from functools import cache
from itertools import count
from typing import TYPE_CHECKING, Any

from sqlalchemy import Boolean, Date, ForeignKey, Index, MetaData, Text, text
from sqlalchemy.orm import Mapped

from crmkit.engine.nodes import enum
from crmkit.store.column_types import Choice, Code, Json, UtcDateTime, field_type
from crmkit.store.database import (
    Base,
    Record,
    Versioned,
    both,
    column,
    root_scope,
    table_of,
    unscoped,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crmkit.values.custom_fields import CustomField

_ENGINES = ("sqlite", "postgresql")
_NUMBERS = count(1)


@enum
class CustomerKind(Enum):
    """What a customer is before the law."""

    PERSON = "person"
    """A human being."""
    ORGANISATION = "organisation"
    """A company, an association, an authority."""


# Partial indexes are said per engine.
_HELD: dict[str, Any] = {f"{each}_where": text("released_at IS NULL") for each in _ENGINES}
_OPEN: dict[str, Any] = {f"{each}_where": text("left_at IS NULL") for each in _ENGINES}


class Customer(Versioned):
    """A person or an organisation; the record that row scopes are about."""

    __tablename__ = "customer"
    __scope__ = root_scope(deleted="deleted_at", owner="owner_id", team="team_id")

    kind: Mapped[CustomerKind] = column(
        Choice(CustomerKind), filterable=True, doc="Whether this is a person or an organisation."
    )
    name: Mapped[str] = column(
        Text,
        personal=True,
        erased="Erased",
        filterable=True,
        doc="The whole name as people say it.",
    )
    given_name: Mapped[str | None] = column(
        Text, personal=True, filterable=True, default=None, doc="A person's given name."
    )
    family_name: Mapped[str | None] = column(
        Text, personal=True, filterable=True, default=None, doc="A person's family name."
    )
    name_is_placeholder: Mapped[bool] = column(
        Boolean,
        default=False,
        filterable=True,
        doc="Whether the name only stands in for one that nobody knows yet.",
    )
    source: Mapped[str | None] = column(
        Text,
        personal=False,
        filterable=True,
        groupable=True,
        default=None,
        doc="Where they came to us from.",
    )
    locale: Mapped[str | None] = column(
        Code,
        personal=False,
        filterable=True,
        groupable=True,
        default=None,
        doc="Their language, such as de-AT.",
    )
    zone: Mapped[str | None] = column(
        Code, personal=False, default=None, doc="Their time zone, such as Europe/Vienna."
    )
    owner_id: Mapped[str | None] = column(
        ForeignKey("app_user.id"), default=None, doc="The colleague who looks after them."
    )
    team_id: Mapped[str | None] = column(
        ForeignKey("team.id"), default=None, doc="The team that looks after them."
    )
    stage_id: Mapped[str] = column(ForeignKey("stage.id"), doc="Where on the ladder they stand.")
    deleted_at: Mapped[datetime | None] = column(
        UtcDateTime, default=None, doc="When they were deleted; restoring empties it."
    )
    erased_at: Mapped[datetime | None] = column(
        UtcDateTime, default=None, doc="Since when nobody is to know who they were; never undone."
    )


class CustomerAlias(Base):
    """The id of a customer who was merged into another: it means that one for ever.

    There are no aliases of aliases: who is merged brings his own along.
    """

    __tablename__ = "customer_alias"

    alias_id: Mapped[str] = column(
        Code, primary_key=True, personal=False, doc="The id of the customer who was merged."
    )
    customer_id: Mapped[str] = column(ForeignKey("customer.id"), doc="Who they are now.")
    merged_at: Mapped[datetime] = column(UtcDateTime, doc="When they were merged.")
    actor: Mapped[str] = column(Code, personal=False, doc="Who merged them.")


class Suppression(Base):
    """A way to reach somebody who was erased, as a hash: nobody brings them back by it."""

    __tablename__ = "customer_suppression"
    __scope__ = unscoped("hashes say nothing of anybody, and rules alone read them")

    digest: Mapped[str] = column(
        Code, primary_key=True, personal=False, doc="The hash, made with the secret of the house."
    )
    kind: Mapped[str] = column(
        Code, personal=False, doc="What it is of: email, phone, external_id."
    )
    at: Mapped[datetime] = column(UtcDateTime, doc="When they were erased.")


class CustomerEmail(Record):
    """An address to write to."""

    __tablename__ = "customer_email"
    __erasure__ = "delete"

    customer_id: Mapped[str] = column(ForeignKey("customer.id"), doc="Whose address it is.")
    address: Mapped[str] = column(
        Text, personal=True, filterable=True, doc="The address in its normal form."
    )
    given: Mapped[str] = column(Text, personal=True, doc="The address as it was written.")
    label: Mapped[str | None] = column(
        Text, personal=False, default=None, doc="What it is for, such as work."
    )
    is_primary: Mapped[bool] = column(
        Boolean, default=False, doc="Whether it is the one to use; one of them always is."
    )


class CustomerPhone(Record):
    """A number to call."""

    __tablename__ = "customer_phone"
    __erasure__ = "delete"

    customer_id: Mapped[str] = column(ForeignKey("customer.id"), doc="Whose number it is.")
    number: Mapped[str] = column(
        Code, personal=True, filterable=True, doc="The number as E.164 writes it: +493012345678."
    )
    given: Mapped[str] = column(Text, personal=True, doc="The number as it was written.")
    label: Mapped[str | None] = column(
        Text, personal=False, default=None, doc="What it is for, such as mobile."
    )
    is_primary: Mapped[bool] = column(
        Boolean, default=False, doc="Whether it is the one to use; one of them always is."
    )


class CustomerAddress(Record):
    """Where to send something, or to go."""

    __tablename__ = "customer_address"
    __erasure__ = "delete"

    customer_id: Mapped[str] = column(ForeignKey("customer.id"), doc="Whose address it is.")
    country: Mapped[str] = column(
        Code, personal=True, filterable=True, doc="The country, as ISO 3166 codes it: DE."
    )
    region: Mapped[str | None] = column(
        Text, personal=True, filterable=True, default=None, doc="The state or province."
    )
    locality: Mapped[str | None] = column(
        Text, personal=True, filterable=True, default=None, doc="The city, town or village."
    )
    postal_code: Mapped[str | None] = column(
        Text, personal=True, filterable=True, default=None, doc="What sorts its mail."
    )
    lines: Mapped[list[str]] = column(
        Json, personal=True, default_factory=list, doc="Street and number, and whatever else."
    )
    label: Mapped[str | None] = column(
        Text, personal=False, default=None, doc="What it is for, such as delivery."
    )
    is_primary: Mapped[bool] = column(
        Boolean, default=False, doc="Whether it is the one to use; one of them always is."
    )


class CustomerExternalId(Record):
    """What another system calls this customer."""

    __tablename__ = "customer_external_id"
    __erasure__ = "delete"
    __table_args__ = (
        # Of customers that are not deleted: deleting gives the key free, restoring takes it back.
        Index("uq_customer_external_id_source", "source", "external_id", unique=True, **_HELD),
        Index("ix_customer_external_id_source_id", "source", "id"),
    )

    customer_id: Mapped[str] = column(ForeignKey("customer.id"), doc="Who is meant.")
    source: Mapped[str] = column(
        Code, personal=False, filterable=True, doc="The other system, by its key."
    )
    external_id: Mapped[str] = column(
        Code, personal=True, filterable=True, doc="The id that the other system gave."
    )
    released_at: Mapped[datetime | None] = column(
        UtcDateTime, default=None, doc="When the key became free, because its customer was deleted."
    )


class CustomerRelation(Versioned):
    """How one customer is related to another, from a day until a day."""

    __tablename__ = "customer_relation"
    __scope__ = both("from_id", "to_id")

    from_id: Mapped[str] = column(ForeignKey("customer.id"), doc="Who is related.")
    to_id: Mapped[str] = column(ForeignKey("customer.id"), doc="To whom.")
    role: Mapped[str] = column(
        Code, personal=False, filterable=True, doc="What the first is to the second, by its key."
    )
    since: Mapped[date | None] = column(
        Date, default=None, filterable=True, doc="The first day, if it is known."
    )
    until: Mapped[date | None] = column(
        Date, default=None, filterable=True, doc="The day it ended; that day is no part of it."
    )
    # The two ends once more where they are of these kinds, so that a person's
    # organisations and an organisation's people are lists behind a key of their own.
    person_id: Mapped[str | None] = column(
        ForeignKey("customer.id"), default=None, doc="The person, of a person and an organisation."
    )
    organisation_id: Mapped[str | None] = column(
        ForeignKey("customer.id"), default=None, doc="The organisation they are related to."
    )


class StageStay(Record):
    """How long a customer stood on a stage."""

    __tablename__ = "customer_stay"
    __table_args__ = (
        # Of two moves at one time, one must fail: nobody stands on two stages.
        Index("uq_customer_stay_customer_id", "customer_id", unique=True, **_OPEN),
        Index("ix_customer_stay_customer_id", "customer_id", "entered_at", "id"),
    )

    customer_id: Mapped[str] = column(ForeignKey("customer.id"), doc="Who stood there.")
    stage_id: Mapped[str] = column(ForeignKey("stage.id"), doc="The stage.")
    entered_at: Mapped[datetime] = column(UtcDateTime, filterable=True, doc="When they came.")
    left_at: Mapped[datetime | None] = column(
        UtcDateTime, default=None, filterable=True, doc="When they left; nothing while they stay."
    )
    actor: Mapped[str] = column(Code, personal=False, doc="Who moved them here.")
    reason: Mapped[str | None] = column(
        Text, personal=True, default=None, doc="Why they were moved here."
    )


@cache
def field_model(fields: Sequence[CustomField]) -> type[Base]:
    """The table of the fields that a company defines, one row beside each customer.

    Each set of definitions has a class and a catalogue of its own, so that apps whose
    companies want different fields live in one process.
    """
    mapped: Any = Mapped
    hints: dict[str, Any] = {"customer_id": Mapped[str]}
    held: dict[str, Any] = {
        "__module__": __name__,
        "__doc__": "What a company wants to know of its customers.",
        "__tablename__": "customer_field",
        "__annotations__": hints,
        "metadata": MetaData(naming_convention=Base.metadata.naming_convention),
        "customer_id": column(ForeignKey(table_of(Customer).c.id), primary_key=True),
    }
    for each in fields:
        kind: Any = each.python_type
        hints[each.attribute] = mapped[kind if each.always else kind | None]
        held[each.attribute] = column(
            field_type(each.kind, each.digits),
            doc=each.description,
            personal=each.personal,
            filterable=True,
            nullable=not each.always,
            init=False,
            default=each.default,
        )
    number = next(_NUMBERS)
    return type(f"CustomerField{number}", (Base,), held)
