"""What a client sees of interactions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

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
from crmkit.host.context import Event
from crmkit.interactions import models
from crmkit.stages.types import Label, label
from crmkit.values import checks

if TYPE_CHECKING:
    from crmkit.settings import Organisation


@node(models.Channel, list="channels", read="core.channel.read", order_by=models.Channel.key)
class Channel:
    """A medium, such as email or a visit."""

    key: str
    label: str = computed(label, models.Channel.labels, models.Channel.key)


@node(
    models.Touchpoint,
    list="touchpoints",
    read="core.touchpoint.read",
    order_by=models.Touchpoint.key,
)
class Touchpoint:
    """A named place where customers meet us: a shop, a campaign, a page."""

    key: str
    label: str = computed(label, models.Touchpoint.labels, models.Touchpoint.key)
    channel: Channel | None = to_one()
    """The medium it works through, if it is one."""


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
    models.Channel.labels,
    models.Channel.key,
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
class CreateChannel:
    """A new medium."""

    key: str
    """Names it in programs; never changes."""
    labels: Sequence[Label] = ()
    """What people call it."""

    def __post_init__(self) -> None:
        checks.check(checks.key("key", self.key))


@dataclass(frozen=True)
class CreatedChannel:
    """What was made."""

    channel: Channel
    """The new channel."""


@dataclass(frozen=True)
class CreateTouchpoint:
    """A new place where customers meet us."""

    key: str
    """Names it in programs; never changes."""
    labels: Sequence[Label] = ()
    """What people call it."""
    channel_id: Ref[Channel] | None = None
    """The medium it works through, if it is one."""

    def __post_init__(self) -> None:
        checks.check(checks.key("key", self.key))


@dataclass(frozen=True)
class CreatedTouchpoint:
    """What was made."""

    touchpoint: Touchpoint
    """The new touchpoint."""


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

    ids: tuple[str, ...]
    customer_ids: tuple[str, ...]
