"""What a client sees of interactions."""

from __future__ import annotations

from datetime import datetime

from crmkit.customers.types import Customer
from crmkit.engine.fields import (
    JSON,
    Connection,
    Node,
    any_node,
    computed,
    extend,
    list_of,
    node,
    side,
    to_many,
    to_one,
)
from crmkit.interactions import models
from crmkit.stages.types import label


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
    cause: Node | None = any_node(models.Interaction.cause_id)
    """What led to it: an order, another interaction, whatever has an id."""
    supersedes: Interaction | None = to_one(models.Interaction.supersedes_id)
    """The record that it corrects."""
    superseded_by: list[Interaction] = list_of(models.Interaction.supersedes_id, limit=1)
    """The correction of it, where there is one."""


@extend(Customer)
class CustomerInteractions:
    """What interactions add to a customer."""

    interactions: Connection[Interaction] = to_many(
        models.Interaction.customer_id, order_by=models.Interaction.occurred_at.desc()
    )
    """What was said and done, the latest first."""
