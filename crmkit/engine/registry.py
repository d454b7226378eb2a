"""Which fields each type has in one schema, who added them, and what they mean in SQL."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import strawberry
from sqlalchemy.sql import visitors
from strawberry.annotation import StrawberryAnnotation
from strawberry.schema.config import StrawberryConfig
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.base import StrawberryList, StrawberryOptional

from crmkit.engine import fields as f
from crmkit.engine.declarations import (
    check_async,
    check_nullability,
    check_to_one,
    column_doc,
    is_required,
    only_key,
    own_attribute,
)
from crmkit.engine.entity import check_way
from crmkit.engine.inputs import Inputs, id_argument, ids_argument
from crmkit.engine.live import LiveTypes
from crmkit.engine.made_types import made_type
from crmkit.engine.nodes import Connection, Extension, MoneyType, Node, NodeSpec, node_spec
from crmkit.engine.queries import Query
from crmkit.engine.renames import Renames
from crmkit.engine.scalars import SCALARS
from crmkit.engine.stats import StatTypes
from crmkit.engine.timelines import Timelines
from crmkit.host.builders import Live
from crmkit.store.database import Base, attribute, table_of
from crmkit.values.errors import SetupError

if TYPE_CHECKING:
    from sqlalchemy import BindParameter, ColumnElement, Select, Table
    from strawberry.types.field import StrawberryField

    from crmkit.engine.entity import Entity

CORE = "core"
FIELDS = "fields"
"""Who owns what the organisation itself defines in crmkit.toml."""

Parts = Sequence[tuple[str, Any]]
_CONNECTION: Any = vars(Connection)["__strawberry_definition__"]


class Registry:
    """The nodes of one schema with all fields that the core and plugins gave them."""

    def __init__(
        self,
        parts: Parts,
        *,
        words: Mapping[str, Sequence[str]] | None = None,
        permissions: Mapping[str, str] | None = None,
        renames: Renames | None = None,
    ) -> None:
        self.config = StrawberryConfig(scalar_map=SCALARS)
        self.words = words or {}
        self.permissions = permissions
        self.renames = renames or Renames({})
        self.nodes: dict[type, NodeSpec] = {}
        self.owners: dict[type, str] = {}
        self.by_prefix: dict[str, NodeSpec] = {}
        self.by_type: dict[str, NodeSpec] = {}
        self.members: dict[type, list[f.Declared]] = {}
        self._by_name: dict[type, dict[str, f.Declared]] = {}
        self.inputs = Inputs(self)
        self.stats = StatTypes(self)
        self.lives = LiveTypes(self)
        for plugin, part in parts:
            if (spec := node_spec(part)) is not None:
                self._add_node(plugin, spec)
        extensions = [(p, part.__extension__) for p, part in parts if "__extension__" in vars(part)]
        for plugin, extension in extensions:
            for each in extension.fields:  # Also of what is absent, whose names stay known.
                self._renamed(plugin, _target_name(extension), each)
        for cls, spec in self.nodes.items():
            own = [(self.owners[cls], each) for each in spec.fields]
            added = [
                (p, each)
                for p, ext in extensions
                if self._target(ext) is cls
                for each in ext.fields
            ]
            self._add_members(cls, own + added)
        self.timelines = Timelines(self, parts)
        self.query = self._query([(p, part) for p, part in parts if isinstance(part, Query)])
        self.subscription = self._subscription(parts)
        self._complete_all()

    # -- what the planner and the filters ask -------------------------------------------

    def spec(self, cls: type) -> NodeSpec:
        return self.nodes[cls]

    def named(self, name: str) -> NodeSpec:
        return self.by_type[name]

    def field(self, cls: type, name: str) -> f.Declared:
        """The field of this GraphQL name."""
        return self._by_name[cls][name]

    def fields_of(self, cls: type) -> list[f.Declared]:
        return self.members[cls]

    def name(self, field: StrawberryField) -> str:
        return self.config.name_converter.get_graphql_name(field)

    def join(self, cls: type, fields: Sequence[f.Declared]) -> None:
        """Gives a type these fields besides those that it has."""
        self.members.setdefault(cls, []).extend(fields)
        self._by_name[cls] = {self.name(each): each for each in self.members[cls]}

    def target(self, field: f.Declared) -> NodeSpec:
        """The node type that a relation leads to."""
        kind: Any = field.type
        while isinstance(kind, StrawberryOptional | StrawberryList):
            kind = kind.of_type
        definition = getattr(kind, "__strawberry_definition__", None)
        if definition is not None and definition.concrete_of is _CONNECTION:
            kind = definition.type_var_map["T"]
        return self.nodes[kind]

    def element(self, field: f.Declared, entity: Entity, **arguments: Any) -> ColumnElement[Any]:
        """The SQL of a field whose value stands in, or is computed from, the own row."""
        source = field.source
        if isinstance(source, f.Expression):
            made = _with_constants_as_text(source.function(entity.model, **arguments))
            return made.correlate(entity.table).scalar_subquery()
        return entity.column(f.own_column(field))

    def sides(self) -> dict[Table, list[type[Base]]]:
        """The side tables whose row is made with its parent: those that a non-null field reads."""
        found: dict[Table, list[type[Base]]] = {}
        for cls, declared in self.members.items():
            for each in declared:
                if isinstance(each.source, f.FromSide) and is_required(each):
                    side: type[Base] = attribute(each.source.attribute)[0].info["model"]
                    models = found.setdefault(table_of(self.nodes[cls].model), [])
                    models += [] if side in models else [side]
        return found

    # -- putting it together --------------------------------------------------------------

    def _add_node(self, plugin: str, spec: NodeSpec) -> None:
        if (other := self.by_type.get(spec.name)) is not None:
            raise SetupError(
                f"The type {spec.name} is declared by the plugins {self.owners[other.cls]} and "
                f"{plugin}; rename one of them."
            )
        self._need_permission(plugin, spec.read, f"The type {spec.name}")
        self.nodes[spec.cls] = self.by_prefix[spec.prefix] = self.by_type[spec.name] = spec
        self.owners[spec.cls] = plugin

    def _target(self, extension: Extension) -> type | None:
        """The node that an extension is for; None where its plugin is not loaded."""
        if isinstance(extension.target, type):
            return extension.target
        plugin, _, name = extension.target.rpartition(".")
        found = (
            cls for cls, owner in self.owners.items() if owner == plugin and cls.__name__ == name
        )
        return next(found, None)

    def _add_members(self, cls: type, given: Sequence[tuple[str, f.Declared]]) -> None:
        seen: dict[str, str] = {}
        self.members[cls] = []
        for plugin, each in given:
            made = copy.copy(each)
            made.owner = plugin
            made.graphql_name = self._renamed(plugin, cls.__name__, each) or made.graphql_name
            self._check_free(cls.__name__, self.name(made), plugin, seen)
            if not isinstance(each.source, f.StatsOf):  # Its name is that of the node's type.
                self._check_whose(cls.__name__, self.name(each), plugin, self.owners.get(cls, CORE))
            self.members[cls].append(made)
        self._by_name[cls] = {self.name(each): each for each in self.members[cls]}

    def _renamed(self, plugin: str, kind: str, field: f.Declared) -> str | None:
        return self.renames.of(plugin, kind, self.name(field))

    def _check_free(self, kind: str, name: str, plugin: str, seen: dict[str, str]) -> None:
        if plugin == FIELDS and name in seen:
            whose = "the core" if seen[name] == CORE else f"the plugin {seen[name]}"
            raise SetupError(
                f"{kind}.{name} is declared by {whose} and under [fields.{kind.lower()}] in crmkit.toml; "
                'give the field another name there: name = "…".'
            )
        if name in seen:
            raise SetupError(
                f"{kind}.{name} is declared by the plugins {seen[name]} and {plugin}; "
                f"rename the field in one of them, or in crmkit.toml under [plugins.{plugin}.rename]."
            )
        seen[name] = plugin

    def _check_whose(self, kind: str, name: str, plugin: str, owner: str) -> None:
        """Holds plugins to names of their own; what an operator says instead is his to say."""
        if plugin not in {owner, CORE, FIELDS} and not self.may_say(plugin, name):
            words = ", ".join(self.words_of(plugin))
            raise SetupError(
                f"The plugin {plugin} adds {kind}.{name}, whose name does not say whose it is; put one "
                f"of its words ({words}) into the name, or reserve another in the manifest's words."
            )

    def words_of(self, plugin: str) -> list[str]:
        return [plugin, *self.words.get(plugin, ())]

    def may_say(self, plugin: str, name: str) -> bool:
        """Whether a name on common ground shows which plugin it belongs to."""
        return any(_squeezed(word) in name.lower() for word in self.words_of(plugin))

    def _query(self, asked: Sequence[tuple[str, Query]]) -> type:
        lists = [
            (self.owners[cls], self._list_field(spec))
            for cls, spec in self.nodes.items()
            if spec.list_name
        ]
        stats = [
            (self.owners[cls], self.stats.root_field(spec))
            for cls, spec in self.nodes.items()
            if spec.list_name
        ]
        called = [(plugin, _asked(each)) for plugin, each in asked]
        lookups = [(CORE, self._lookup("node")), (CORE, self._lookup("nodes"))]
        given = [*lookups, *lists, *stats, *called]
        return self._root("Query", given, "What can be read.")

    def _subscription(self, parts: Parts) -> type | None:
        given = [
            (plugin, self.lives.root_field(part))
            for plugin, part in parts
            if isinstance(part, Live)
        ]
        return self._root("Subscription", given, "What is told when it happens.") if given else None

    def _root(self, name: str, given: Sequence[tuple[str, f.Declared]], description: str) -> type:
        root = type(name, (), {"__doc__": description})
        self._add_members(root, given)
        made = made_type(name, self.members[root], description)
        self.members[made] = self.members.pop(root)
        self._by_name[made] = self._by_name.pop(root)
        return made

    def _list_field(self, spec: NodeSpec) -> f.Declared:
        made = f.Declared(
            python_name=cast("str", spec.list_name),
            type_annotation=StrawberryAnnotation(Connection[spec.cls]),  # type: ignore[name-defined]
            description=f"All records of the kind {spec.name} that the actor may see, by page.",
        )
        made.source, made.permission = f.AllOf(spec.cls), spec.read
        return made

    def _lookup(self, name: str) -> f.Declared:
        many = name == "nodes"
        made = f.Declared(
            python_name=name,
            type_annotation=StrawberryAnnotation(list[Node | None] if many else Node | None),
            description="Records by their ids, in that order; null where there is none."
            if many
            else "One record by its id; null where there is none.",
        )
        made.source = f.Lookup(many)
        return made

    def _complete_all(self) -> None:
        for cls, declared in self.members.items():
            for each in declared:
                self._complete(cls, each)
        for spec in self.nodes.values():
            if spec.list_name:
                self.stats.check(spec)

    def _complete(self, cls: type, field: f.Declared) -> None:
        """Resolves what a declaration left open, checks it, and gives it its arguments."""
        spec = self.nodes.get(cls)
        if spec is not None:
            field.source = self._resolved(spec, field)
            check_nullability(spec, field)
            check_async(spec, field)
            field.description = field.description or column_doc(field)
        if not field.description:
            raise SetupError(
                f"{cls.__name__}.{self.name(field)} of the plugin {field.owner} has no description; "
                "write a string under the attribute, or doc= on its column."
            )
        if field.permission is not None:
            self._need_permission(
                field.owner, field.permission, f"{cls.__name__}.{self.name(field)}"
            )
        field.arguments = list(self._arguments(field))

    def _resolved(self, spec: NodeSpec, field: f.Declared) -> f.Source:
        source = field.source
        if isinstance(source, f.FromColumn) and source.attribute is None:
            return replace(source, attribute=own_attribute(spec, field))
        if isinstance(source, f.FromMoney):
            nullable = attribute(source.minor)[1].nullable
            field.type_annotation = StrawberryAnnotation(
                MoneyType | None if nullable else MoneyType
            )
        if isinstance(source, f.Computed):
            for table in {attribute(each)[0] for each in source.of}:
                check_way(table_of(spec.model), table)
        if isinstance(source, f.ToOne):
            target = table_of(self.target(field).model)
            key = source.key if source.key is not None else only_key(spec.model, target, field)
            check_to_one(spec, field, attribute(key)[1], target)
            return replace(source, key=key)
        if isinstance(source, f.ToMany | f.ListOf) and source.key is None:
            model = self.target(field).model
            return replace(source, key=only_key(model, table_of(spec.model), field))
        return source

    def _need_permission(self, plugin: str, permission: str, who: str) -> None:
        if not permission:
            raise SetupError(
                f"{who} of the plugin {plugin} declares no permission; say which one it takes."
            )
        if self.permissions is not None and permission not in self.permissions:
            raise SetupError(
                f"{who} of the plugin {plugin} takes the permission {permission!r}, which nobody registers; "
                "add it in register_permissions."
            )

    def _arguments(self, field: f.Declared) -> Iterator[StrawberryArgument]:
        source = field.source
        if isinstance(source, f.Lookup):
            yield ids_argument() if source.many else id_argument()
        elif isinstance(source, f.AllOf | f.ToMany):
            yield from self.inputs.connection_arguments(self.target(field))
        elif isinstance(source, f.StatsOf):
            yield from self.stats.arguments(self.nodes[source.node])
        elif isinstance(source, f.LiveOf):
            yield from self.lives.arguments(self.nodes[source.node])
        elif isinstance(source, f.Timeline):
            yield from self.inputs.timeline_arguments()
        elif isinstance(source, f.Computed | f.Expression | f.Called):
            yield from _function_arguments(source)


def _asked(query: Query) -> f.Declared:
    function = query.function
    namespace = vars(inspect.getmodule(function))
    made = f.Declared(
        python_name=function.__name__,
        type_annotation=StrawberryAnnotation(
            function.__annotations__["return"], namespace=namespace
        ),
        description=inspect.getdoc(function),
    )
    made.source, made.permission, made.cost = f.Asked(function), query.permission, query.cost
    return made


def _target_name(extension: Extension) -> str:
    target = extension.target
    return target.__name__ if isinstance(target, type) else target.rpartition(".")[2]


def _squeezed(word: str) -> str:
    return word.replace("_", "").lower()


def _with_constants_as_text(statement: Select[Any]) -> Select[Any]:
    """Constants that a declaration wrote become text, so that partial indexes are used."""

    def visit(bind: BindParameter[Any]) -> None:
        if bind.value is not None and not bind.key.startswith("given_"):
            bind.literal_execute = True

    return visitors.cloned_traverse(statement, {}, {"bindparam": visit})


def _function_arguments(
    source: f.Computed | f.Expression | f.Called,
) -> Iterator[StrawberryArgument]:
    """Keyword-only parameters of a declared function are the field's arguments."""
    namespace = vars(inspect.getmodule(source.function))
    for each in inspect.signature(source.function).parameters.values():
        if each.kind is inspect.Parameter.KEYWORD_ONLY and each.name not in f.KNOWN:
            default = (
                strawberry.UNSET
                if each.default in (None, inspect.Parameter.empty)
                else each.default
            )
            yield StrawberryArgument(
                each.name,
                None,
                StrawberryAnnotation(each.annotation, namespace=namespace),
                default=default,
                description=f"See the field: {each.name.replace('_', ' ')}.",
            )
