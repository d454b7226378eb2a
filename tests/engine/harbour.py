"""A plugin with mutations of all kinds, and one that extends its input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped

from crmkit import sdk

if TYPE_CHECKING:
    from crmkit.host.builders import PermissionBuilder, SchemaBuilder


class ShipRow(sdk.Versioned):
    __tablename__ = "harbour_ship"
    __table_args__ = (CheckConstraint("tons < 1000000"),)

    customer_id: Mapped[str] = sdk.column(ForeignKey("customer.id"), doc="Who owns it.")
    call_sign: Mapped[str] = sdk.column(
        sdk.Code, personal=False, unique=True, doc="Its name by radio."
    )
    tons: Mapped[int] = sdk.column(filterable=True, doc="What it carries.")


@sdk.node(ShipRow, list="harbourShips", read="harbour.ship.read")
class Ship:
    """A ship in the harbour."""

    customer: sdk.Customer = sdk.to_one()
    """Who owns it."""
    call_sign: str
    tons: sdk.BigInt


@dataclass(frozen=True)
class RegisterShip:
    """A ship that comes in."""

    customer_id: sdk.Ref[sdk.Customer]
    """Who owns it."""
    call_sign: str
    """Its name by radio."""
    tons: sdk.BigInt = 1
    """What it carries."""


@dataclass(frozen=True)
class RegisteredShip:
    """The ship, registered."""

    ship: Ship
    """The ship."""
    pilot: str | None
    """Who brought it in."""


@dataclass(frozen=True)
class LoadShip:
    """What is put on a ship."""

    id: sdk.Ref[Ship]
    """Which ship."""
    tons: int
    """How much."""
    version: int | None = None
    """The version you saw."""


@dataclass(frozen=True)
class LoadedShip:
    """The ship, loaded."""

    ship: Ship
    """The ship."""
    tons: sdk.BigInt
    """How much was put on it."""


@dataclass(frozen=True)
class RegisterHarbourFleet:
    """Ships of one owner."""

    customer_id: sdk.Ref[sdk.Customer]
    """Who owns them."""
    call_signs: Sequence[str]
    """Their names by radio."""
    tons: int
    """What each carries."""


@dataclass(frozen=True)
class RegisteredFleet:
    """The fleet, registered."""

    ships: Sequence[Ship]
    """Its ships."""


@sdk.extend_input(RegisterShip)
class PilotInput:
    """Who brings the ship in."""

    name: str
    """The name of the pilot."""


CALLS: list[int] = []


@sdk.mutation(permission="harbour.ship.register", bulk="registerShips")
async def register_ships(
    context: sdk.Context, drafts: Sequence[sdk.Draft[RegisterShip, ShipRow]]
) -> Sequence[RegisteredShip]:
    """Register ships.

    Raises:
        Refused: Never; it refuses drafts.
    """
    CALLS.append(len(drafts))
    done = []
    for draft in drafts:
        if draft.input.call_sign == "BOOM":
            raise RuntimeError("This ship explodes.")
        if draft.input.tons < 0:
            context.refuse(
                draft, "A ship is not lighter than air.", reason="harbour.airship", field="tons"
            )
        if draft.input.tons == 0:
            draft.outcome = sdk.Outcome.UNCHANGED
        given = draft.input
        row = ShipRow(customer_id=given.customer_id, call_sign=given.call_sign, tons=given.tons)
        context.write.add(draft.becomes(row))
        pilot = draft.extension(PilotInput)
        done.append(RegisteredShip(sdk.ref(Ship, row.id), pilot and pilot.name))
    return done


@sdk.mutation(permission="harbour.ship.load")
async def load_ship(context: sdk.Context, input: LoadShip) -> LoadedShip:
    """Put something on a ship."""
    context.write.change(
        ShipRow,
        input.id,
        add={ShipRow.tons: input.tons},
        at_least=0,
        expect_version=input.version,
        otherwise=sdk.Refused("It does not carry that much.", reason="harbour.empty", field="tons"),
    )
    return LoadedShip(sdk.ref(Ship, input.id), input.tons)


@sdk.mutation(permission="harbour.fleet.register")
async def register_fleet(context: sdk.Context, input: RegisterHarbourFleet) -> RegisteredFleet:
    """Register all ships of an owner."""
    inputs = [
        RegisterShip(customer_id=input.customer_id, call_sign=each, tons=input.tons)
        for each in input.call_signs
    ]
    return RegisteredFleet([each.ship for each in await register_ships(context, inputs)])


class Harbour(sdk.Plugin):
    name = "harbour"
    version = "1.0"
    words = ("ship",)

    def register_schema(self, schema: SchemaBuilder) -> None:
        schema.add(Ship, register_ships, load_ship, register_fleet)

    def register_permissions(self, permissions: PermissionBuilder) -> None:
        permissions.add("harbour.ship.read", "See ships.")
        permissions.add("harbour.ship.register", "Register ships.")
        permissions.add("harbour.ship.load", "Load ships.")
        permissions.add("harbour.fleet.register", "Register fleets.")


class Pilots(sdk.Plugin):
    name = "pilots"
    version = "1.0"
    depends_on = ("harbour",)

    def register_schema(self, schema: SchemaBuilder) -> None:
        schema.add(PilotInput)
