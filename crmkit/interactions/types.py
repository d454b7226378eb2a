"""What a client sees of interactions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from crmkit.channels import models as channels
from crmkit.channels.types import Channel, Touchpoint
from crmkit.customers.types import Customer
from crmkit.engine.fields import (
    JSON,
    Ref,
    cause,
    computed,
    list_of,
    side,
    to_many,
    to_one,
)
from crmkit.engine.nodes import Connection, Node, extend, node
from crmkit.host.events import Event
from crmkit.interactions import models
from crmkit.values import checks
from crmkit.vocabulary.types import label

if TYPE_CHECKING:
    from crmkit.settings import Organisation


@node(
    models.Interaction,
    list="interactions",
    read="core.interaction.read",
    order_by=models.Interaction.occurred_at.desc(),
)
class Interaction:
    """Something said or done; it never changes, a correction supersedes it."""

    customer: Customer = to_one()
    """With whom."""
    channel: Channel = to_one()
    """Through which medium."""
    touchpoint: Touchpoint | None = to_one()
    """At which named place."""
    direction: models.Direction
    kind: str
    subject: str | None = side(models.InteractionContent.subject)
    body: str | None = side(models.InteractionContent.body)
    properties: JSON = side(models.InteractionContent.properties)
    occurred_at: datetime
    actor: str
    cause: Node | None = cause(models.Interaction.cause_id)
    """What led to it: an order, another interaction, whatever has an id."""
    supersedes: Interaction | None = to_one(models.Interaction.supersedes_id)
    """The record that it corrects."""
    superseded_by: list[Interaction] = list_of(models.Interaction.supersedes_id, limit=1)
    """The correction of it, where there is one."""


def _said(
    labels: Mapping[str, str],
    channel: str,
    subject: str | None,
    kind: str,
    *,
    locale: str | None = None,
    organisation: Organisation,
) -> str:
    """Through which medium, and what it was about or at least what kind of thing it was."""
    medium = label(labels, channel, locale=locale, organisation=organisation)
    return f"{medium}: {subject or kind}"


summary = computed(
    _said,
    channels.Channel.labels,
    channels.Channel.key,
    models.InteractionContent.subject,
    models.Interaction.kind,
)
"""An interaction in a line."""


@extend(Customer)
class CustomerInteractions:
    """What interactions add to a customer."""

    interactions: Connection[Interaction] = to_many(
        models.Interaction.customer_id, order_by=models.Interaction.occurred_at.desc()
    )
    """What was said and done, the latest first."""


@dataclass(frozen=True)
class RecordInteraction:
    """Something that was said or done."""

    customer_id: Ref[Customer]
    """With whom."""
    channel: str
    """The key of the medium, such as email."""
    direction: models.Direction
    """Who turned to whom."""
    kind: str
    """What it was, by its key, such as note, question or offer."""
    touchpoint: str | None = None
    """The key of the named place."""
    subject: str | None = None
    """What it was about."""
    body: str | None = None
    """What was said, in full."""
    occurred_at: datetime | None = None
    """When it happened; now unless given."""
    properties: Mapping[str, Any] = field(default_factory=dict)
    """Whatever else is known, freely."""
    cause_id: Ref[Node] | None = None
    """What led to it: an order, another interaction, whatever has an id."""
    supersedes_id: Ref[Interaction] | None = None
    """The record of the same customer that this one corrects."""

    def __post_init__(self) -> None:
        checks.check(checks.key("kind", self.kind), checks.of_length("subject", self.subject, 500))


@dataclass(frozen=True)
class RecordedInteraction:
    """What was recorded."""

    interaction: Interaction
    """The new record."""


@dataclass(frozen=True)
class InteractionsRecorded(Event):
    """Something was said or done, each with the customer in the place of its id."""

    about: ClassVar[type | None] = Interaction

    ids: tuple[str, ...]
    customer_ids: tuple[str, ...]
