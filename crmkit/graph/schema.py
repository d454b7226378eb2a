"""One schema from many rooms, and the execution of its operations by plans."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, cast

import strawberry
from strawberry.types.base import StrawberryObjectDefinition

from crmkit.engine.conditions import Conditions
from crmkit.engine.made_types import made_type
from crmkit.engine.mutation_fields import MutationField, mutation_fields, own_mutations
from crmkit.engine.pagination import Cursors
from crmkit.engine.registry import Parts, Registry
from crmkit.engine.renames import Renames
from crmkit.engine.requirements import Requirements
from crmkit.graph.coordinates import Named, named
from crmkit.graph.introspection import Introspection
from crmkit.graph.run import Run
from crmkit.graph.variables import Variables
from crmkit.values.errors import SetupError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from graphql import GraphQLSchema
    from strawberry.types.field import StrawberryField

    from crmkit.engine.plans import Plans
    from crmkit.engine.requirements import RowScope
    from crmkit.graph.documents import Operation, Wanted
    from crmkit.graph.observers import Note
    from crmkit.host.actors import Actor
    from crmkit.host.host import Host
    from crmkit.settings import Settings
    from crmkit.store.reach import Extent


class StrawberrySchema(strawberry.Schema):
    """Strawberry's schema with the fields that the registry gives each type."""

    def __init__(self, registry: Registry, mutations: Sequence[MutationField]) -> None:
        self.registry = registry
        fields = [each.field for each in mutations]
        mutation = made_type("Mutation", fields, "What can be changed.") if fields else None
        super().__init__(
            registry.query,
            mutation,
            registry.subscription,
            types=list(registry.nodes),
            config=registry.config,
        )

    def get_fields(self, type_definition: StrawberryObjectDefinition) -> list[StrawberryField]:
        found = self.registry.members.get(type_definition.origin, type_definition.fields)
        return cast("list[StrawberryField]", found)

    def get_field_for_type(self, field_name: str, type_name: str) -> StrawberryField | None:
        definition = self.get_type_by_name(type_name)
        if not isinstance(definition, StrawberryObjectDefinition):
            return None
        named = (
            each for each in self.get_fields(definition) if self.registry.name(each) == field_name
        )
        return next(named, None)

    @property
    def core(self) -> GraphQLSchema:
        return self._schema


class Schema:
    """What one app answers: its types, and how operations on them run.

    The registry is made at once and the rest when somebody asks for it, because commands that
    answer no operation do without.
    """

    def __init__(
        self,
        parts: Parts,
        settings: Settings,
        *,
        words: Mapping[str, Sequence[str]],
        permissions: Mapping[str, str],
        renames: Mapping[str, Mapping[str, str]],
        scopes: Mapping[str, Extent] | None = None,
        narrowing: Sequence[RowScope] = (),
    ) -> None:
        self._parts = parts
        self._permissions = permissions
        self._scopes = scopes
        self._narrowing = narrowing
        self._settings = settings
        self._renames = Renames(renames)
        own_mutations(parts)
        self.registry = Registry(parts, words=words, permissions=permissions, renames=self._renames)
        self.cursors = Cursors(settings.secret.get_secret_value())

    def complete(self) -> None:
        """Makes what is not there yet.

        Raises:
            SetupError: Something in it does not fit together.
        """
        _ = self.requirements, self.wheres, self.variables, self.introspection

    @cached_property
    def mutations(self) -> dict[str, MutationField]:
        """Each mutation by its name."""
        made = _mutations(self.registry, self._parts, self._permissions)
        self._renames.check()
        return made

    @cached_property
    def strawberry(self) -> StrawberrySchema:
        return StrawberrySchema(self.registry, list(self.mutations.values()))

    @cached_property
    def core(self) -> GraphQLSchema:
        return self.strawberry.core

    @cached_property
    def requirements(self) -> Requirements:
        """What each coordinate takes."""
        made = Requirements(
            self.registry,
            self.mutations.values(),
            self._permissions,
            self._scopes,
            self._narrowing,
        )
        made.add_inputs(self.core)
        return made

    @cached_property
    def wheres(self) -> Conditions:
        """What conditions mean."""
        suggests = self._settings.profile != "production"
        return Conditions(self.registry, self.core, suggests=suggests)

    @cached_property
    def variables(self) -> Variables:
        return Variables(self.core)

    @cached_property
    def introspection(self) -> Introspection:
        return Introspection(self.core, self._settings.graphql.limits.introspection)

    def sdl(self) -> str:
        """The schema in GraphQL's own language."""
        return self.strawberry.as_str()

    def run(
        self,
        wanted: Wanted,
        *,
        host: Host,
        actor: Actor,
        note: Note,
        plans: Plans | None = None,
    ) -> Run:
        """One operation that can run for this actor.

        Plans are found in `plans` and kept there; without, each request is planned anew.

        Raises:
            Wrong: Its variables do not fit.
            Forbidden: It names what the actor may not use.
            QueryTooComplex: It costs too much.
        """
        operation, given = wanted.operation, wanted.variables
        if operation.declared is None:
            operation.declared = self.variables.declared(operation.node)
        coerced = self.variables.values(
            operation.node,
            operation.declared,
            given,
            hide_suggestions=self._settings.profile == "production",
        )
        if actor.rights.refused:
            written = bool(actor.rights.hidden)
            actor.rights.check(self._named(operation).together(given, written=written))
        return Run(self, wanted, coerced, host, actor, note, plans)

    def _named(self, operation: Operation) -> Named:
        if operation.named is None:
            parsed, node = operation.parsed, operation.node
            operation.named = named(self.core, parsed, node, self.requirements.kinds)
        return operation.named


def _mutations(
    registry: Registry, parts: Parts, permissions: Mapping[str, str]
) -> dict[str, MutationField]:
    found: dict[str, MutationField] = {}
    nodes = {spec.name: cls for cls, spec in registry.nodes.items()}
    for declared in mutation_fields(parts, nodes):
        each = _renamed(declared, registry.renames)
        if (other := found.get(each.name)) is not None:
            raise SetupError(
                f"The mutation {each.name} is declared by the plugins {other.plugin} and {each.plugin}; "
                f"rename one of them, or say another name under [plugins.{each.plugin}.rename]."
            )
        if each.permission not in permissions:
            raise SetupError(
                f"The mutation {each.name} of the plugin {each.plugin} takes the permission "
                f"{each.permission!r}, which nobody registers; add it in register_permissions."
            )
        found[each.name] = each
    return found


def _renamed(declared: MutationField, renames: Renames) -> MutationField:
    name = renames.of(declared.plugin, "Mutation", declared.name)
    if name is None:
        return declared
    declared.field.python_name = declared.field.graphql_name = name
    return replace(declared, name=name)
