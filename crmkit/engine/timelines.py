"""Which records stand in timelines, and what every entry of one has."""

from __future__ import annotations

import copy
import inspect
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import strawberry
from sqlalchemy import Column
from strawberry.annotation import StrawberryAnnotation
from strawberry.utils.str_converters import to_camel_case, to_snake_case

from crmkit.engine import fields as f
from crmkit.engine.nodes import Node, NodeSpec
from crmkit.host.builders import TimelineKind
from crmkit.store.database import attribute, table_of
from crmkit.values.errors import SetupError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from crmkit.engine.registry import Registry

_WHEN = "When it happened."
_WHOSE = "Whom it is about."
_SUMMARY = "What it says in a line, in this language or else in the organisation's."
_CAUSES = "What led to it, the nearest first; at most 100 records and 20 steps away."
_CONSEQUENCES = (
    "What followed from it and from what followed, the nearest first; "
    "at most 100 records and 20 steps away."
)


@strawberry.interface(description="Something that happened, of whatever kind.")
class TimelineEntry:
    """Something that happened, of whatever kind."""

    id: strawberry.ID = strawberry.field(description="Globally unique; its prefix names the kind.")


@dataclass(frozen=True, eq=False)
class Kind:
    """The records of one node, by whose they are and when they happened."""

    spec: NodeSpec
    at: Column[Any]
    key: Column[Any]


@dataclass(frozen=True, eq=False)
class Link:
    """The records of one node, each with what led to it."""

    spec: NodeSpec
    cause: Column[Any]


class Timelines:
    """The timelines of one schema; they belong to the one node that has a timeline field."""

    def __init__(self, registry: Registry, given: Sequence[tuple[str, Any]]) -> None:
        self.registry = registry
        self.kinds: dict[str, Kind] = {}
        self.hub = next(
            (cls for cls, each in _fields(registry) if isinstance(each.source, f.Timeline)), None
        )
        if self.hub is None:
            return
        for plugin, part in given:
            if isinstance(part, TimelineKind):
                self._add(plugin, part)
        registry.join(TimelineEntry, list(self._shared()))

    def chosen(self, names: Collection[str] | None, refused: Collection[str]) -> list[Kind]:
        """The kinds of these names, or all, without those that must not be read."""
        return [
            kind
            for name, kind in self.kinds.items()
            if (names is None or name in names) and kind.spec.read not in refused
        ]

    def links(self, refused: Collection[str]) -> list[Link]:
        """The nodes that say what led to them, without those that must not be read."""
        return [
            Link(self.registry.spec(cls), attribute(each.source.key)[1])
            for cls, each in _fields(self.registry)
            if isinstance(each.source, f.Cause) and self.registry.spec(cls).read not in refused
        ]

    def _add(self, plugin: str, given: TimelineKind) -> None:
        spec = self.registry.nodes.get(given.node)
        if spec is None or self.registry.owners[spec.cls] != plugin:
            raise SetupError(
                f"The plugin {plugin} puts {given.node.__name__} into the timeline, which is no node "
                "of its own; register the node as well, or leave it to its plugin."
            )
        table, at = attribute(given.at)
        if table is not table_of(spec.model):
            raise SetupError(
                f"The plugin {plugin} puts {spec.name} into the timeline by {at}, which is no column "
                f"of {table_of(spec.model).name}; name one that is."
            )
        name = to_snake_case(spec.name).upper()
        self.kinds[name] = Kind(spec, at, table.c[given.key])
        self._implement(spec)
        self.registry.join(spec.cls, list(self._own(plugin, spec, given)))

    def _own(self, plugin: str, spec: NodeSpec, given: TimelineKind) -> Iterator[f.Declared]:
        """What an entry's node needs besides what its author gave it."""
        own = {self.registry.name(each): each for each in self.registry.fields_of(spec.cls)}
        self._check(plugin, spec, given, own)
        if "occurredAt" not in own:
            # Computed, because the column's own field is filtered and sorted by already.
            yield _field(plugin, "occurred_at", datetime, f.Computed(_itself, (given.at,)), _WHEN)
        if self._hub_name not in own:
            key = getattr(spec.model, given.key)
            yield _field(plugin, self._hub_name, self.hub, f.ToOne(key), _WHOSE)
        summary = copy.copy(given.summary)
        summary.python_name, summary.owner = "summary", plugin
        summary.type_annotation = StrawberryAnnotation(str)
        summary.description = _SUMMARY
        yield summary
        yield from _chains(plugin)

    def _check(
        self, plugin: str, spec: NodeSpec, given: TimelineKind, own: dict[str, f.Declared]
    ) -> None:
        for name in ("summary", "causes", "consequences"):
            if name in own:
                raise SetupError(
                    f"{spec.name}.{name} is declared by the plugin {own[name].owner}, and every entry "
                    f"of a timeline has a {name} of its own; rename the field."
                )
        source = getattr(given.summary, "source", None)
        if not isinstance(source, f.Computed) or not _takes_locale(source):
            raise SetupError(
                f"The plugin {plugin} puts {spec.name} into the timeline with a summary that is not "
                "sdk.computed(function, …) of a function with the keyword `locale: str | None = None`; "
                "write one."
            )

    def _shared(self) -> Iterator[f.Declared]:
        """The fields of the interface, with the name of those whom entries are about."""
        owner = self.registry.owners[self.hub] if self.hub else ""
        yield _field(
            owner,
            "id",
            strawberry.ID,
            f.FromColumn(),
            "Globally unique; its prefix names the kind.",
        )
        yield _field(owner, "occurred_at", datetime, f.FromColumn(), _WHEN)
        yield _field(owner, self._hub_name, self.hub, f.ToOne(), _WHOSE)
        yield _field(owner, "summary", str, f.Computed(_in_words, ()), _SUMMARY)
        yield from _chains(owner)

    @property
    def _hub_name(self) -> str:
        return to_camel_case(to_snake_case(self.hub.__name__)) if self.hub else ""

    def _implement(self, spec: NodeSpec) -> None:
        # Said on the class itself: its plugin registers both always or never.
        definition: Any = vars(spec.cls)["__strawberry_definition__"]
        entry: Any = vars(TimelineEntry)["__strawberry_definition__"]
        if entry not in definition.interfaces:
            definition.interfaces.append(entry)


def _fields(registry: Registry) -> Iterator[tuple[type, f.Declared]]:
    return ((cls, each) for cls in registry.nodes for each in registry.members[cls])


def _chains(owner: str) -> Iterator[f.Declared]:
    kind = list[Node]
    yield _field(owner, "causes", kind, f.Chain(forward=False), _CAUSES)
    yield _field(owner, "consequences", kind, f.Chain(forward=True), _CONSEQUENCES)


def _field(owner: str, name: str, kind: Any, source: f.Source, description: str) -> f.Declared:
    made = f.Declared(
        python_name=name, type_annotation=StrawberryAnnotation(kind), description=description
    )
    made.source, made.owner = source, owner
    return made


def _takes_locale(source: f.Computed) -> bool:
    asked = inspect.signature(source.function).parameters.values()
    names = [
        each.name
        for each in asked
        if each.kind is inspect.Parameter.KEYWORD_ONLY and each.name not in f.KNOWN
    ]
    return names == ["locale"]


def _in_words(*, locale: str | None = None) -> str:
    raise NotImplementedError("each kind has its own")


def _itself(value: Any) -> Any:
    return value
