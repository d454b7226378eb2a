"""The statements of customers."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Select, inspect, or_, select

from crmkit.customers import models
from crmkit.store.database import Base, table_of
from crmkit.store.reach import EVERYTHING, with_deleted
from crmkit.store.ready import statement
from crmkit.values.text import fold

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import ColumnElement, Table

    from crmkit.host.context import Context

M = TypeVar("M", bound=Base)
Contact = TypeVar(
    "Contact",
    bound=models.CustomerEmail
    | models.CustomerPhone
    | models.CustomerAddress
    | models.CustomerExternalId,
)
Key = tuple[str, str]


async def customers(context: Context[Any], ids: Collection[str]) -> dict[str, models.Customer]:
    """Reads customers in order to change them, deleted ones too.

    On PostgreSQL their rows are locked, so that what is decided from them stays true.
    """
    if not ids:
        return {}
    rows = [_row(models.Customer, each) for each in await context.rules(_locked(ids))]
    return {each.id: each for each in rows}


async def seen(
    context: Context[Any], ids: Collection[str], *, deleted: bool = False
) -> Collection[str]:
    """Those of these customers whom the actor reaches; deleted ones only if that is said."""
    if not ids or context.actor.rights.reaches_all("core.customer.read"):
        return ids
    wanted = select(models.Customer.id).where(models.Customer.id.in_(sorted(ids)))
    found = await context.read(with_deleted(wanted) if deleted else wanted)
    return {id_ for (id_,) in found}


async def contacts(
    context: Context[Any], model: type[Contact], customer_ids: Collection[str]
) -> Mapping[str, Sequence[Contact]]:
    """Reads what customers have of a kind, each customer's in the order they were given."""
    found: dict[str, list[Contact]] = defaultdict(list)
    if customer_ids:
        for each in await context.rules(_contacts(model, customer_ids)):
            row = _row(model, each)
            found[row.customer_id].append(row)
    return found


async def fields(
    context: Context[Any], model: type[Base], ids: Collection[str]
) -> dict[str, Mapping[str, Any]]:
    """Reads the values of a company's own fields, by the ids of customers who have a row."""
    key, *columns = _columns(model)
    wanted = select(key, *columns).where(key.in_(sorted(ids)))
    # A rule may read it as any table of the core, but it is none that all apps share.
    rows = await context.fetch(wanted, EVERYTHING)
    names = [each.name for each in columns]
    return {id_: dict(zip(names, values, strict=True)) for id_, *values in rows}


async def holders(context: Context[Any], keys: Collection[Key]) -> dict[Key, str]:
    """Finds the customers who hold these external ids."""
    if not keys:
        return {}
    wanted = _holders({source for source, _ in keys}, {each for _, each in keys})
    rows = await context.rules(wanted)
    found = {(source, external_id): customer for source, external_id, customer in rows}
    return {key: customer for key, customer in found.items() if key in keys}


async def readers(context: Context[Any], addresses: Collection[str]) -> dict[str, set[str]]:
    """Finds the customers, none of them deleted, who read mail at these addresses."""
    found: dict[str, set[str]] = defaultdict(set)
    if addresses:
        wanted = _readers({fold(each) for each in addresses})
        for address, customer in await context.rules(wanted):
            found[address].add(customer)
    return found


async def kinds(context: Context[Any], ids: Collection[str]) -> dict[str, models.CustomerKind]:
    """Reads what customers are."""
    return dict(await context.rules(_kinds(ids)))


async def relations(
    context: Context[Any], ids: Collection[str]
) -> dict[str, models.CustomerRelation]:
    """Reads relations in order to change them."""
    rows = await context.rules(_relations(ids))
    made = [_row(models.CustomerRelation, each) for each in rows]
    return {each.id: each for each in made}


async def relations_of(
    context: Context[Any], customer_ids: Collection[str]
) -> list[models.CustomerRelation]:
    """Reads all relations of these customers, the oldest first."""
    row, ids = models.CustomerRelation, sorted(customer_ids)
    wanted = select(*_columns(row)).where(or_(row.from_id.in_(ids), row.to_id.in_(ids)))
    return [_row(row, each) for each in await context.rules(wanted.order_by(row.id))]


async def suppressed(context: Context[Any], digests: Collection[str]) -> set[str]:
    """Those of these hashes that are of people who were erased."""
    return {digest for (digest,) in await context.rules(_suppressed(sorted(digests)))}


def suppressions(digests: Collection[str]) -> ColumnElement[bool]:
    """The hashes that are these."""
    return models.Suppression.digest.in_(sorted(digests))


def all_tables(context: Context[Any]) -> Iterator[Table]:
    """The tables of all that takes part, dependent ones last, and the organisation's own fields."""
    for each in context.host.loaded.plugins:
        yield from each.tables
    if fields := context.host.settings.fields.of_customers:
        yield table_of(models.field_model(fields))


def open_stays(customer_ids: Iterable[str]) -> ColumnElement[bool]:
    """Where these customers stand now."""
    stay = models.StageStay
    return stay.customer_id.in_(sorted(customer_ids)) & stay.left_at.is_(None)


def held_by(customer_ids: Iterable[str], *, released: bool) -> ColumnElement[bool]:
    """The external ids of these customers, as far as they are free or are not."""
    key = models.CustomerExternalId
    free = key.released_at.is_not(None) if released else key.released_at.is_(None)
    return key.customer_id.in_(sorted(customer_ids)) & free


def among(model: type[Contact], ids: Iterable[str]) -> ColumnElement[bool]:
    """The rows of these ids."""
    return model.id.in_(sorted(ids))


def changeable(row: Base) -> dict[str, Any]:
    """The values of a row by attribute, except those that the write buffer keeps."""
    kept = {"id", "created_at", "updated_at", "version"}
    names = [each.key for each in _columns(type(row)) if each.key not in kept]
    return {name: getattr(row, name) for name in names}


@statement
def _suppressed(digests: Collection[str]) -> Select[str]:
    row = models.Suppression
    return select(row.digest).where(row.digest.in_(digests))


@statement
def _locked(ids: Collection[str]) -> Select[*tuple[Any, ...]]:
    row = models.Customer
    return select(*_columns(row)).where(row.id.in_(ids)).order_by(row.id).with_for_update()


@statement
def _contacts(model: type[Contact], customer_ids: Collection[str]) -> Select[*tuple[Any, ...]]:
    wanted = select(*_columns(model)).where(model.customer_id.in_(customer_ids))
    return wanted.order_by(model.id)


@statement
def _holders(sources: Collection[str], external_ids: Collection[str]) -> Select[str, str, str]:
    held = models.CustomerExternalId
    return select(held.source, held.external_id, held.customer_id).where(
        held.source.in_(sources),
        held.external_id.in_(external_ids),
        held.released_at.is_(None),
    )


@statement
def _readers(folds: Collection[str]) -> Select[str, str]:
    mail, folded = models.CustomerEmail, table_of(models.CustomerEmail).c.address_fold
    return (
        select(folded, mail.customer_id)
        .join(models.Customer, models.Customer.id == mail.customer_id)
        .where(folded.in_(folds))
        .where(models.Customer.deleted_at.is_(None))
    )


@statement
def _kinds(ids: Collection[str]) -> Select[str, models.CustomerKind]:
    row = models.Customer
    return select(row.id, row.kind).where(row.id.in_(ids))


@statement
def _relations(ids: Collection[str]) -> Select[*tuple[Any, ...]]:
    row = models.CustomerRelation
    return select(*_columns(row)).where(row.id.in_(ids)).order_by(row.id).with_for_update()


def _columns(model: type[Base]) -> list[Any]:
    table = table_of(model)
    return [each for each in table.columns if "companion_of" not in each.info]


def _row(model: type[M], values: Sequence[Any]) -> M:
    """Makes a row of what was read, without the constructor, which would give it a new id."""
    made: Any = inspect(model).class_manager.new_instance()
    for column, value in zip(_columns(model), values, strict=True):
        setattr(made, column.key, value)
    return made  # type: ignore[no-any-return]
