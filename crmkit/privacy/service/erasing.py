"""Somebody is forgotten, step by step: whoever is broken off goes on where they were."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crmkit.customers import api as customers
from crmkit.customers import repository as known
from crmkit.customers.models import (
    Customer,
    CustomerEmail,
    CustomerExternalId,
    CustomerPhone,
)
from crmkit.customers.service.suppressions import suppress
from crmkit.customers.types import DeleteCustomer
from crmkit.engine.fields import ID
from crmkit.engine.mutations import mutation
from crmkit.host import hookspecs
from crmkit.host.belongings import belongings
from crmkit.host.context import Context
from crmkit.privacy import errors, repository, types
from crmkit.privacy.models import Erasure
from crmkit.privacy.service.mentions import Person
from crmkit.store.database import personal_columns
from crmkit.store.erasing import emptied

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import ColumnElement, Table

PAGE = 500
_CONTACTS = (CustomerEmail, CustomerPhone, CustomerExternalId)


@mutation(permission="core.customer.erase")
async def erase_customer(context: Context[Any], input: types.EraseCustomer) -> types.ErasedCustomer:
    """Forgets a customer for ever: nobody sees them from now on, and all texts are emptied."""
    return types.ErasedCustomer(ID(await erase(context, input.id)))


async def erase(context: Context[Any], id_: str) -> str:
    """Begins to forget a customer, with the hooks of deleting; says who it is.

    Raises:
        NoSuchCustomer: There is none, or the actor may not know of them.
    """
    customer_id = await repository.meant(context, id_)
    if customer_id is None:
        raise errors.NoSuchCustomer
    rows = await known.customers(context, {customer_id})
    row = rows[customer_id]
    if row.erased_at is not None:
        return customer_id
    if row.deleted_at is None:
        await customers.delete(context, [DeleteCustomer(customer_id)])
    for model in _CONTACTS:
        found = await known.contacts(context, model, {customer_id})
        suppress(context, found.get(customer_id, ()))
    erasure = Erasure(customer_id=customer_id, actor=context.actor.id)
    context.write.change(Customer, customer_id, set={Customer.erased_at: context.clock.now()})
    context.write.add(erasure)
    context.emit(types.CustomersErased(customer_id, (customer_id,)))
    context.emit(types.ErasureWanted(customer_id, erasure.id))
    return customer_id


async def erase_next(context: Context[Any], event: types.ErasureWanted) -> None:
    """Takes a step, and has the next one taken after it."""
    if not await erase_some(context, event.erasure_id):
        context.emit(types.ErasureWanted(event.record, event.erasure_id, event.step + 1))


async def erase_some(context: Context[Any], erasure_id: str) -> bool:
    """Empties the next rows, in the caller's unit; says whether all is done.

    Who the person was is emptied last: until then it tells what to look for elsewhere.
    """
    customer_id, name, after, ended_at = await repository.held(context, erasure_id)
    if ended_at is not None:
        return True
    work = list(_work(context, customer_id))
    names = [each.name for each, _ in work]
    place = names.index(name) if name in names else 0
    table, where = work[place]
    done = await _step(context, customer_id, table, where, after)
    if len(done) == PAGE:
        _keep(context, erasure_id, table.name, done[-1])
        return False
    if place + 1 < len(work):
        _keep(context, erasure_id, names[place + 1], [])
        return False
    await context.call(hookspecs.erase_customer, customer_id)
    ended: dict[Any, Any] = {
        Erasure.ended_at: context.clock.now(),
        Erasure.table_name: None,
        Erasure.after: [],
    }
    context.write.change(Erasure, erasure_id, set=ended)
    return True


def _work(
    context: Context[Any], customer_id: str
) -> Iterator[tuple[Table, ColumnElement[bool] | None]]:
    """The tables to go through: first what mentions people, the customer's own row last.

    How the customer was reached stands in rows that go, shortly before that.
    """
    tables = list(known.all_tables(context))
    yield from ((table, None) for table in tables if table.info["erasure"] == "mention")
    own = repository.customer()
    theirs = [each for each in belongings(own, tables) if personal_columns(each.table)]
    for each in sorted(theirs, key=lambda each: each.table.info["erasure"] == "delete"):
        yield each.table, each.of(customer_id)
    yield own, own.c.id == customer_id


async def _step(
    context: Context[Any],
    customer_id: str,
    table: Table,
    where: ColumnElement[bool] | None,
    after: Sequence[Any],
) -> list[Sequence[Any]]:
    """Empties some rows of a table, and returns the keys of those that it has looked at."""
    if where is None:
        person = await Person.of(context, customer_id)
        return await person.forget(context, table, after, PAGE)
    width = len(table.primary_key.columns)
    keys = [row[:width] for row in await repository.page(context, table, [], where, after, PAGE)]
    if keys:
        model, them = table.info["model"], repository.among(table, keys)
        if table.info["erasure"] == "delete":
            context.write.delete(model, where=them)
        else:
            context.write.update(model, where=them, set=emptied(model))
    return keys


def _keep(context: Context[Any], erasure_id: str, table: str, after: Sequence[Any]) -> None:
    place = {Erasure.table_name: table, Erasure.after: list(after)}
    context.write.change(Erasure, erasure_id, set=place)
