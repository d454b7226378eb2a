"""The smallest plugin, in one file: a table, a field, a mutation, a rule and a hook.

Run it, and it shows what it adds: `python examples/birthdays.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Date, ForeignKey
from sqlalchemy.orm import Mapped

from crmkit import sdk


class Birthday(sdk.Base):
    """A row beside each customer whose birthday is known."""

    __tablename__ = "birthdays_birthday"

    customer_id: Mapped[str] = sdk.column(ForeignKey("customer.id"), primary_key=True)
    day: Mapped[date] = sdk.column(Date, personal=True, filterable=True)


@sdk.extend(sdk.Customer)
class CustomerBirthday:
    """What this plugin adds to a customer."""

    birthday: date | None = sdk.side(Birthday.day)
    """The day the customer was born."""


@dataclass(frozen=True)
class SetBirthday:
    """Whose birthday it is, and when."""

    customer_id: sdk.Ref[sdk.Customer]
    """The customer, who exists and may be seen: the framework has looked."""
    day: date
    """The day of birth."""


@dataclass(frozen=True)
class BirthdaySet:
    """The customer, a little better known."""

    customer: sdk.Customer
    """As they are now."""


@sdk.mutation(permission="birthdays.birthday.set")
async def set_birthday(context: sdk.Context, input: SetBirthday) -> BirthdaySet:
    """Note when a customer was born."""
    if input.day > context.clock.now().date():
        raise sdk.Invalid("Nobody is born tomorrow.", field="day")
    row = Birthday(customer_id=input.customer_id, day=input.day)
    context.write.upsert(Birthday, [row], key=Birthday.customer_id, set=[Birthday.day])
    return BirthdaySet(customer=sdk.ref(sdk.Customer, input.customer_id))


@sdk.extend_input(sdk.CreateCustomer)
class BirthdayOfCustomer:
    """What `createCustomer` takes in its field `birthdays`."""

    day: date
    """The day of birth."""


@sdk.hook
async def customers_created(
    context: sdk.Context, drafts: Sequence[sdk.Draft[sdk.CreateCustomer, sdk.rows.Customer]]
) -> None:
    """Takes the birthdays of new customers, in the unit that makes them."""
    for draft in drafts:
        if said := draft.extension(BirthdayOfCustomer):
            context.write.add(Birthday(customer_id=draft.row.id, day=said.day))


class Birthdays(sdk.Plugin):
    """Birthdays of customers."""

    name = "birthdays"
    version = "1.0"
    words = ("birthday",)

    def register_schema(self, schema: sdk.SchemaBuilder) -> None:
        schema.add(CustomerBirthday, BirthdayOfCustomer, set_birthday)

    def register_permissions(self, permissions: sdk.PermissionBuilder) -> None:
        permissions.add("birthdays.birthday.set", "Note when customers were born.")
