"""Each mistake in a declared schema is one sentence: the culprit and the cure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import BigInteger, ForeignKey, Text
from sqlalchemy.orm import Mapped

from crmkit import sdk
from crmkit.app import load_plugins, schema_of
from crmkit.settings import Settings

Registered = dict[str, Sequence[Any]]


class Boat(sdk.Record):
    """A table to make mistakes with."""

    __tablename__ = "fleet_boat"
    __scope__ = sdk.through("customer_id")

    customer_id: Mapped[str] = sdk.column(ForeignKey("customer.id"), doc="Whose it is.")
    captain_id: Mapped[str | None] = sdk.column(ForeignKey("customer.id"), default=None)
    name: Mapped[str | None] = sdk.column(Text, personal=False, default=None, doc="Its name.")
    tons: Mapped[int] = sdk.column(BigInteger)


async def guesses(context: sdk.Context, ids: Sequence[str]) -> Mapping[str, str]:
    """What somebody guesses."""
    return {}


async def resolved(context: sdk.Context, id: str) -> str | None:
    """What somebody finds out."""
    return None


def blocking(context: sdk.Context, id: str) -> str:
    """What somebody waits for."""
    return ""


def node(
    body: Mapping[str, Any],
    *,
    name: str = "Boat",
    read: str = "fleet.boat.read",
    list: str | None = None,
) -> type:
    """A node type with these annotations (and specifiers)."""
    hints = {key: kind for key, (kind, _) in body.items()}
    given = {key: value for key, (_, value) in body.items() if value is not None}
    members = {"__annotations__": hints, "__module__": __name__, "__doc__": "A boat.", **given}
    return sdk.node(Boat, read=read, list=list)(type(name, (), members))


def extension(**body: Any) -> type:
    """An extension of Customer with these fields, each a batch of text."""
    members = {
        "__annotations__": dict.fromkeys(body, str | None),
        "__module__": __name__,
        "__doc__": "More about customers.",
        **{name: sdk.batch(guesses) for name in body},
    }
    return sdk.extend(sdk.Customer)(type("More", (), members))


@dataclass(frozen=True)
class PaintBoat:
    """A boat that gets a colour."""

    colour: str
    """Which one."""


@dataclass(frozen=True)
class PaintedBoat:
    """The boat, painted."""

    colour: str
    """Which one it has now."""


def mutation(permission: Any) -> Any:
    @sdk.mutation(permission=permission)
    async def paint_boat(context: sdk.Context, input: PaintBoat) -> PaintedBoat:
        """Paint a boat."""
        return PaintedBoat(input.colour)

    return paint_boat


COUNT = sdk.field(Boat.tons, description="How much it carries.")

MISTAKES: list[tuple[str, Callable[[], Registered], str]] = [
    (
        "two plugins add one field",
        lambda: {"fleet": [extension(fleet_size=1)], "port": [extension(fleet_size=1)]},
        "Customer.fleetSize is declared by the plugins fleet and port; "
        "rename the field in one of them, or in crmkit.toml under [plugins.port.rename].",
    ),
    (
        "a name on common ground that does not say whose it is",
        lambda: {"fleet": [extension(size=1)]},
        "The plugin fleet adds Customer.size, whose name does not say whose it is; put one of its "
        "words (fleet) into the name, or reserve another in the manifest's words.",
    ),
    (
        "two plugins make one type",
        lambda: {"fleet": [node({})], "port": [node({})]},
        "The type Boat is declared by the plugins fleet and port; rename one of them.",
    ),
    (
        "a mutation without a permission",
        lambda: {"fleet": [mutation(None)]},
        "The mutation tests.graph.test_schema_mistakes.mutation.<locals>.paint_boat of the plugin fleet declares "
        'no permission; write @sdk.mutation(permission="fleet.<object>.<action>").',
    ),
    (
        "a mutation with a permission that nobody knows",
        lambda: {"fleet": [mutation("fleet.boat.paint")]},
        "The mutation paintBoat of the plugin fleet takes the permission 'fleet.boat.paint', which "
        "nobody registers; add it in register_permissions.",
    ),
    (
        "a node without a permission",
        lambda: {"fleet": [node({}, read="")]},
        "The type Boat of the plugin fleet declares no permission; say which one it takes.",
    ),
    (
        "a non-null field over a nullable column",
        lambda: {"fleet": [node({"name": (str, None)})]},
        "Boat.name is non-null, but its column can be null; add `| None`.",
    ),
    (
        "a field of no column",
        lambda: {"fleet": [node({"colour": (str, None)})]},
        "Boat.colour is no column of fleet_boat; say where its value comes from.",
    ),
    (
        "a batch field that must not fail",
        lambda: {"fleet": [node({"guess": (str, sdk.batch(guesses))})]},
        "Boat.guess can fail on its own and must be nullable; add `| None`.",
    ),
    (
        "a resolver field that must not fail",
        lambda: {"fleet": [node({"guess": (str, sdk.resolver(resolved))})]},
        "Boat.guess can fail on its own and must be nullable; add `| None`.",
    ),
    (
        "a resolver that blocks",
        lambda: {"fleet": [node({"guess": (str | None, sdk.resolver(blocking))})]},  # type: ignore[arg-type]
        "Boat.guess is answered by blocking, which is no `async def` and would hold up everybody "
        "else; make it one, or a field of sdk.computed.",
    ),
    (
        "a relation that could go two ways",
        lambda: {"fleet": [node({"who": (sdk.Customer, sdk.to_one())})]},
        "who: 2 columns of fleet_boat point to customer; say which one.",
    ),
    (
        "a number with a name that all stats have",
        lambda: {"fleet": [node({"count": (sdk.BigInt, COUNT)}, list="fleetBoats")]},
        "Boat.count of the plugin fleet has the name of what all stats have (count, groups, "
        "hasMoreGroups); rename the field.",
    ),
    (
        "a field without a description",
        lambda: {"fleet": [node({"tons": (sdk.BigInt, None)})]},
        "Boat.tons of the plugin fleet has no description; write a string under the attribute, "
        "or doc= on its column.",
    ),
]


def plugin(name: str, parts: Sequence[Any]) -> type[sdk.Plugin]:
    def register_schema(self: sdk.Plugin, schema: sdk.SchemaBuilder) -> None:
        schema.add(*parts)

    def register_permissions(self: sdk.Plugin, permissions: sdk.PermissionBuilder) -> None:
        permissions.add(f"{name}.boat.read", "See boats.")

    members = {
        "name": name,
        "version": "1.0",
        "register_schema": register_schema,
        "register_permissions": register_permissions,
    }
    return type(name.title(), (sdk.Plugin,), members)


@pytest.mark.parametrize(
    ("case", "sentence"), [pytest.param(*rest, id=name) for name, *rest in MISTAKES]
)
def test_a_mistake_in_the_schema_stops_the_start_with_one_sentence(
    case: Callable[[], Registered], sentence: str
) -> None:
    settings = Settings()
    loaded = load_plugins(settings, [plugin(name, parts) for name, parts in case().items()])
    assert not loaded.skipped
    with pytest.raises(sdk.SetupError) as stopped:
        schema_of(loaded, settings)
    assert str(stopped.value) == sentence
