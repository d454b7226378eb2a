"""What a client sees of channels and touchpoints, and what it asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from crmkit.channels import models
from crmkit.engine.fields import Ref, computed, to_many, to_one
from crmkit.engine.mutation_inputs import UNSET, Unset
from crmkit.engine.nodes import Connection, node
from crmkit.values import checks
from crmkit.vocabulary.types import Label, label, label_faults


@node(models.Channel, list="channels", read="core.channel.read", order_by=models.Channel.key)
class Channel:
    """A medium, such as email or a visit."""

    key: str
    label: str = computed(label, models.Channel.labels, models.Channel.key)
    retired_at: datetime | None
    touchpoints: Connection[Touchpoint] = to_many(models.Touchpoint.channel_id)
    """The named places that work through it."""


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
    retired_at: datetime | None


@dataclass(frozen=True)
class CreateChannel:
    """A new medium."""

    key: str
    """Names it in programs; never changes."""
    labels: Sequence[Label] = ()
    """What people call it."""

    def __post_init__(self) -> None:
        checks.check(checks.key("key", self.key), label_faults(self.labels))


@dataclass(frozen=True)
class CreatedChannel:
    """What was made."""

    channel: Channel
    """The new channel."""


@dataclass(frozen=True)
class UpdateChannel:
    """What is to change of a medium; whatever is left out stays."""

    id: Ref[Channel]
    """Which one is meant."""
    version: int | None = None
    """The version you saw: if it has changed since, nothing happens."""
    labels: Sequence[Label] | Unset = UNSET
    """All that people call it; they replace what is there."""

    def __post_init__(self) -> None:
        checks.check(label_faults(self.labels))


@dataclass(frozen=True)
class UpdatedChannel:
    """What was changed."""

    channel: Channel
    """The channel as it is now."""


@dataclass(frozen=True)
class RetireChannel:
    """The medium through which nothing new is to be recorded."""

    id: Ref[Channel]
    """Which one is meant."""
    version: int | None = None
    """The version you saw: if it has changed since, nothing happens."""


@dataclass(frozen=True)
class RetiredChannel:
    """What is kept for what was."""

    channel: Channel
    """The channel as it is now."""


@dataclass(frozen=True)
class ReinstateChannel:
    """The medium that is to be used again."""

    id: Ref[Channel]
    """Which one is meant."""
    version: int | None = None
    """The version you saw: if it has changed since, nothing happens."""


@dataclass(frozen=True)
class ReinstatedChannel:
    """What is used again."""

    channel: Channel
    """The channel as it is now."""


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
        checks.check(checks.key("key", self.key), label_faults(self.labels))


@dataclass(frozen=True)
class CreatedTouchpoint:
    """What was made."""

    touchpoint: Touchpoint
    """The new touchpoint."""


@dataclass(frozen=True)
class UpdateTouchpoint:
    """What is to change of a named place; whatever is left out stays."""

    id: Ref[Touchpoint]
    """Which one is meant."""
    version: int | None = None
    """The version you saw: if it has changed since, nothing happens."""
    labels: Sequence[Label] | Unset = UNSET
    """All that people call it; they replace what is there."""
    channel_id: Ref[Channel] | Unset | None = UNSET
    """The medium it works through, if it is one."""

    def __post_init__(self) -> None:
        checks.check(label_faults(self.labels))


@dataclass(frozen=True)
class UpdatedTouchpoint:
    """What was changed."""

    touchpoint: Touchpoint
    """The touchpoint as it is now."""


@dataclass(frozen=True)
class RetireTouchpoint:
    """The named place at which nothing new is to be recorded."""

    id: Ref[Touchpoint]
    """Which one is meant."""
    version: int | None = None
    """The version you saw: if it has changed since, nothing happens."""


@dataclass(frozen=True)
class RetiredTouchpoint:
    """What is kept for what was."""

    touchpoint: Touchpoint
    """The touchpoint as it is now."""


@dataclass(frozen=True)
class ReinstateTouchpoint:
    """The named place that is to be used again."""

    id: Ref[Touchpoint]
    """Which one is meant."""
    version: int | None = None
    """The version you saw: if it has changed since, nothing happens."""


@dataclass(frozen=True)
class ReinstatedTouchpoint:
    """What is used again."""

    touchpoint: Touchpoint
    """The touchpoint as it is now."""
