"""What rules may ask of customers and of events, and what kind of answer each has."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any

from crmkit import sdk

if TYPE_CHECKING:
    from collections.abc import Mapping


@sdk.enum
class Group(Enum):
    """What a rule says something about."""

    FIT = "fit"
    """Whether this is the kind of customer that we look for; it does not fade."""
    ENGAGEMENT = "engagement"
    """How much has been going on between us; it fades."""


class EventKind(Enum):
    """What rules of the group engagement can count."""

    INTERACTION = "interaction"
    """Something said or done; what has been corrected counts as it was corrected."""
    ORDER = "order"
    """Something bought and kept, where the plugin orders is there."""


class Kind(Enum):
    """What a field holds."""

    TEXT = "text"
    NUMBER = "number"
    FLAG = "flag"
    MOMENT = "moment"


CUSTOMER: Mapping[str, Kind] = {
    "kind": Kind.TEXT,
    "name": Kind.TEXT,
    "given_name": Kind.TEXT,
    "family_name": Kind.TEXT,
    "source": Kind.TEXT,
    "locale": Kind.TEXT,
    "zone": Kind.TEXT,
    "stage": Kind.TEXT,
    "owner_id": Kind.TEXT,
    "team_id": Kind.TEXT,
    "email_domain": Kind.TEXT,
    "has_phone": Kind.FLAG,
    "created_at": Kind.MOMENT,
}

EVENTS: Mapping[EventKind, Mapping[str, Kind]] = {
    EventKind.INTERACTION: {
        "kind": Kind.TEXT,
        "channel": Kind.TEXT,
        "touchpoint": Kind.TEXT,
        "direction": Kind.TEXT,
        "actor": Kind.TEXT,
        "at": Kind.MOMENT,
    },
    EventKind.ORDER: {
        "currency": Kind.TEXT,
        "total": Kind.NUMBER,
        "source": Kind.TEXT,
        "at": Kind.MOMENT,
    },
}

_SPECIMENS: Mapping[Kind, Any] = {
    Kind.TEXT: "text",
    Kind.NUMBER: Decimal(1),
    Kind.FLAG: True,
    Kind.MOMENT: datetime(2026, 1, 1, tzinfo=UTC),
}


def specimen(fields: Mapping[str, Kind]) -> Mapping[str, Any]:
    """A record whose fields are all filled, to try an expression on."""
    return {name: _SPECIMENS[kind] for name, kind in fields.items()}
