"""The smallest plugin in one file: a table, a field, a mutation and a hook.

`python examples/birthdays.py` opens a CRM with it and shows what it adds. To have it in yours,
put it into a package whose entry points name it, and it into `[plugins] enabled`:

    [project.entry-points."crmkit.plugins"]
    birthdays = "birthdays:Birthdays"
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Date, ForeignKey
from sqlalchemy.orm import Mapped

from crmkit import sdk
from crmkit.testing import crm


class Birthday(sdk.Base):
    __tablename__ = "birthdays_birthday"

    customer_id: Mapped[str] = sdk.column(ForeignKey("customer.id"), primary_key=True)
    day: Mapped[date] = sdk.column(Date, personal=True, filterable=True)


@sdk.extend(sdk.Customer)
class CustomerBirthday:
    birthday: date | None = sdk.side(Birthday.day, description="When the customer was born.")


@dataclass(frozen=True)
class SetBirthday:
    """Whose birthday it is, and when."""

    customer_id: sdk.Ref[sdk.Customer]
    """The customer."""
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
    """What `createCustomer` takes as `birthdays`."""

    day: date
    """The day of birth."""


Created = sdk.Draft[sdk.CreateCustomer, sdk.rows.Customer]


@sdk.hook
async def customers_created(context: sdk.Context, drafts: Sequence[Created]) -> None:
    for draft in drafts:
        if said := draft.extension(BirthdayOfCustomer):
            context.write.add(Birthday(customer_id=draft.row.id, day=said.day))


class Birthdays(sdk.Plugin):
    name = "birthdays"
    version = "1.0"
    words = ("birthday",)

    def register_schema(self, schema: sdk.SchemaBuilder) -> None:
        schema.add(CustomerBirthday, set_birthday, BirthdayOfCustomer)

    def register_permissions(self, permissions: sdk.PermissionBuilder) -> None:
        permissions.add(
            "birthdays.birthday.set",
            "Note when customers were born.",
            roles=("manager", "sales", "support"),
        )


async def show() -> None:
    async with crm(Birthdays) as t:
        print(
            await t.gql("""mutation {
          createCustomer(input: {name: "Ada", birthdays: {day: "1815-12-10"}}) {
            customer { name birthday } } }""")
        )


if __name__ == "__main__":
    asyncio.run(show())
