"""What a client sees of tags, and what it asks for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from crmkit.customers.types import Customer, said
from crmkit.engine.fields import Ref, computed, expression, list_of, to_many, to_one
from crmkit.engine.mutation_inputs import UNSET, Unset
from crmkit.engine.nodes import Connection, extend, node
from crmkit.tags import models, repository
from crmkit.values import checks
from crmkit.vocabulary.types import Label, label, label_faults

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crmkit.values.errors import Problem

_AT_ONCE = 20
_COLOUR = re.compile("#[0-9a-fA-F]{6}")


@node(models.Tag, list="tags", read="core.tag.read", order_by=models.Tag.key)
class Tag:
    """A word that is pinned to customers, such as vip or fair-2026."""

    key: str
    label: str = computed(label, models.Tag.labels, models.Tag.key)
    colour: str | None
    description: str | None
    retired_at: datetime | None
    customer_count: int = expression(repository.customer_count, filterable=True)
    customers: Connection[CustomerTag] = to_many(
        models.CustomerTag.tag_id, order_by=models.CustomerTag.created_at.desc()
    )
    """Who has it, the latest first."""


@node(models.CustomerTag, read="core.tag.read")
class CustomerTag:
    """That a customer has a tag, since when, and who pinned it."""

    customer: Customer = to_one()
    """Who has it."""
    tag: Tag = to_one()
    """The tag."""
    actor: str


@extend(Customer)
class TagsOfCustomer:
    """What tags add to a customer."""

    tags: list[CustomerTag] = list_of(models.CustomerTag.customer_id, limit=models.MOST)
    """The tags they have, in the order in which they were pinned."""


@dataclass(frozen=True)
class CreateTag:
    """A new tag."""

    key: str
    """Names it in programs; never changes."""
    labels: Sequence[Label] = ()
    """What people call it."""
    colour: str | None = None
    """How it is painted, such as #d97706."""
    description: str | None = None
    """When to use it."""

    def __post_init__(self) -> None:
        checks.check(checks.key("key", self.key), label_faults(self.labels), _look_faults(self))


@dataclass(frozen=True)
class CreatedTag:
    """What was made."""

    tag: Tag
    """The new tag."""


@dataclass(frozen=True)
class UpdateTag:
    """What is to change of a tag; whatever is left out stays."""

    id: Ref[Tag]
    """Which one is meant."""
    version: int | None = None
    """The version you saw: if it has changed since, nothing happens."""
    labels: Sequence[Label] | Unset = UNSET
    """All that people call it; they replace what is there."""
    colour: str | Unset | None = UNSET
    """How it is painted, such as #d97706."""
    description: str | Unset | None = UNSET
    """When to use it."""

    def __post_init__(self) -> None:
        checks.check(label_faults(self.labels), _look_faults(self))


@dataclass(frozen=True)
class UpdatedTag:
    """What was changed."""

    tag: Tag
    """The tag as it is now."""


@dataclass(frozen=True)
class RetireTag:
    """The tag that nobody is to get any more."""

    id: Ref[Tag]
    """Which one is meant."""
    version: int | None = None
    """The version you saw: if it has changed since, nothing happens."""


@dataclass(frozen=True)
class RetiredTag:
    """What stays with those who have it."""

    tag: Tag
    """The tag as it is now."""


@dataclass(frozen=True)
class ReinstateTag:
    """The tag that is to be used again."""

    id: Ref[Tag]
    """Which one is meant."""
    version: int | None = None
    """The version you saw: if it has changed since, nothing happens."""


@dataclass(frozen=True)
class ReinstatedTag:
    """What is used again."""

    tag: Tag
    """The tag as it is now."""


@dataclass(frozen=True)
class TagCustomer:
    """Who is to have which tags; those they have already stay as they are."""

    customer_id: Ref[Customer]
    """Who is meant."""
    tags: Sequence[str]
    """The keys of the tags, at most 20."""

    def __post_init__(self) -> None:
        checks.check(_key_faults(self.tags))


@dataclass(frozen=True)
class TaggedCustomer:
    """Who has the tags."""

    customer: Customer
    """The customer with their tags."""


@dataclass(frozen=True)
class UntagCustomer:
    """Who is to lose which tags; those they do not have are no fault."""

    customer_id: Ref[Customer]
    """Who is meant."""
    tags: Sequence[str]
    """The keys of the tags, at most 20."""

    def __post_init__(self) -> None:
        checks.check(_key_faults(self.tags))


@dataclass(frozen=True)
class UntaggedCustomer:
    """Who has the tags no longer."""

    customer: Customer
    """The customer with the tags that are left."""


def _look_faults(given: CreateTag | UpdateTag) -> Iterator[Problem]:
    colour = said(given.colour)
    if colour and not _COLOUR.fullmatch(colour):
        yield checks.fault("colour", f"{colour[:80]!r} is no colour such as #d97706.")
    yield from checks.of_length("description", said(given.description), 500)


def _key_faults(given: Sequence[str]) -> Iterator[Problem]:
    if not 0 < len(given) <= _AT_ONCE:
        yield checks.fault("tags", f"Name between one tag and {_AT_ONCE}.")
    for index, each in enumerate(given):
        if each in given[:index]:
            yield checks.fault(("tags", index), "This stands here twice.")
