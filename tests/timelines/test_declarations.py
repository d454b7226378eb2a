"""What a plugin says about its part of the timeline, and what stops the start."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest
from sqlalchemy import ForeignKey, Text
from sqlalchemy.orm import Mapped

from crmkit import sdk
from crmkit.app import load_plugins, schema_of
from crmkit.settings import Settings


class Trip(sdk.Record):
    """A table to make timelines of."""

    __tablename__ = "voyages_trip"

    customer_id: Mapped[str] = sdk.column(ForeignKey("customer.id"), doc="Who travels.")
    harbour: Mapped[str] = sdk.column(Text, personal=False, doc="Where to.")
    began_at: Mapped[datetime] = sdk.column(sdk.UtcDateTime, doc="When it began.")
    ended_at: Mapped[datetime | None] = sdk.column(
        sdk.UtcDateTime, default=None, doc="When it ended."
    )


class Buoy(sdk.Record):
    """A table of nobody's rows."""

    __tablename__ = "voyages_buoy"

    laid_at: Mapped[datetime] = sdk.column(sdk.UtcDateTime, doc="When it was laid.")


def told(harbour: str, *, locale: str | None = None) -> str:
    """Where to."""
    return harbour


def silent(harbour: str) -> str:
    """Where to, in no language."""
    return harbour


summary = sdk.computed(told, Trip.harbour)


@sdk.node(Trip, read="voyages.trip.read")
class VoyageTrip:
    """A journey over the sea."""

    harbour: str


@sdk.node(Buoy, read="voyages.trip.read")
class VoyageBuoy:
    """Something that floats."""

    laid_at: datetime


@sdk.node(Trip, read="voyages.trip.read")
class VoyageSummary:
    """A journey that sums itself up."""

    summary: str = sdk.field(Trip.harbour)


Register = Callable[[sdk.SchemaBuilder], None]


def stopped(register: Register) -> str:
    """The sentence with which an app does not start in production."""

    def register_permissions(self: sdk.Plugin, permissions: sdk.PermissionBuilder) -> None:
        permissions.add("voyages.trip.read", "See journeys.")

    members = {
        "name": "voyages",
        "version": "1.0",
        "words": ("voyage",),
        "register_schema": lambda self, schema: register(schema),
        "register_permissions": register_permissions,
    }
    settings = Settings(profile="production", secret="x" * 40)
    with pytest.raises(sdk.SetupError) as error:
        schema_of(load_plugins(settings, [type("Voyages", (sdk.Plugin,), members)]), settings)
    return str(error.value)


MISTAKES: dict[str, tuple[Register, str]] = {
    "a moment that can be empty": (
        lambda schema: schema.timeline(VoyageTrip, at=Trip.ended_at, summary=summary),
        "The plugin voyages puts VoyageTrip into the timeline by voyages_trip.ended_at, which can be "
        "empty; name a column that never is, such as created_at.",
    ),
    "rows of nobody": (
        lambda schema: schema.timeline(VoyageBuoy, at=Buoy.laid_at, summary=summary),
        "The plugin voyages puts VoyageBuoy into the timeline, but no single key says whose the rows "
        "of voyages_buoy are; write __scope__ = sdk.through(key) into its model.",
    ),
    "a node that is not registered": (
        lambda schema: schema.timeline(VoyageTrip, at=Trip.began_at, summary=summary),
        "The plugin voyages puts VoyageTrip into the timeline, which is no node of its own; register "
        "the node as well, or leave it to its plugin.",
    ),
    "a moment of another table": (
        lambda schema: (
            schema.add(VoyageBuoy),
            schema.timeline(VoyageBuoy, at=Trip.began_at, summary=summary),
        )[-1],
        "The plugin voyages puts VoyageBuoy into the timeline by voyages_trip.began_at, which is no "
        "column of voyages_buoy; name one that is.",
    ),
    "a summary in no language": (
        lambda schema: (
            schema.add(VoyageTrip),
            schema.timeline(
                VoyageTrip, at=Trip.began_at, summary=sdk.computed(silent, Trip.harbour)
            ),
        )[-1],
        "The plugin voyages puts VoyageTrip into the timeline with a summary that is not "
        "sdk.computed(function, …) of a function with the keyword `locale: str | None = None`; "
        "write one.",
    ),
    "a summary of its own": (
        lambda schema: (
            schema.add(VoyageSummary),
            schema.timeline(VoyageSummary, at=Trip.began_at, summary=summary),
        )[-1],
        "VoyageSummary.summary is declared by the plugin voyages, and every entry of a timeline has "
        "a summary of its own; rename the field.",
    ),
}


@pytest.mark.parametrize(("register", "sentence"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_stops_the_start_with_one_sentence(register: Register, sentence: str) -> None:
    assert stopped(register) == sentence


def test_the_index_that_a_timeline_needs_is_added_once() -> None:
    for _ in range(2):
        sdk.SchemaBuilder("voyages").timeline(VoyageTrip, at=Trip.began_at, summary=summary)
    columns = [[each.name for each in index.columns] for index in Trip.__table__.indexes]
    assert columns.count(["customer_id", "began_at", "id"]) == 1
