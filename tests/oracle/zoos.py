"""A zoo: fields of every kind, functions that fail, and rows that no schema allows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from crmkit import sdk
from crmkit.testing import Trial
from crmkit.values.errors import ErrorCode
from tests.engine.zoo import AnimalRow, Diet, Pen, Zoo
from tests.oracle import twins
from tests.oracle.company import Company
from tests.oracle.pages import Wrong

if TYPE_CHECKING:
    from tests.oracle.meaning import Meaning
    from tests.oracle.twins import Twin
    from tests.oracle.world import Row

_NAMES = ("ant", "Bär", "çelik", "熊猫", "dodo", "eel", "Ant", "fox", "gnu")
_SOURCES = ("web", "fair", None)
_TOO_HEAVY = 2**31
_SPOIL = "UPDATE zoo_animal SET diet = 'stones' WHERE name = 'dodo'"


def heap(feed: int) -> int:
    """What the feed weighs, which can be more than an Int holds."""
    return feed


def rest(feed: int) -> int | None:
    """The same, where it is missed by nobody."""
    return feed or None


@sdk.extend(sdk.Customer)
class CustomerFeed:
    """What a feeder adds to a customer of the zoo."""

    feeder_heap: int = sdk.computed(heap, Pen.feed)
    feeder_rest: int | None = sdk.computed(rest, Pen.feed)


class Feeder(sdk.Plugin):
    name = "feeder"
    version = "1.0"
    depends_on = ("zoo",)

    def register_schema(self, schema: sdk.SchemaBuilder) -> None:
        schema.add(CustomerFeed)


async def _fill(t: Trial) -> None:
    items = [
        {"kind": "PERSON", "name": name, "source": _SOURCES[index % 3]}
        for index, name in enumerate(_NAMES)
    ]
    made = await t.gql(
        """mutation ($items: [CreateCustomerItem!]!) { createCustomers(input: {items: $items}) {
          results { customer { id } } } }""",
        items=items,
    )
    keepers = [each["customer"]["id"] for each in made["createCustomers"]["results"]]

    async def settle(context: sdk.Context) -> None:
        for index in range(40):
            context.write.add(_animal(keepers, index))
        for index, keeper in enumerate(keepers):
            # Of nine keepers one has more than an Int holds.
            feed = _TOO_HEAVY if index == 4 else index
            context.write.change(Pen, keeper, set={Pen.feed: feed})

    await t.unit(settle, plugin="zoo")
    await t.gql(
        "mutation ($id: ID!) { deleteCustomer(input: {id: $id}) { deletedCustomerId } }",
        id=keepers[2],
    )


def _animal(keepers: list[str], index: int) -> AnimalRow:
    return AnimalRow(
        customer_id=keepers[index * index % len(keepers)],
        name=_NAMES[index * 5 % len(_NAMES)] if index % 11 else "dodo",
        weight=(None, 300, 90, 300, index)[index % 5],
        diet=Diet.MEAT if index % 3 else Diet.PLANTS,
        born=date(2020, 2, 29) if index % 4 else None,
        tame=index % 2 == 0,
        price_minor=index // 3 * 100,
        currency=("EUR", "JPY", "KWD")[index % 3],
        cause_id=keepers[index % 7] if index % 2 else None,
    )


def zoo() -> Company:
    """Nine keepers, of whom one has left, of forty animals; what some of them eat nobody knows."""
    return Company((Zoo, Feeder), _fill, [_SPOIL])


# -- what its functions mean ----------------------------------------------------------------


def _count(meaning: Meaning, customer: Row, *, diet: str | None = None) -> int:
    return sum(diet is None or each["diet"].name == diet for each in _own(meaning, customer))


def _own(meaning: Meaning, customer: Row) -> list[Row]:
    """In the order in which they came."""
    animals = meaning.world.pointing("zoo_animal", "customer_id", customer.id)
    return sorted(animals, key=lambda each: each.id)


def _favourite(meaning: Meaning, customer: Row) -> Row | None:
    return next(iter(_own(meaning, customer)), None)


def _newest(meaning: Meaning, customer: Row) -> Row | None:
    return next(reversed(_own(meaning, customer)), None)


def _tour(meaning: Meaning, customer: Row, *, most: int = 9) -> list[Mapping[str, Any]]:
    return [{"animal": e, "minutes": n} for n, e in enumerate(_own(meaning, customer)[:most])]


def _mood(_: Meaning, animal: Row, *, loud: bool = False) -> str | None:
    return ("GRR" if loud else "purr") if animal["diet"] is Diet.PLANTS else None


def _said(_: Meaning, animal: Row, *, loud: bool = False) -> str | None:
    if animal["weight"] == 300:
        raise Wrong(ErrorCode.REFUSED)
    name = animal["name"].upper() if loud else animal["name"]
    return None if animal["weight"] is None else f"{name} says hello"


def _asleep(*_: object) -> None:
    raise Wrong(ErrorCode.REFUSED)


TWINS: dict[tuple[str, str], Twin] = {
    ("Tag", "customerCount"): twins.TWINS["Tag", "customerCount"],
    ("Customer", "zooCount"): _count,
    ("Customer", "zooFavourite"): _favourite,
    ("Customer", "zooNewest"): _newest,
    ("Customer", "zooTour"): _tour,
    ("Customer", "zooEveryone"): _own,
    ("ZooAnimal", "mood"): _mood,
    ("ZooAnimal", "said"): _said,
    ("ZooAnimal", "oracle"): _asleep,
}
