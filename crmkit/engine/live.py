"""Subscriptions of one schema: what an event tells, and the types in which it is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from strawberry.annotation import StrawberryAnnotation
from strawberry.types.base import StrawberryOptional

from crmkit.engine import fields as f
from crmkit.engine.inputs import argument
from crmkit.engine.made_types import MadeField, made_type
from crmkit.engine.pagination import PAGE
from crmkit.values import ids
from crmkit.values.errors import SetupError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from strawberry.types.arguments import StrawberryArgument

    from crmkit.engine.nodes import NodeSpec
    from crmkit.engine.registry import Registry
    from crmkit.host.builders import Live


@dataclass(frozen=True)
class Occasion:
    """Some of the records that an event is about, as many as one answer holds."""

    event: str
    at: datetime
    ids: Sequence[str]
    is_gone: bool


def occasions(
    source: f.LiveOf, prefix: str, event: str, at: datetime, said: Mapping[str, Any]
) -> Iterator[Occasion]:
    """What an event tells of the records of one kind, in pages."""
    found = list(dict.fromkeys(_ids(said, prefix)))
    for is_gone, events in ((False, source.on), (True, source.gone)):
        if event in events:
            for start in range(0, len(found), PAGE):
                yield Occasion(event, at, found[start : start + PAGE], is_gone)


def _ids(said: Mapping[str, Any], prefix: str) -> Iterator[str]:
    """An id names its kind, so an event need not say which of its fields hold whose ids."""
    for value in said.values():
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, str) and ids.prefix_of(each) == prefix:
                yield each


class LiveTypes:
    """The types of the subscriptions of one schema."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry

    def root_field(self, live: Live) -> f.Declared:
        """The field of Subscription that a plugin declares.

        Raises:
            SetupError: It is about what is no node here.
        """
        spec = self.registry.nodes.get(live.node)
        if spec is None:
            raise SetupError(
                f"The subscription {live.name} is about {live.node.__name__}, which is no node of this "
                "schema; add it in register_schema."
            )
        made = f.Declared(
            python_name=live.name,
            graphql_name=live.name,
            type_annotation=StrawberryAnnotation(_payload(live, spec)),
            description=live.description,
        )
        made.source = f.LiveOf(live.node, frozenset(live.on), frozenset(live.gone))
        made.permission = spec.read
        return made

    def arguments(self, spec: NodeSpec) -> Iterator[StrawberryArgument]:
        """The arguments of such a field."""
        where = StrawberryOptional(self.registry.inputs.later(f"{spec.name}Where"))
        yield argument(
            "where", where, "Of which records; of all that the actor may see, unless said."
        )


def _payload(live: Live, spec: NodeSpec) -> type:
    name = live.name[0].upper() + live.name[1:]
    fields = [
        _field("event", str, f"What happened: {', '.join((*live.on, *live.gone))}."),
        _field("at", datetime, "When it happened."),
        _field("nodes", list[spec.cls], f"The records, as they are now; at most {PAGE}."),  # type: ignore[name-defined]
    ]
    if live.gone:
        gone = "The ids of records that are not to be seen any more."
        fields.append(_field("gone", list[f.ID], gone))
    return made_type(name, fields, f"Told of records of the kind {spec.name}.")


def _field(name: str, kind: Any, description: str) -> MadeField:
    return MadeField(
        python_name=name,
        graphql_name=name,
        type_annotation=StrawberryAnnotation(kind),
        description=description,
    )
