"""A plugin that has a field of every kind, for tests of the query language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from enum import Enum

from sqlalchemy import BigInteger, Date, ForeignKey, Integer, Select, Text, func, select
from sqlalchemy.orm import Mapped

from crmkit import sdk
from crmkit.customers.models import Customer as CustomerRow


@sdk.enum
class Diet(Enum):
    """What an animal eats."""

    MEAT = "meat"
    """Other animals."""
    PLANTS = "plants"
    """Leaves and fruit."""


class Pen(sdk.Base):
    __tablename__ = "zoo_pen"

    customer_id: Mapped[str] = sdk.column(ForeignKey("customer.id"), primary_key=True)
    feed: Mapped[int] = sdk.column(BigInteger, default=0, filterable=True, doc="Feed in store.")


class AnimalRow(sdk.Record):
    __tablename__ = "zoo_animal"

    customer_id: Mapped[str] = sdk.column(ForeignKey("customer.id"), doc="Who owns it.")
    name: Mapped[str] = sdk.column(Text, filterable=True, personal=False, doc="How it is called.")
    weight: Mapped[int | None] = sdk.column(Integer, default=None, filterable=True, doc="In grams.")
    diet: Mapped[Diet] = sdk.column(sdk.Choice(Diet), filterable=True, doc="What it eats.")
    born: Mapped[date | None] = sdk.column(Date, default=None, filterable=True, doc="Its birthday.")
    tame: Mapped[bool] = sdk.column(default=False, filterable=True, doc="Whether it bites.")
    price_minor: Mapped[int] = sdk.column(BigInteger, filterable=True, doc="In minor units.")
    currency: Mapped[str] = sdk.column(sdk.Code, personal=False, doc="Of the price.")
    cause_id: Mapped[str | None] = sdk.column(
        sdk.Code, default=None, personal=False, doc="Why it came."
    )


def shout(name: str, *, times: int = 1) -> str:
    """Its name, called out loud."""
    return name.upper() + "!" * times


async def moods(
    context: sdk.Context, ids: Sequence[str], *, loud: bool = False
) -> Mapping[str, str]:
    """How it feels today; only of some one knows."""
    at_peace = select(AnimalRow.id).where(AnimalRow.id.in_(ids), AnimalRow.diet == Diet.PLANTS)
    rows = await context.read(at_peace)
    return dict.fromkeys((each for (each,) in rows), "GRR" if loud else "purr")


async def broken(context: sdk.Context, ids: Sequence[str]) -> Mapping[str, str]:
    """Never works."""
    raise sdk.Refused("The oracle sleeps.", reason="zoo.asleep")


async def said(context: sdk.Context, id: str, *, loud: bool = False) -> str | None:
    """What it says when it is asked; some do not speak."""
    [(name, weight)] = await context.read(
        select(AnimalRow.name, AnimalRow.weight).where(AnimalRow.id == id)
    )
    if weight == 300:
        raise sdk.Refused(f"{name} bites.", reason="zoo.bitten")
    return None if weight is None else f"{name.upper() if loud else name} says hello"


@sdk.value
class Visit:
    """A look at an animal."""

    animal: ZooAnimal | None
    """Which one."""
    minutes: int
    """How long."""


async def tour(context: sdk.Context, id: str, *, most: int = 9) -> list[Visit] | None:
    """A walk along their animals."""
    rows = await context.read(
        select(AnimalRow.id).where(AnimalRow.customer_id == id).order_by(AnimalRow.id).limit(most)
    )
    return [Visit(animal=sdk.ref(ZooAnimal, each), minutes=n) for n, (each,) in enumerate(rows)]


async def newest(context: sdk.Context, id: str) -> ZooAnimal | None:
    """The animal that came last."""
    rows = await context.read(select(func.max(AnimalRow.id)).where(AnimalRow.customer_id == id))
    return next((sdk.ref(ZooAnimal, each) for (each,) in rows if each), None)


async def everyone(context: sdk.Context, id: str) -> list[ZooAnimal] | None:
    """All of their animals."""
    rows = await context.read(
        select(AnimalRow.id).where(AnimalRow.customer_id == id).order_by(AnimalRow.id)
    )
    return [sdk.ref(ZooAnimal, each) for (each,) in rows]


@sdk.node(AnimalRow, list="zooAnimals", read="zoo.animal.read", order_by=AnimalRow.name)
class ZooAnimal:
    """An animal that a customer keeps."""

    name: str
    weight: int | None
    diet: Diet
    born: date | None
    tame: bool
    price: sdk.Money = sdk.money(
        AnimalRow.price_minor, AnimalRow.currency, description="Its price."
    )
    shouted: str = sdk.computed(shout, AnimalRow.name)
    customer: sdk.Customer = sdk.to_one(description="Who owns it.")
    cause: sdk.Node | None = sdk.any_node(AnimalRow.cause_id, description="Why it came.")
    mood: str | None = sdk.batch(moods)
    oracle: str | None = sdk.batch(broken)
    said: str | None = sdk.resolver(said)


def animals(customer: type[CustomerRow], *, diet: Diet | None = None) -> Select[int]:
    """How many animals they keep, of one diet or of all."""
    made = select(func.count()).where(AnimalRow.customer_id == customer.id)
    return made if diet is None else made.where(AnimalRow.diet == diet)


async def favourites(context: sdk.Context, ids: Sequence[str]) -> Mapping[str, ZooAnimal]:
    """The first of their animals."""
    rows = await context.read(
        select(AnimalRow.customer_id, func.min(AnimalRow.id))
        .where(AnimalRow.customer_id.in_(ids))
        .group_by(AnimalRow.customer_id)
    )
    return {customer: sdk.ref(ZooAnimal, animal) for customer, animal in rows}


@sdk.extend(sdk.Customer)
class CustomerZoo:
    """What the zoo adds to a customer."""

    zoo_feed: sdk.BigInt = sdk.side(Pen.feed)
    zoo_count: int = sdk.expression(animals, filterable=True)
    zoo_animals: sdk.Connection[ZooAnimal] = sdk.to_many(
        AnimalRow.customer_id, order_by=AnimalRow.name, description="All their animals."
    )
    zoo_list: list[ZooAnimal] = sdk.list_of(
        AnimalRow.customer_id, order_by=AnimalRow.name.desc(), description="The same, at once."
    )
    zoo_favourite: ZooAnimal | None = sdk.batch(favourites)
    zoo_newest: ZooAnimal | None = sdk.resolver(newest)
    zoo_tour: list[Visit] | None = sdk.resolver(tour)
    zoo_everyone: list[ZooAnimal] | None = sdk.resolver(everyone)


class Zoo(sdk.Plugin):
    name = "zoo"
    version = "1.0"

    def register_schema(self, schema: sdk.SchemaBuilder) -> None:
        schema.add(ZooAnimal, CustomerZoo)

    def register_permissions(self, permissions: sdk.PermissionBuilder) -> None:
        permissions.add("zoo.animal.read", "See animals.")
